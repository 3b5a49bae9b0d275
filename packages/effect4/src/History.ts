/** What is known of earlier attempts: after a lost answer, a 404 may mean that the attempt before deleted the customer. */
import { Attempted, type Entry, type History, inHindsight, isAmbiguous } from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { CustomerNotFound, type DeleteCustomerError, isOurs, RequestFailed } from "./DeleteCustomerError.js"

/** The histories of all retries around a fiber. */
const CurrentHistories = Context.Reference<ReadonlyArray<History>>(
  "@effect-flowwise/effect4/History/CurrentHistories",
  {
    defaultValue: () => []
  }
)

/** Records that an attempt begins. @internal */
export const begin = (call: Entry, fiber: Fiber.Fiber<unknown, unknown>, customerId: string): Attempted =>
  new Attempted(call, fiber.getRef(CurrentHistories), customerId)

/** Records a failure, and gives what it means, given the attempts before. @internal */
export const failed = <E>(attempted: Attempted, cause: Cause.Cause<E>): Cause.Cause<E> =>
  attempted.failed(mayHaveDeleted(cause)) ? Cause.map(cause, withHindsight) : cause

/** Whether an earlier attempt, within the retries around, may have deleted the customer. @internal */
export const mayBeDeleted = (customerId: string): Effect.Effect<boolean> =>
  Effect.map(CurrentHistories, (histories) => histories.some((history) => history.mayBeDeleted(customerId)))

/**
 * Lets the calls within a retry know of each other. Errors of a stub, which made no call, count too. @internal
 */
export const remembering =
  (own: History) =>
  <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(CurrentHistories, (around) => {
      const histories = [own, ...around]
      const { recorded } = own
      return Effect.catchCause(Effect.provideService(attempt, CurrentHistories, histories), (cause) => {
        if (own.recorded > recorded) {
          return Effect.failCause(cause)
        }
        const inDoubt = histories.some((history) => history.mayAnyBeDeleted())
        for (const history of histories) history.failedForSomebody(mayHaveDeleted(cause))
        return Effect.failCause(inDoubt ? Cause.map(cause, withHindsight) : cause)
      })
    })

/** A defect or an interruption is no answer either. */
const mayHaveDeleted = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return isOurs(error) ? isAmbiguous(error) : error === undefined
}

const withHindsight = <E>(error: E): E => {
  const changes = isOurs(error) ? inHindsight(error) : undefined
  return changes === undefined ? error : (changed(error as DeleteCustomerError, changes) as E)
}

const changed = (error: DeleteCustomerError, changes: ReturnType<typeof inHindsight>): DeleteCustomerError => {
  // A spread leaves the message out.
  const { message } = error
  switch (error._tag) {
    case "CustomerNotFound":
      return new CustomerNotFound({ ...error, message, ...changes })
    case "RequestFailed":
      return new RequestFailed({ ...error, message, ...changes })
    default:
      return error
  }
}
