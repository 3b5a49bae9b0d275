/**
 * What an attempt has to know of the attempts before it, since they change what its answer means.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Tracer from "effect/Tracer"
import type { CustomerDeleted } from "./Customer.js"
import { CustomerNotFound, DeleteCustomerError, RequestFailed } from "./DeleteCustomerError.js"
import type * as Telemetry from "./Telemetry.js"

/**
 * Whether a value is an error of this package, be it of another copy.
 *
 * @internal
 */
export const isOurs = Schema.is(DeleteCustomerError)

/** What is known of the attempts so far. */
interface Memory {
  /** How many have come to no deletion. */
  attempts: number
  /** Whom they may have deleted, and how many of them; `SOMEBODY` is a customer who is not known. */
  readonly doubts: Map<string, number>
  /** Whether a call within the attempt under way keeps account of it. */
  told: boolean
}

const make = (): Memory => ({ attempts: 0, doubts: new Map(), told: false })

// No id: lone surrogates can't be sent.
const SOMEBODY = "\ud800"

/** The memories of what a fiber is within, say a retry. Once for all copies of this package. */
const currentMemories = globalValue("@effect-flowwise/client/Attempt/currentMemories", () =>
  FiberRef.unsafeMake<ReadonlyArray<Memory>>([])
)

/** One attempt under way, which has to tell how it ends. */
interface Attempt {
  /** How many attempts there were before. */
  readonly earlier: number
  readonly succeeded: () => void
  /** What the failure means, given the attempts before. */
  readonly failed: (cause: Cause.Cause<DeleteCustomerError>) => Cause.Cause<DeleteCustomerError>
}

/** @internal */
export type Call = (fiber: Fiber.RuntimeFiber<unknown, unknown>) => Attempt

/**
 * Begins a call for one customer, which begins attempts. Each knows how the attempts before it ended, whoever started
 * them: an `Effect.retry` runs the same effect again.
 *
 * @internal
 */
export const call = (customerId: string): Call => {
  const own = make()
  return (fiber) => {
    const memories = [own, ...fiber.getFiberRef(currentMemories)]
    const earlier = Math.max(...memories.map(({ attempts }) => attempts))
    own.attempts++
    for (const memory of memories) {
      memory.told = true
      // Until it is known better, and so for good where this is interrupted.
      count(memory.doubts, customerId, 1)
    }
    return {
      earlier,
      succeeded: () => {
        own.attempts = 0
      },
      failed: (cause) => {
        if (!mayHaveDeleted(cause)) {
          for (const { doubts } of memories) count(doubts, customerId, -1)
        }
        // Now, and not at the start: another attempt may have begun meanwhile.
        const inDoubt = memories.some(({ doubts }) => doubts.has(customerId) || doubts.has(SOMEBODY))
        return inDoubt ? Cause.map(cause, inHindsight) : cause
      }
    }
  }
}

/**
 * One attempt of a call, in its span. It ends as one step, interrupted or not: what is to be done then is done outright,
 * since each operation of Effect's own would take a tenth of the time that the request does.
 *
 * @internal
 */
export const run = (
  call: Call,
  telemetry: ReturnType<typeof Telemetry.make>,
  attempt: (
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    span: Tracer.Span,
    answered: (status: number) => void
  ) => Effect.Effect<CustomerDeleted, DeleteCustomerError>
): Effect.Effect<CustomerDeleted, DeleteCustomerError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(telemetry.span, (span) =>
      Effect.withFiberRuntime((fiber) => {
        const { earlier, failed, succeeded } = call(fiber)
        const { answered, ended } = telemetry.observe(fiber, span, earlier)
        return Effect.matchCauseEffect(restore(attempt(fiber, span, answered)), {
          onFailure: (cause) => {
            ended(Exit.failCause(cause))
            return Effect.failCause(failed(cause))
          },
          onSuccess: (deleted) => {
            ended(Exit.succeed(deleted))
            succeeded()
            return Effect.succeed(deleted)
          }
        })
      })
    )
  )

/**
 * Begins a retry of any effect: the calls in it know of each other's attempts, also where each attempt makes them anew.
 *
 * @internal
 */
export const retried = () => {
  const own = make()
  return <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(FiberRef.get(currentMemories), (around) => {
      const memories = [own, ...around]
      own.told = false
      return Effect.locally(attempt, currentMemories, memories).pipe(
        Effect.catchAllCause((cause) => {
          own.attempts++
          // Calls have told themselves, and of whom. This is for what is no call of ours, and fails with our errors.
          const inDoubt = !own.told && memories.some(({ doubts }) => doubts.size > 0)
          if (!own.told && mayHaveDeleted(cause)) {
            for (const { doubts } of memories) count(doubts, SOMEBODY, 1)
          }
          return Effect.failCause(inDoubt ? Cause.map(cause, inHindsight) : cause)
        })
      )
    })
}

const count = (doubts: Map<string, number>, customerId: string, by: 1 | -1) => {
  const next = (doubts.get(customerId) ?? 0) + by
  if (next > 0) {
    doubts.set(customerId, next)
  } else {
    doubts.delete(customerId)
  }
}

/** What came back does not exclude that the customer is deleted. */
const mayHaveDeleted = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  if (!isOurs(error)) {
    return error === undefined
  }
  switch (error._tag) {
    case "RequestFailed":
      return error.delivered === "unknown"
    case "DeletionFailed":
      return true
    case "UnexpectedResponse":
      return (error.status >= 200 && error.status < 300) || error.status === 408 || error.status >= 500
    default:
      return false
  }
}

/** What an error means where an earlier attempt may have deleted the customer. */
const inHindsight = <E>(error: E): E => {
  if (Schema.is(CustomerNotFound)(error) && !error.afterAmbiguousAttempt) {
    return new CustomerNotFound({ ...error, message: error.message, afterAmbiguousAttempt: true }) as E
  }
  if (Schema.is(RequestFailed)(error) && error.delivered === "no") {
    const message = `${error.message}. An earlier attempt may have deleted the customer`
    return new RequestFailed({ ...error, message, delivered: "unknown" }) as E
  }
  return error
}
