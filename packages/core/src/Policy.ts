/**
 * What an error means for the next attempt: whether to send again, when, and what a later 404 then says.
 *
 * @since 0.1.0
 */

/** As much of an error as the rules look at. Every error of both Effect editions has it. */
interface AnyFailure {
  readonly _tag: string
  readonly reason?: string
  readonly delivered?: string
  readonly status?: number
}

/**
 * Whether one attempt may have deleted the customer although it brought no proof: `RequestFailed` delivered `"unknown"`,
 * `DeletionFailed`, and `UnexpectedResponse` of any 2xx, of 408 and of 5xx.
 *
 * @since 0.1.0
 */
export const isAmbiguous = (error: AnyFailure): boolean => {
  const { delivered, status = 0 } = error
  switch (error._tag) {
    case "RequestFailed":
      return delivered === "unknown"
    case "DeletionFailed":
      return true
    case "UnexpectedResponse":
      return (status >= 200 && status < 300) || status === 408 || status >= 500
    default:
      return false
  }
}

/**
 * Whether the same request can succeed later. To send it again is safe, since DELETE is idempotent.
 *
 * Source: RFC 9110 §9.2.2, §15.5.9 and §15.6; RFC 8470 §5.2.
 *
 * @since 0.1.0
 */
export const isTransient = (error: AnyFailure): boolean => {
  switch (error._tag) {
    case "RequestFailed":
      return error.reason !== "InvalidRequest" && error.reason !== "Certificate"
    case "DeletionFailed":
    case "RateLimited":
      return true
    case "UnexpectedResponse":
      return [408, 425, 502, 503, 504].includes(error.status ?? 0)
    default:
      return false
  }
}

/**
 * What an error says in place of its own words where an earlier attempt may have deleted the customer; `undefined` where
 * that changes nothing.
 *
 * @since 0.1.0
 */
export const inHindsight = (
  error: AnyFailure & { readonly message: string }
):
  | { readonly afterAmbiguousAttempt: true }
  | { readonly delivered: "unknown"; readonly message: string }
  | undefined => {
  if (error._tag === "CustomerNotFound") {
    return { afterAmbiguousAttempt: true }
  }
  return error._tag === "RequestFailed" && error.delivered === "no"
    ? { delivered: "unknown", message: `${error.message}. An earlier attempt may have deleted the customer` }
    : undefined
}

/**
 * When to send again: at most `times` more; a wait of at most `baseDelay`, which doubles with each resend up to
 * `maxDelay`. All in milliseconds.
 *
 * @since 0.1.0
 */
export interface Backoff {
  readonly times: number
  readonly baseDelay: number
  readonly maxDelay: number
}

// Timers hold no more than 2^31-1 milliseconds, about 25 days.
const LONGEST_WAIT = 24 * 60 * 60 * 1000

/**
 * How long to wait before the next resend, or `undefined` where there is to be none. `resends` counts those so far,
 * `chance` is from 0 to 1 (full jitter), and `asked` is the server's `retry-after`, which is never cut short.
 *
 * @since 0.1.0
 */
export const waitBefore = (
  { baseDelay, maxDelay, times }: Backoff,
  resends: number,
  chance: number,
  asked: number
): number | undefined =>
  resends >= times || asked > maxDelay
    ? undefined
    : Math.max(asked, Math.round(chance * Math.min(baseDelay * 2 ** Math.min(resends, 1000), maxDelay, LONGEST_WAIT)))

/**
 * A budget that all calls share, in tokens: so many at most, what a resend costs, and what a success gives back.
 *
 * Source: the figures of the standard retry mode of the AWS SDKs.
 *
 * @since 0.1.0
 */
export const budget = {
  capacity: 500,
  refund: 1,
  price: (error: AnyFailure): number => (error._tag === "RateLimited" ? 5 : 14)
} as const
