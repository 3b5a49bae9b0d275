/**
 * What an attempt has to know of the attempts before it, since they change what its answer means.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { constVoid } from "effect/Function"
import { globalValue } from "effect/GlobalValue"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Tracer from "effect/Tracer"
import type { CustomerDeleted } from "./Customer.js"
import { CustomerNotFound, DeleteCustomerError, isAmbiguous, RequestFailed } from "./DeleteCustomerError.js"
import type * as Telemetry from "./Telemetry.js"
import { clockOf, type Limit } from "./TimeLimit.js"

/**
 * Whether a value is an error of this package, be it of another copy.
 *
 * @internal
 */
export const isOurs = Schema.is(DeleteCustomerError)

/** What is known of the attempts so far. Without methods, since another copy of this package may have made it. */
class Memory {
  /** How many have come to no deletion. */
  attempts = 0
  /** Whom they may have deleted, and how many of them; `SOMEBODY` is a customer who is not known. */
  readonly doubts = new Map<string, number>()
  /** Whether a call within the attempt under way keeps account of it. */
  told = false
}

const hasDoubts = ({ doubts }: Memory, customerId: string) => doubts.has(customerId) || doubts.has(SOMEBODY)

const count = ({ doubts }: Memory, customerId: string, by: 1 | -1) => {
  const next = (doubts.get(customerId) ?? 0) + by
  if (next > 0) {
    doubts.set(customerId, next)
  } else {
    doubts.delete(customerId)
  }
}

// No id: lone surrogates can't be sent.
const SOMEBODY = "\ud800"

/** The memories of what a fiber is within, say a retry. Once for all copies of this package. */
const currentMemories = globalValue("@effect-flowwise/client/Attempt/currentMemories", () =>
  FiberRef.unsafeMake<ReadonlyArray<Memory>>([])
)

/**
 * An attempt under way, and the time limit that it has.
 *
 * A class, since V8 puts what a literal makes among the long-lived where many were alive at once, and all that such an
 * object leads to stays too: that took a third of a request's time.
 *
 * @internal
 */
export class Attempt implements Limit {
  readonly clock: Clock.Clock
  readonly began: bigint
  /** How many attempts there were before. */
  readonly earlier: number
  /** None where the tracer is off. */
  readonly span: Tracer.Span | undefined
  /** Of the answer, as soon as its head is there: time may be up before its body is. */
  status: number | undefined
  /** Lets go of what is under way, if anything is. */
  abandon: () => void = constVoid
  private readonly around: ReadonlyArray<Memory>

  constructor(
    readonly fiber: Fiber.RuntimeFiber<unknown, unknown>,
    readonly duration: Duration.Duration,
    private readonly customerId: string,
    private readonly own: Memory,
    private readonly observed: Observed
  ) {
    this.around = fiber.getFiberRef(currentMemories)
    this.earlier = this.around.reduce((most, { attempts }) => Math.max(most, attempts), own.attempts)
    own.attempts++
    // Until it is known better, and so for good where this is interrupted.
    count(own, customerId, 1)
    for (const memory of this.around) {
      memory.told = true
      count(memory, customerId, 1)
    }
    this.clock = clockOf(fiber)
    this.began = this.clock.unsafeCurrentTimeNanos()
    this.span = observed.open(this)
  }

  left(): number {
    return Duration.toMillis(this.duration) - Number(this.clock.unsafeCurrentTimeNanos() - this.began) / 1e6
  }

  succeeded(deleted: CustomerDeleted): Exit.Exit<CustomerDeleted> {
    const exit = Exit.succeed(deleted)
    this.observed.close(this, exit)
    this.own.attempts = 0
    return exit
  }

  /** What the failure means, given the attempts before. */
  failed(cause: Cause.Cause<DeleteCustomerError>): Exit.Exit<never, DeleteCustomerError> {
    this.abandon()
    this.observed.close(this, Exit.failCause(cause))
    const { around, customerId, own } = this
    if (!mayHaveDeleted(cause)) {
      count(own, customerId, -1)
      for (const memory of around) count(memory, customerId, -1)
    }
    // Now, and not at the start: another attempt may have begun meanwhile.
    const inDoubt = hasDoubts(own, customerId) || around.some((memory) => hasDoubts(memory, customerId))
    return Exit.failCause(inDoubt ? Cause.map(cause, inHindsight) : cause)
  }
}

type Observed = ReturnType<typeof Telemetry.make>

/**
 * Begins a call for one customer, which is what its attempts have in common: each knows how those before it ended, whoever
 * started them. An `Effect.retry` runs the same effect again.
 *
 * An attempt ends in one step, interrupted or not: all that is to be done then is done outright, since a dozen operations
 * of Effect's take as long as the request.
 *
 * @internal
 */
export const call = (customerId: string, timeout: Duration.Duration, observed: Observed) => {
  const own = new Memory()
  return (
    body: (attempt: Attempt) => Effect.Effect<CustomerDeleted, DeleteCustomerError>
  ): Effect.Effect<CustomerDeleted, DeleteCustomerError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.withFiberRuntime((fiber) => {
        const attempt = new Attempt(fiber, timeout, customerId, own, observed)
        return Effect.matchCauseEffect(restore(Effect.suspend(() => body(attempt))), {
          onFailure: (cause) => attempt.failed(cause),
          onSuccess: (deleted) => attempt.succeeded(deleted)
        })
      })
    )
}

/**
 * Begins a retry of any effect: the calls in it know of each other's attempts, also where each attempt makes them anew.
 *
 * @internal
 */
export const retried = () => {
  const own = new Memory()
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
            for (const memory of memories) count(memory, SOMEBODY, 1)
          }
          return Effect.failCause(inDoubt ? Cause.map(cause, inHindsight) : cause)
        })
      )
    })
}

/**
 * Whether an attempt that the running fiber knows of may have deleted the customer.
 *
 * @internal
 */
export const inDoubt = (customerId: string): Effect.Effect<boolean> =>
  Effect.map(FiberRef.get(currentMemories), (memories) => memories.some((memory) => hasDoubts(memory, customerId)))

const mayHaveDeleted = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  return isOurs(error) ? isAmbiguous(error) : error === undefined
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
