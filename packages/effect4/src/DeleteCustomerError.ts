/** Every way in which a customer is not known to be deleted. */
import * as Rules from "@effect-flowwise/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { optional, requestId } from "./Customer.js"

const defaulted = (value: string) => Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed(value)))

const ErrorResponse = Schema.Struct({ message: Schema.String, code: Schema.String, type: Schema.String })

/** The JSON of a duration that Effect 3 writes. `Schema.Duration` of Effect 4 has none. */
const DurationFromJson = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Millis"), millis: Schema.Number.check(Schema.isGreaterThanOrEqualTo(0)) }),
  Schema.Struct({ _tag: Schema.Literal("Nanos"), nanos: Schema.String.check(Schema.isPattern(/^\d+$/)) }),
  Schema.Struct({ _tag: Schema.Literal("Infinity") })
]).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transform({
      decode: (json) =>
        json._tag === "Millis"
          ? Duration.millis(json.millis)
          : json._tag === "Nanos"
            ? Duration.nanos(BigInt(json.nanos))
            : Duration.infinity,
      encode: ({ value }) => {
        switch (value._tag) {
          case "Millis":
            return { _tag: "Millis", millis: value.millis } as const
          case "Nanos":
            return { _tag: "Nanos", nanos: String(value.nanos) } as const
          default:
            return { _tag: "Infinity" } as const
        }
      }
    })
  )
)

const retryAfter = {
  /** How long the server asks to wait, at most 24 hours. None without a valid `retry-after`. */
  retryAfter: optional(DurationFromJson)
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
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidCustomerId extends Schema.TaggedError<InvalidCustomerId>(
  "@effect-flowwise/client/InvalidCustomerId"
)("InvalidCustomerId", {
  /** The id that was asked for; empty where it was no string. */
  customerId: Schema.String,
  /** `"client"`: nothing was sent. */
  rejectedBy: Schema.Literals(["client", "server"]),
  ...answered(400)
}) {}

/**
 * `401`: the client id or the client secret is not valid in this environment. Every other call fails in the same way until
 * they are corrected. A key that was reset in the vendor's dashboard stops working at once.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("@effect-flowwise/client/Unauthorized")(
  "Unauthorized",
  answered(401)
) {}

/**
 * `404`: the vendor knows no customer with this id. After an attempt whose answer was lost, that attempt may have deleted
 * the customer: see `afterAmbiguousAttempt`.
 *
 * @since 0.1.0
 * @category errors
 */
export class CustomerNotFound extends Schema.TaggedError<CustomerNotFound>("@effect-flowwise/client/CustomerNotFound")(
  "CustomerNotFound",
  {
    /** The id that was asked for, not one read from the answer. */
    customerId: Schema.String,
    /** Whether an earlier attempt of the same call may have deleted the customer. */
    afterAmbiguousAttempt: Schema.Boolean.pipe(Schema.withConstructorDefault(Effect.succeed(false))),
    ...answered(404)
  }
) {}

/**
 * `500`: the vendor failed to delete the customer. It most likely still has the data. Sending again is safe.
 *
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
 * `429`, whatever its body: too many requests. Nothing was deleted; ask again after `retryAfter`.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@effect-flowwise/client/RateLimited")("RateLimited", {
  message: defaulted("Too many requests: nothing was deleted. Send fewer, or wait before the next one"),
  ...retryAfter,
  ...requestId
}) {}

/**
 * Any other answer: a success other than 204, a redirect, a proxy's error page, a documented status without its documented
 * body. It does not prove whether the customer was deleted, so look at `status` and `body` before you act.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedResponse extends Schema.TaggedError<UnexpectedResponse>(
  "@effect-flowwise/client/UnexpectedResponse"
)("UnexpectedResponse", {
  message: defaulted("The answer is not documented for this operation"),
  /** The HTTP status; `0` for a redirect in a browser, which hides the status. */
  status: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  /** The body, if it is an `ErrorResponse` of the vendor. */
  error: optional(ErrorResponse),
  /** The first 1,024 characters of the body; empty where there is none or it is unreadable. */
  body: defaulted(""),
  ...retryAfter,
  ...requestId
}) {}

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
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestFailed extends Schema.TaggedError<RequestFailed>("@effect-flowwise/client/RequestFailed")(
  "RequestFailed",
  {
    message: defaulted("The request got no answer"),
    /** Why there is no answer, as above. */
    reason: Schema.Literals(["Connection", "Certificate", "Timeout", "Transport", "InvalidRequest"]),
    /** Whether the request may have reached the server. */
    delivered: Schema.Literals(["no", "unknown"])
  }
) {}

/**
 * The schema of every error of `deleteCustomer`, to carry one through a queue, a workflow or RPC. Its JSON is that of the
 * Effect 3 packages.
 *
 * @example
 * ```ts
 * import { CustomerNotFound, DeleteCustomerError } from "@effect-flowwise/effect4"
 * import * as Schema from "effect/Schema"
 *
 * const codec = Schema.fromJsonString(DeleteCustomerError)
 * const json = Schema.encodeSync(codec)(new CustomerNotFound({ customerId: "cust_1" }))
 * const back: DeleteCustomerError = Schema.decodeSync(codec)(json)
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const DeleteCustomerError = Schema.Union([
  InvalidCustomerId,
  Unauthorized,
  CustomerNotFound,
  DeletionFailed,
  RateLimited,
  UnexpectedResponse,
  RequestFailed
])

/**
 * Every way in which `deleteCustomer` can end without a deletion.
 *
 * @since 0.1.0
 * @category errors
 */
export type DeleteCustomerError = typeof DeleteCustomerError.Type

/**
 * Whether the attempt that ended with this error may have deleted the customer: `RequestFailed` delivered `"unknown"`,
 * `DeletionFailed`, and `UnexpectedResponse` of any 2xx, of 408 and of 5xx. Says nothing about earlier attempts.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isAmbiguous: (error: DeleteCustomerError) => boolean = Rules.isAmbiguous

/** Whether a value is one of these errors, also one of another copy of this package. @internal */
export const isOurs = Schema.is(DeleteCustomerError)

/** Makes our error from a failure of the rules. @internal */
export const fromFailure: (failure: Rules.Failure) => DeleteCustomerError = Schema.decodeSync(DeleteCustomerError)
