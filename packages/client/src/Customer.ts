/** A customer's id, and the receipts of an erasure. */
import { customerIdProblem } from "@effect-flowwise/core"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * A customer's id that can be sent as one path segment, byte for byte. Invalid are the empty string, `.` and `..`, lone
 * surrogates, and more than 1,024 bytes of UTF-8. Nothing is trimmed or normalised.
 * @since 0.1.0
 * @category models
 */
export const CustomerId = Schema.String.pipe(
  Schema.filter(customerIdProblem, { identifier: "CustomerId", description: "Unique identifier for the customer." }),
  Schema.brand("@effect-flowwise/client/CustomerId")
)

/**
 * A string that the schema `CustomerId` accepts.
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

/** @internal */
export const afterAmbiguousAttempt = {
  /** Whether an earlier attempt of the same call may have deleted the customer. */
  afterAmbiguousAttempt: Schema.Boolean.pipe(
    Schema.propertySignature,
    Schema.withConstructorDefault(() => false)
  )
}

/**
 * The receipt of a deletion: the vendor answered 204.
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
 * The receipt of `ensureCustomerDeleted` for a 404: the vendor knows no such customer.
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
  ...afterAmbiguousAttempt,
  /** When the 404 was read, by the client's clock. */
  observedAt: Schema.DateTimeUtc
}) {}
