/**
 * How a request can end, as plain data: the JSON of the errors that both Effect editions have.
 *
 * @since 0.1.0
 */

/**
 * The vendor's `ErrorResponse`.
 *
 * @since 0.1.0
 */
export interface ErrorResponse {
  readonly message: string
  readonly code: string
  readonly type: string
}

/**
 * The vendor's four documented errors, as its page gives them.
 *
 * @since 0.1.0
 */
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

interface Answered {
  readonly requestId?: string
}

interface Waits {
  /** In the form in which `Schema.Duration` of Effect 3 writes it. */
  readonly retryAfter?: { readonly _tag: "Millis"; readonly millis: number }
}

type Documented = ErrorResponse & Answered

/**
 * No answer. `delivered` tells whether the request may have reached the server.
 *
 * @since 0.1.0
 */
export interface RequestFailed {
  readonly _tag: "RequestFailed"
  readonly message: string
  readonly reason: "Connection" | "Certificate" | "Timeout" | "Transport" | "InvalidRequest"
  readonly delivered: "no" | "unknown"
}

/**
 * Every way in which a request ends without a confirmed deletion.
 *
 * @since 0.1.0
 */
export type Failure =
  | (Documented & {
      readonly _tag: "InvalidCustomerId"
      readonly customerId: string
      readonly rejectedBy: "client" | "server"
    })
  | (Documented & { readonly _tag: "Unauthorized" })
  | (Documented & {
      readonly _tag: "CustomerNotFound"
      readonly customerId: string
      readonly afterAmbiguousAttempt: boolean
    })
  | (Documented & { readonly _tag: "DeletionFailed"; readonly customerId: string })
  | (Answered & Waits & { readonly _tag: "RateLimited"; readonly message: string })
  | (Answered &
      Waits & {
        readonly _tag: "UnexpectedResponse"
        readonly message: string
        readonly status: number
        readonly error?: ErrorResponse
        readonly body: string
      })
  | RequestFailed

/**
 * How a request ends: the receipt of a 204, or a failure.
 *
 * @since 0.1.0
 */
export type Outcome = (Answered & { readonly _tag: "CustomerDeleted" }) | Failure
