/** How a request can end, as plain data: the JSON of the errors that both Effect editions have. */

/** The vendor's body of every documented error. */
export type ErrorResponse = { readonly message: string; readonly code: string; readonly type: string }

/** The vendor's four documented errors, as its page gives them. */
export const documented = {
  400: { message: "Invalid customer ID format provided", code: "invalid_customer_id", type: "validation_error" },
  401: { message: "Invalid API credentials provided", code: "unauthorized", type: "authentication_error" },
  404: {
    message: "Customer not found with the provided customer ID",
    code: "customer_not_found",
    type: "resource_error"
  },
  500: { message: "Customer deletion failed due to server error", code: "deletion_failed", type: "server_error" }
} as const

type Tagged<Tag, Fields> = { readonly _tag: Tag } & Readonly<Fields>
type Answered = { readonly requestId?: string }
type Documented = ErrorResponse & Answered
/** In the form in which `Schema.Duration` of Effect 3 writes a duration. */
type Waits = Answered & { readonly retryAfter?: { readonly _tag: "Millis"; readonly millis: number } }

/** No answer. `delivered` tells whether the request may have reached the server. */
export type RequestFailed = Tagged<
  "RequestFailed",
  {
    message: string
    reason: "Connection" | "Certificate" | "Timeout" | "Transport" | "InvalidRequest"
    delivered: "no" | "unknown"
  }
>

/** Every way in which a request ends without a confirmed deletion. */
export type Failure =
  | Tagged<"InvalidCustomerId", Documented & { customerId: string; rejectedBy: "client" | "server" }>
  | Tagged<"Unauthorized", Documented>
  | Tagged<"CustomerNotFound", Documented & { customerId: string; afterAmbiguousAttempt: boolean }>
  | Tagged<"DeletionFailed", Documented & { customerId: string }>
  | Tagged<"RateLimited", Waits & { message: string }>
  | Tagged<"UnexpectedResponse", Waits & { message: string; status: number; error?: ErrorResponse; body: string }>
  | RequestFailed

/** How a request ends: the receipt of a 204, or a failure. */
export type Outcome = Tagged<"CustomerDeleted", Answered> | Failure

/** `DeletionUnconfirmed` can't hold `Unauthorized`, so this stands in where an earlier attempt may have deleted the customer. */
export const unauthorizedAfterAmbiguous: RequestFailed = {
  _tag: "RequestFailed",
  message: "The credentials were refused, and an earlier attempt may have deleted the customer. Ask again",
  reason: "Transport",
  delivered: "unknown"
}
