/**
 * @since 0.1.0
 */
import { customerIdProblem } from "@effect-flowwise/core"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * A customer's id that can be sent as one path segment, byte for byte.
 *
 * Refused are the empty string, `.` and `..`, lone surrogates, and more than 1,024 bytes of UTF-8. Nothing is trimmed
 * or normalised: `"a/b"`, `"a%2Fb"`, blanks and emoji are ids like any other.
 *
 * Source: `customer_id` of `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0; RFC 3986 §3.3 and §5.2.4.
 *
 * @example
 * ```ts
 * import { CustomerId } from "@effect-flowwise/client"
 * import * as Schema from "effect/Schema"
 *
 * const id: CustomerId = Schema.decodeUnknownSync(CustomerId)("cust_priya_sharma_2024")
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const CustomerId = Schema.String.pipe(
  Schema.filter(customerIdProblem, { identifier: "CustomerId", description: "Unique identifier for the customer." }),
  Schema.brand("@effect-flowwise/client/CustomerId")
)

/**
 * A string that the schema `CustomerId` has let through.
 *
 * @since 0.1.0
 * @category models
 */
export type CustomerId = typeof CustomerId.Type

/** @internal */
export const requestId = {
  /** The answer's `x-request-id`, for the vendor's support. */
  requestId: Schema.optionalWith(Schema.String, { as: "Option" }).pipe(
    Schema.withConstructorDefault(() => Option.none<string>())
  )
}

/**
 * The proof that a customer was deleted: the vendor answered 204.
 *
 * Source: `204` of `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0.
 *
 * @example
 * ```ts
 * import { CustomerDeleted } from "@effect-flowwise/client"
 * import * as DateTime from "effect/DateTime"
 *
 * const done = new CustomerDeleted({
 *   customerId: "cust_priya_sharma_2024",
 *   environment: "sandbox",
 *   deletedAt: DateTime.unsafeMake("2026-01-31T10:00:00Z")
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class CustomerDeleted extends Schema.TaggedClass<CustomerDeleted>("@effect-flowwise/client/CustomerDeleted")(
  "CustomerDeleted",
  {
    customerId: Schema.String,
    /** The environment's name: `"sandbox"`, `"production"`, or your own. */
    environment: Schema.String,
    ...requestId,
    /** When the 204 arrived, by the client's clock. */
    deletedAt: Schema.DateTimeUtc
  }
) {}

/**
 * The vendor knows no such customer, and that is as good as a deletion: what `ensureCustomerDeleted` makes of a 404.
 *
 * Source: `404` of `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0.
 *
 * @example
 * ```ts
 * import { CustomerAlreadyAbsent } from "@effect-flowwise/client"
 * import * as DateTime from "effect/DateTime"
 *
 * const absent = new CustomerAlreadyAbsent({
 *   customerId: "cust_priya_sharma_2024",
 *   environment: "sandbox",
 *   observedAt: DateTime.unsafeMake("2026-01-31T10:00:00Z")
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class CustomerAlreadyAbsent extends Schema.TaggedClass<CustomerAlreadyAbsent>(
  "@effect-flowwise/client/CustomerAlreadyAbsent"
)("CustomerAlreadyAbsent", {
  customerId: Schema.String,
  /** The environment's name. */
  environment: Schema.String,
  ...requestId,
  /** Whether an earlier attempt of the same call may have deleted the customer: then this is its own success. */
  afterAmbiguousAttempt: Schema.Boolean.pipe(
    Schema.propertySignature,
    Schema.withConstructorDefault(() => false)
  ),
  /** When the 404 was read, by the client's clock. */
  observedAt: Schema.DateTimeUtc
}) {}
