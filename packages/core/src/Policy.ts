/** What an error means for the next attempt: whether to send again, when, and what a later 404 then says. */
import { LONGEST_WAIT } from "./RetryAfter.js"

/** As much of an error as the rules look at. */
type AnyFailure = {
  readonly _tag: string
  readonly reason?: string
  readonly delivered?: string
  readonly status?: number
}

/** Whether one attempt may have deleted the customer although it brought no proof. */
export const isAmbiguous = ({ _tag, delivered, status = 0 }: AnyFailure): boolean =>
  _tag === "DeletionFailed" ||
  (_tag === "RequestFailed" && delivered === "unknown") ||
  (_tag === "UnexpectedResponse" && ((status >= 200 && status < 300) || status === 408 || status >= 500))

/** Whether the same request can succeed later (RFC 9110 §9.2.2, §15.5.9 and §15.6; RFC 8470 §5.2). */
export const isTransient = ({ _tag, reason, status = 0 }: AnyFailure): boolean =>
  _tag === "DeletionFailed" ||
  _tag === "RateLimited" ||
  (_tag === "RequestFailed" && reason !== "InvalidRequest" && reason !== "Certificate") ||
  (_tag === "UnexpectedResponse" && [408, 425, 502, 503, 504].includes(status))

/** What changes in an error where an earlier attempt may have deleted the customer; `undefined` where nothing does. */
export const inHindsight = (error: AnyFailure & { readonly message: string }) => {
  if (error._tag === "CustomerNotFound") return { afterAmbiguousAttempt: true } as const
  return error._tag === "RequestFailed" && error.delivered === "no"
    ? ({ delivered: "unknown", message: `${error.message}. An earlier attempt may have deleted the customer` } as const)
    : undefined
}

/** At most `times` resends, with waits of at most `baseDelay`, then twice that and so on, up to `maxDelay`. */
export type Backoff = { readonly times: number; readonly baseDelay: number; readonly maxDelay: number }

/**
 * The milliseconds before the next resend; `undefined` where there is to be none. `resends` counts those so far, `chance`
 * is from 0 to 1 (full jitter), and `asked` is the server's `retry-after`, which is never cut short.
 */
export const waitBefore = (
  { baseDelay, maxDelay, times }: Backoff,
  resends: number,
  chance: number,
  asked: number
): number | undefined =>
  !(resends < times) || asked > maxDelay
    ? undefined
    : Math.max(asked, Math.round(chance * Math.min(baseDelay * 2 ** Math.min(resends, 1000), maxDelay, LONGEST_WAIT)))

/** The tokens of a budget, a resend's price, and what a success gives back; as the AWS SDKs' standard retry mode. */
export const budget = {
  capacity: 500,
  refund: 1,
  price: (error: AnyFailure): number => (error._tag === "RateLimited" ? 5 : 14)
} as const
