/** A customer's id, and the receipts of a deletion. */
import { customerIdProblem } from "@effect-flowwise/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * A customer's id that can be sent as one path segment, byte for byte.
 *
 * **Details**: invalid are the empty string, `.` and `..`, lone surrogates, and more than 1,024 bytes of UTF-8. Nothing is
 * trimmed or normalised: `"a/b"`, `"a%2Fb"`, blanks and emoji are ids like any other.
 *
 * @since 0.1.0
 * @category models
 */
export const CustomerId = Schema.String.check(
  Schema.makeFilter(customerIdProblem, { identifier: "CustomerId", description: "Unique identifier for the customer." })
).pipe(Schema.brand("@effect-flowwise/client/CustomerId"))

/**
 * A string that the schema `CustomerId` accepts.
 *
 * @since 0.1.0
 * @category models
 */
export type CustomerId = typeof CustomerId.Type

/** An optional property of the JSON that is an `Option` here, by default none. @internal */
export const optional = <S extends Schema.Codec<unknown, unknown>>(schema: S) =>
  Schema.OptionFromOptionalKey(schema).pipe(Schema.withConstructorDefault(Effect.succeed(Option.none<S["Type"]>())))

/** @internal */
export const requestId = {
  /** The answer's `x-request-id`, for the vendor's support. */
  requestId: optional(Schema.String)
}

/**
 * The proof that a customer was deleted: the vendor answered 204.
 *
 * @example
 * ```ts
 * import { CustomerDeleted } from "@effect-flowwise/effect4"
 * import * as DateTime from "effect/DateTime"
 *
 * const done = new CustomerDeleted({
 *   customerId: "cust_priya_sharma_2024",
 *   environment: "sandbox",
 *   deletedAt: DateTime.makeUnsafe("2026-01-31T10:00:00Z")
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
    deletedAt: Schema.DateTimeUtcFromString
  }
) {}

/**
 * The receipt of `ensureCustomerDeleted` for a 404: the vendor knows no such customer.
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
  /** Whether an earlier attempt of the same call may have deleted the customer. */
  afterAmbiguousAttempt: Schema.Boolean.pipe(Schema.withConstructorDefault(Effect.succeed(false))),
  /** When the 404 was read, by the client's clock. */
  observedAt: Schema.DateTimeUtcFromString
}) {}
