/** `Retry-After`: RFC 9110 §10.2.3 and §5.6.7. */

/** No wait is longer, in milliseconds. Timers hold no more than about 25 days. */
export const LONGEST_WAIT = 24 * 60 * 60 * 1000

// IMF-fixdate and RFC 850 name their time zone; asctime doesn't, and means GMT too.
const WITH_ZONE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d) \d\d:\d\d:[0-5]\d GMT$/
const WITHOUT_ZONE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:[0-5]\d \d{4}$/

/**
 * The wait that the header asks for, in milliseconds, at most 24 hours: whole seconds, or an HTTP date. Anything else is
 * `undefined`. `now` is in milliseconds since 1970.
 */
export const parseRetryAfter = (header: string | undefined, now: number): number | undefined => {
  const value = once(header ?? "").trim()
  const millis = /^\d+$/.test(value) ? Number(value) * 1000 : parseDate(value) - now
  return Number.isNaN(millis) ? undefined : Math.min(Math.max(millis, 0), LONGEST_WAIT)
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

/** A header that came twice arrives joined by a comma. It counts where both say the same. */
const once = (header: string) => {
  const half = header.slice(0, Math.max(0, (header.length - 2) / 2))
  return header === `${half}, ${half}` ? half : header
}
