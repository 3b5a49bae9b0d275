/** What is known of earlier attempts: after a lost answer, a 404 may mean that the attempt before deleted the customer. */
import { Attempted, type Entry, type History, inHindsight, isAmbiguous } from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as Option from "effect/Option"
import { CustomerNotFound, isOurs, RequestFailed } from "./DeleteCustomerError.js"

/** The histories of all retries around a fiber, shared by all copies of this package. */
const currentHistories = globalValue("@effect-flowwise/client/History/currentHistories", () =>
  FiberRef.unsafeMake<ReadonlyArray<History>>([])
)

/** Records that an attempt begins. @internal */
export const begin = (call: Entry, fiber: Fiber.RuntimeFiber<unknown, unknown>, customerId: string): Attempted =>
  new Attempted(call, fiber.getFiberRef(currentHistories), customerId)

/** Records a failure, and gives what it means, given the attempts before. @internal */
export const failed = <E>(attempted: Attempted, cause: Cause.Cause<E>): Cause.Cause<E> =>
  attempted.failed(mayHaveDeleted(cause)) ? Cause.map(cause, withHindsight) : cause

/** Whether an earlier attempt, within the retries around, may have deleted the customer. @internal */
export const mayBeDeleted = (customerId: string): Effect.Effect<boolean> =>
  Effect.map(FiberRef.get(currentHistories), (histories) =>
    histories.some((history) => history.mayBeDeleted(customerId))
  )

/** Lets the calls within a retry know of each other. Errors of a stub, which made no call, count too. @internal */
export const remembering =
  (own: History) =>
  <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(FiberRef.get(currentHistories), (around) => {
      const histories = [own, ...around]
      const { recorded } = own
      return Effect.locally(attempt, currentHistories, histories).pipe(
        Effect.catchAllCause((cause) => {
          if (own.recorded > recorded) return Effect.failCause(cause)
          const inDoubt = histories.some((history) => history.mayAnyBeDeleted())
          for (const history of histories) history.failedForSomebody(mayHaveDeleted(cause))
          return Effect.failCause(inDoubt ? Cause.map(cause, withHindsight) : cause)
        })
      )
    })

/** A defect or an interruption is no answer either. */
const mayHaveDeleted = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  return isOurs(error) ? isAmbiguous(error) : error === undefined
}

const withHindsight = <E>(error: E): E => {
  if (!isOurs(error)) return error
  const changes = inHindsight(error)
  const fields = { ...error, message: error.message, ...changes }
  if (changes === undefined) return error
  return "delivered" in changes
    ? (new RequestFailed(fields as RequestFailed) as typeof error)
    : (new CustomerNotFound(fields as CustomerNotFound) as typeof error)
}
