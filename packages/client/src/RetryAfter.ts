/**
 * @since 0.1.0
 */
import type * as Headers from "@effect/platform/Headers"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

// `Effect.sleep` above 2^31-1 milliseconds, about 25 days, never returns.
const LONGEST = Duration.hours(24)

// In milliseconds: the year 2001 as a time, or 31 years as a wait.
const FIRST_EPOCH = 1e12

const WHOLE = /^\d+$/

// The three forms of an HTTP date: IMF-fixdate, RFC 850 and asctime, whose time zone is unsaid.
const WITH_ZONE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d) \d\d:\d\d:\d\d GMT$/
const WITHOUT_ZONE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/**
 * The wait that an answer asks for, from 0 to 24 hours: `retry-after` as a whole number of seconds or an HTTP date; for
 * a 429 without one, the vendor's own headers. Anything else is none. `now` is in milliseconds since 1970.
 *
 * Source: RFC 9110 §10.2.3 and §5.6.7; "Rate limits" in the vendor's documentation of its other products.
 *
 * @internal
 */
export const parseRetryAfter = (
  { headers, status }: { readonly headers: Headers.Headers; readonly status: number },
  now: number
): Option.Option<Duration.Duration> => {
  const asked = headers["retry-after"]
  const millis =
    asked === undefined && status === 429 ? vendorsOwn(headers, now) : standard(once(asked ?? "").trim(), now)
  return Number.isNaN(millis)
    ? Option.none()
    : Option.some(Duration.clamp(Duration.millis(millis), { minimum: Duration.zero, maximum: LONGEST }))
}

const standard = (value: string, now: number) => (WHOLE.test(value) ? Number(value) * 1000 : parseDate(value) - now)

/** Which one comes differs by product. Both are seconds from now; a number too large for that is the time itself. */
const vendorsOwn = (headers: Headers.Headers, now: number) => {
  const values = [headers["x-ratelimit-retry"], headers["x-ratelimit-reset"]].map((header) => once(header ?? "").trim())
  const millis = Number(values.find((value) => WHOLE.test(value)) ?? Number.NaN) * 1000
  return millis < FIRST_EPOCH ? millis : millis - now
}

const parseDate = (value: string) => {
  const millis = WITH_ZONE.test(value)
    ? Date.parse(value)
    : WITHOUT_ZONE.test(value)
      ? Date.parse(`${value} GMT`)
      : Number.NaN
  // A 30th of February becomes a 2nd of March.
  return new Date(millis).getUTCDate() === Number(/\d+/.exec(value)?.[0]) ? millis : Number.NaN
}

/** A header that came twice arrives joined by a comma: it counts where both say the same. */
const once = (header: string) => {
  const half = header.slice(0, Math.max(0, (header.length - 2) / 2))
  return header === `${half}, ${half}` ? half : header
}
