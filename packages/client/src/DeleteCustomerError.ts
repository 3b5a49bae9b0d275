/** Every way in which a customer is not known to be deleted. */
import * as Rules from "@effect-flowwise/core"
import type * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { afterAmbiguousAttempt, requestId } from "./Customer.js"

/** The vendor's body of every documented error. All three are open strings. */
const ErrorResponse = Schema.Struct({ message: Schema.String, code: Schema.String, type: Schema.String })

const defaulted = (value: string) =>
  Schema.String.pipe(
    Schema.propertySignature,
    Schema.withConstructorDefault(() => value)
  )

const retryAfter = {
  /** How long the server asks to wait, at most 24 hours. None without a valid `retry-after`. */
  retryAfter: Schema.optionalWith(Schema.Duration, { as: "Option" }).pipe(
    Schema.withConstructorDefault(() => Option.none<Duration.Duration>())
  )
}

/** What the server said. The defaults, for a test that makes such an error, are the words of the vendor's page. */
const answered = (status: keyof typeof Rules.documented) => ({
  /** In the server's words, without the customer's id: safe to log. */
  message: defaulted(Rules.documented[status].message),
  code: defaulted(Rules.documented[status].code),
  type: defaulted(Rules.documented[status].type),
  ...requestId
})

/**
 * `400`, or an id that can't be sent. Correct the id: the same one fails again.
 * @since 0.1.0
 * @category errors
 */
export class InvalidCustomerId extends Schema.TaggedError<InvalidCustomerId>(
  "@effect-flowwise/client/InvalidCustomerId"
)("InvalidCustomerId", {
  /** The id that was asked for; empty where it was no string. */
  customerId: Schema.String,
  /** `"client"`: nothing was sent. */
  rejectedBy: Schema.Literal("client", "server"),
  ...answered(400)
}) {}

/**
 * `401`: the client id or the client secret is not valid in this environment. Every other call fails in the same way. A
 * key that is reset in the vendor's dashboard stops working at once.
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("@effect-flowwise/client/Unauthorized")(
  "Unauthorized",
  answered(401)
) {}

/**
 * `404`: the vendor knows no customer with this id.
 *
 * **Gotchas**: after an attempt whose answer was lost, that attempt may have deleted the customer. Then
 * `afterAmbiguousAttempt` is `true`.
 * @since 0.1.0
 * @category errors
 */
export class CustomerNotFound extends Schema.TaggedError<CustomerNotFound>("@effect-flowwise/client/CustomerNotFound")(
  "CustomerNotFound",
  {
    /** The id that was asked for, not one read from the answer. */
    customerId: Schema.String,
    ...afterAmbiguousAttempt,
    ...answered(404)
  }
) {}

/**
 * `500`: the vendor failed to delete the customer. It most likely still has the data, but that is not certain. Sending
 * again is safe (RFC 9110 §9.2.2: DELETE is idempotent).
 * @since 0.1.0
 * @category errors
 */
export class DeletionFailed extends Schema.TaggedError<DeletionFailed>("@effect-flowwise/client/DeletionFailed")(
  "DeletionFailed",
  {
    /** The id that was asked for. */
    customerId: Schema.String,
    ...answered(500)
  }
) {}

/**
 * `429`, whatever its body (RFC 6585 §4; not on the vendor's page): too many requests, and nothing was deleted.
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@effect-flowwise/client/RateLimited")("RateLimited", {
  message: defaulted("Too many requests: nothing was deleted. Send fewer, or wait before the next one"),
  ...retryAfter,
  ...requestId
}) {}

const unexpected = {
  message: defaulted("The answer is not documented for this operation"),
  /** The HTTP status; `0` for a redirect in a browser, which hides the status. */
  status: Schema.NonNegativeInt,
  /** The body, if it is an `ErrorResponse` of the vendor. */
  error: Schema.optionalWith(ErrorResponse, { as: "Option" }).pipe(
    Schema.withConstructorDefault(() => Option.none<typeof ErrorResponse.Type>())
  ),
  /** The first 1,024 characters of the body; empty where there is none or it is unreadable. */
  body: defaulted(""),
  ...retryAfter,
  ...requestId
}

