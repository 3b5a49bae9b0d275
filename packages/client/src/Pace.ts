/**
 * When the next request of many may start.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DeleteCustomerError } from "./DeleteCustomerError.js"

// All in milliseconds.
const FIRST_SLOWDOWN = 100
const SLOWEST = 60_000
// A sleep of more than 2^31-1 milliseconds never ends.
const LONGEST_WAIT = 24 * 60 * 60 * 1000

/**
 * Requests start at least `fastest` milliseconds apart. One that is told to slow down doubles that for all, and nothing
 * starts before the wait that the server asks for is over; each success takes a tenth off again. The answer to a request
 * from before the last slow-down counts for neither, so that what was under way together slows down once.
 *
 * @internal
 */
export const make = (fastest: number) => {
  let interval = fastest
  let next = Number.NEGATIVE_INFINITY
  let slowedAt = Number.NEGATIVE_INFINITY

  /** Waits until a request may start, and says when that is. */
  const start: Effect.Effect<number> = Effect.flatMap(monotonicMillis, (now) => {
    if (now < next) {
      // When this is over, somebody else may have started, or been told to wait.
      return Effect.zipRight(Effect.sleep(Math.min(Math.ceil(next - now), LONGEST_WAIT)), start)
    }
    next = now + interval
    return Effect.succeed(now)
  })

  return {
    start,
    succeeded: (startedAt: number) =>
      Effect.sync(() => {
        if (startedAt > slowedAt) {
          interval = interval * 0.9 < Math.max(fastest, 1) ? fastest : interval * 0.9
        }
      }),
    failed: (startedAt: number, error: DeleteCustomerError) =>
      Effect.map(monotonicMillis, (now) => {
        const asked = "retryAfter" in error ? error.retryAfter : Option.none()
        if (error._tag !== "RateLimited" && Option.isNone(asked)) {
          return
        }
        if (startedAt > slowedAt) {
          slowedAt = now
          interval = Math.max(fastest, Math.min(Math.max(FIRST_SLOWDOWN, 2 * interval), SLOWEST))
        }
        const wait = Option.match(asked, { onNone: () => 0, onSome: Duration.toMillis })
        next = Math.max(next, now + Math.max(interval, Math.min(wait, LONGEST_WAIT)))
      })
  }
}

/** Not the time of day, which may be set back by hours. `currentTimeNanos` dies where a `TestClock` stands between two. */
const monotonicMillis = Effect.clockWith((clock) => Effect.sync(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6))
