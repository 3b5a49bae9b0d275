/**
 * Answers 429 to requests beyond a rate.
 *
 * @since 0.1.0
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Script from "./Script.js"

interface RateLimit {
  readonly limit: number
  readonly interval: Duration.DurationInput
}

/**
 * Gives a 429 where one is due. A window begins with the first request after the last window.
 *
 * @internal
 */
export const make = (rateLimit: RateLimit | undefined) =>
  Effect.gen(function* () {
    if (rateLimit === undefined) {
      return Effect.succeed(Option.none<HttpServerResponse.HttpServerResponse>())
    }
    const { limit } = rateLimit
    if (!Number.isInteger(limit) || limit < 1) {
      return yield* Script.invalid(`rateLimit.limit must be a whole number above 0, and is ${String(limit)}`)
    }
    const interval = Duration.toMillis(yield* Script.validDelay(rateLimit.interval))
    let count = 0
    let end = Number.NEGATIVE_INFINITY
    return Effect.map(Clock.currentTimeMillis, (now) => {
      if (now >= end) {
        count = 0
        end = now + interval
      }
      return ++count <= limit
        ? Option.none()
        : Option.some(
            HttpServerResponse.empty({
              status: 429,
              headers: { "retry-after": String(Math.ceil((end - now) / 1000)), "x-ratelimit-limit": String(limit) }
            })
          )
    })
  })
