/** The outcome of one id of many. */
import * as Schema from "effect/Schema"
import { CustomerAlreadyAbsent, CustomerDeleted } from "./Customer.js"
import * as Errors from "./DeleteCustomerError.js"

/**
 * A customer who is not known to be gone, and why. `error` is that of the last attempt; `mayBeDeleted` covers all.
 * @since 0.1.0
 * @category models
 */
export class DeletionUnconfirmed extends Schema.TaggedClass<DeletionUnconfirmed>(
  "@effect-flowwise/client/DeletionUnconfirmed"
)("DeletionUnconfirmed", {
  /** The id as it was given; empty where it was no string. */
  customerId: Schema.String,
  error: Schema.Union(
    Errors.InvalidCustomerId,
    Errors.DeletionFailed,
    Errors.RateLimited,
    Errors.UnexpectedResponse,
    Errors.RequestFailed
  ),
  /** Whether one of the attempts may have deleted the customer. `false`: none of them did. */
  mayBeDeleted: Schema.Boolean
}) {}

/**
 * The schema of an outcome, to keep it in a journal or send it elsewhere.
 * @since 0.1.0
 * @category models
 */
export const DeletionOutcome = Schema.Union(CustomerDeleted, CustomerAlreadyAbsent, DeletionUnconfirmed)

/**
 * The outcome of one id.
 * @since 0.1.0
 * @category models
 */
export type DeletionOutcome = typeof DeletionOutcome.Type