const sameUnexpected = Schema.equivalence(Schema.typeSchema(Schema.Struct(unexpected)))

/**
 * Any other answer: a success other than 204, a redirect, a proxy's error page, a documented status without its
 * documented body. It does not prove whether the customer was deleted, so look at `status` and `body` before you act.
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedResponse extends Schema.TaggedError<UnexpectedResponse>(
  "@effect-flowwise/client/UnexpectedResponse"
)("UnexpectedResponse", unexpected) {
  // `error` is a plain object, which `Equal` by itself compares by reference.
  [Equal.symbol](that: unknown): boolean {
    return that instanceof UnexpectedResponse && sameUnexpected(this, that)
  }

  [Hash.symbol](): number {
    return Hash.number(this.status)
  }
}

/**
 * No answer.
 *
 * - `Connection`: no connection was made (name, port, TLS, proxy, connect time-out).
 * - `Certificate`: the server's certificate is not valid here. No retry changes that.
 * - `Timeout`: no complete answer in time.
 * - `Transport`: the connection broke, or what came over it is not HTTP.
 * - `InvalidRequest`: the request can't be sent as it is; the message says what to correct.
 *
 * With `delivered: "no"` the request certainly never left. With `"unknown"` the customer may or may not be deleted: ask
 * again; a 404 then means gone.
 * @since 0.1.0
 * @category errors
 */
export class RequestFailed extends Schema.TaggedError<RequestFailed>("@effect-flowwise/client/RequestFailed")(
  "RequestFailed",
  {
    message: defaulted("The request got no answer"),
    /** Why there is no answer, as above. */
    reason: Schema.Literal("Connection", "Certificate", "Timeout", "Transport", "InvalidRequest"),
    /** Whether the request may have reached the server. */
    delivered: Schema.Literal("no", "unknown")
  }
) {}

/**
 * The schema of every error of `deleteCustomer`, to carry one through a queue, a workflow or RPC.
 * @example
 * ```ts
 * import { DeleteCustomerError, deleteCustomer, RateLimited, RequestFailed } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 *
 * const program = deleteCustomer("cust_1").pipe(
 *   Effect.catchTags({
 *     CustomerNotFound: () => Effect.log("There was nothing to delete"),
 *     RequestFailed: (error) => Effect.logError(error.message, error.delivered)
 *   })
 * )
 * // In a test, you can make every error by hand. What you leave out is as on the vendor's page.
 * const errors = [new RateLimited(), new RequestFailed({ reason: "Timeout", delivered: "unknown" })]
 * const toJson: (error: DeleteCustomerError) => string = Schema.encodeSync(Schema.parseJson(DeleteCustomerError))
 * ```
 * @since 0.1.0
 * @category errors
 */
export const DeleteCustomerError = Schema.Union(
  InvalidCustomerId,
  Unauthorized,
  CustomerNotFound,
  DeletionFailed,
  RateLimited,
  UnexpectedResponse,
  RequestFailed
)

/**
 * Every way in which `deleteCustomer` can end without a deletion.
 * @since 0.1.0
 * @category errors
 */
export type DeleteCustomerError = typeof DeleteCustomerError.Type

/**
 * Whether the attempt that ended with this error may have deleted the customer: `RequestFailed` delivered `"unknown"`,
 * `DeletionFailed`, and `UnexpectedResponse` of any 2xx, of 408 and of 5xx. Says nothing about earlier attempts.
 * @since 0.1.0
 * @category predicates
 */
export const isAmbiguous: (error: DeleteCustomerError) => boolean = Rules.isAmbiguous

/** Whether a value is one of these errors, also one of another copy of this package. @internal */
export const isOurs = Schema.is(DeleteCustomerError)

/** Makes our error from a failure of the rules. It has no stack, whose frames would only be those of a schema. @internal */
export const fromFailure = (failure: Rules.Failure): DeleteCustomerError => {
  const frames = Reflect.get(Error, "stackTraceLimit")
  Reflect.set(Error, "stackTraceLimit", 0)
  const error = decode(failure)
  Reflect.set(Error, "stackTraceLimit", frames)
  return error
}
const decode = Schema.decodeSync(DeleteCustomerError)
