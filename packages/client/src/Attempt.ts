/**
 * What an attempt has to know of the attempts before it, since they change what its answer means.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CustomerNotFound, DeleteCustomerError } from "./DeleteCustomerError.js"

/**
 * The attempts of a call that have come to an end without a deletion.
 *
 * @internal
 */
export interface Earlier {
  readonly attempts: number
  /** Whether one of them may have deleted the customer all the same. */
  readonly ambiguous: boolean
}

const none: Earlier = { attempts: 0, ambiguous: false }

/** @internal */
export const currentEarlier: FiberRef.FiberRef<Earlier> = FiberRef.unsafeMake(none)

/**
 * Begins a call. Each effect that is run through it is an attempt, which knows how the attempts before it ended, whoever
 * started them: an `Effect.retry` runs the same effect again.
 *
 * @internal
 */
export const call = () => {
  let own = none
  return <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) => {
      const earlier = latest(fiber.getFiberRef(currentEarlier), own)
      const attempts = earlier.attempts + 1
      // What it stays at where this one is interrupted: nothing came back that excludes a deletion.
      own = { attempts, ambiguous: true }
      return Effect.matchCauseEffect(earlier === none ? attempt : after(earlier, attempt), {
        onFailure: (cause) => {
          own = { attempts, ambiguous: earlier.ambiguous || isAmbiguous(cause) }
          return Effect.failCause(cause)
        },
        onSuccess: (value) => {
          own = none
          return Effect.succeed(value)
        }
      })
    })
}

/** Two calls that are one within the other count the same attempts, say `deleteCustomer` within a retry. */
const latest = (one: Earlier, other: Earlier): Earlier =>
  other === none
    ? one
    : { attempts: Math.max(one.attempts, other.attempts), ambiguous: one.ambiguous || other.ambiguous }

const after = <A, E, R>(earlier: Earlier, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.locally(self, currentEarlier, earlier).pipe(
    Effect.mapError((error) =>
      earlier.ambiguous && error instanceof CustomerNotFound && !error.afterAmbiguousAttempt
        ? (new CustomerNotFound({ ...error, message: error.message, afterAmbiguousAttempt: true }) as typeof error)
        : error
    )
  )

/** What came back does not exclude that the customer is deleted. */
const isAmbiguous = (cause: Cause.Cause<unknown>): boolean =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => true,
    onSome: (error) => Schema.is(DeleteCustomerError)(error) && mayHaveDeleted(error)
  })

const mayHaveDeleted = (error: DeleteCustomerError): boolean => {
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
