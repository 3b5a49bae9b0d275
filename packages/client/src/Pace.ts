/** When the next request of many may start. */
import * as Rules from "@effect-flowwise/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { DeleteCustomerError } from "./DeleteCustomerError.js"
import { askedMillis } from "./Retry.js"

/** Requests start at least `fastest` milliseconds apart. An answer that asks to wait slows all down. @internal */
export const make = (fastest: number) => {
  let pace = Rules.pace(fastest)
  const now = Effect.map(Clock.currentTimeMillis, Rules.neverBack())

  /** Waits until a request may start, and gives the time. */
  const start: Effect.Effect<number> = Effect.flatMap(now, (at) => {
    const wait = Rules.waitForStart(pace, at)
    if (wait > 0) {
      // Then look again: another request may have started, or all may have to wait.
      return Effect.zipRight(Effect.sleep(wait), start)
    }
    pace = Rules.afterStart(pace, at)
    return Effect.succeed(at)
  })

  return {
    start,
    succeeded: (startedAt: number): Effect.Effect<void> =>
      Effect.sync(() => {
        pace = Rules.afterSuccess(pace, startedAt)
      }),
    failed: (startedAt: number, error: DeleteCustomerError): Effect.Effect<void> =>
      Effect.map(now, (at) => {
        const asked = askedMillis(error)
        if (error._tag === "RateLimited" || asked !== undefined) {
          pace = Rules.afterThrottling(pace, startedAt, at, asked ?? 0)
        }
      })
  }
}
