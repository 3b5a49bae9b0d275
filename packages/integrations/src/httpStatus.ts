/** What an HTTP handler answers, whatever the framework. */
import { type CustomerDeleted, type DeleteCustomerError, isAmbiguous } from "@effect-flowwise/client"
import * as Duration from "effect/Duration"
import * as Match from "effect/Match"
import * as Option from "effect/Option"

/** A tag that is missing here does not compile. */
const httpStatus = Match.type<CustomerDeleted | DeleteCustomerError>().pipe(
  Match.tagsExhaustive({
    CustomerDeleted: () => 204,
    InvalidCustomerId: () => 400,
    CustomerNotFound: () => 404,
    // Our keys are wrong. A 401 would ask the caller to log in again.
    Unauthorized: () => 500,
    DeletionFailed: () => 502,
    UnexpectedResponse: () => 502,
    // The vendor limits us, not this caller.
    RateLimited: () => 503,
    RequestFailed: ({ reason }) => (reason === "Timeout" ? 504 : 502)
  })
)

export const httpAnswer = (outcome: CustomerDeleted | DeleteCustomerError) => ({
  status: httpStatus(outcome),
  headers: retryAfter(outcome),
  body: outcome._tag === "CustomerDeleted" ? undefined : { error: outcome._tag, mayBeDeleted: isAmbiguous(outcome) }
})

const retryAfter = (outcome: CustomerDeleted | DeleteCustomerError): Record<string, string> =>
  "retryAfter" in outcome && Option.isSome(outcome.retryAfter)
    ? { "retry-after": String(Math.ceil(Duration.toSeconds(outcome.retryAfter.value))) }
    : {}
