/** The outcome of one id of many. */
import * as Schema from "effect/Schema"
import { CustomerAlreadyAbsent, CustomerDeleted } from "./Customer.js"
import {
  DeletionFailed,
  InvalidCustomerId,
  RateLimited,
  RequestFailed,
  UnexpectedResponse
} from "./DeleteCustomerError.js"

/**
 * A customer who is not known to be gone, and why.
 *
 * **Details**: `error` is that of the last attempt, and says what to do. `mayBeDeleted` covers all attempts. The other ids of
 * the run are not affected.
 *
 * @since 0.1.0
 * @category models
 */
export class DeletionUnconfirmed extends Schema.TaggedClass<DeletionUnconfirmed>(
  "@effect-flowwise/client/DeletionUnconfirmed"
)("DeletionUnconfirmed", {
  /** The id as it was given; empty where it was no string. */
  customerId: Schema.String,
  error: Schema.Union([InvalidCustomerId, DeletionFailed, RateLimited, UnexpectedResponse, RequestFailed]),
  /** Whether one of the attempts may have deleted the customer. `false`: none of them did. */
  mayBeDeleted: Schema.Boolean
}) {}

/**
 * The schema of an outcome, to keep it in a journal or send it elsewhere.
 *
 * @since 0.1.0
 * @category models
 */
export const DeletionOutcome = Schema.Union([CustomerDeleted, CustomerAlreadyAbsent, DeletionUnconfirmed])

/**
 * The outcome of one id.
 *
 * @since 0.1.0
 * @category models
 */
export type DeletionOutcome = typeof DeletionOutcome.Type
