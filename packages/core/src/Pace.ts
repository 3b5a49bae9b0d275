/** When the next request of many may start, as arithmetic. All times are in milliseconds, by one clock. */
import { LONGEST_WAIT } from "./RetryAfter.js"

const FIRST_SLOWDOWN = 100
const SLOWEST = 60_000

/** `interval` is the time between two starts, at least `fastest`; `next` the earliest start; `slowedAt` the last slow-down. */
export type Pace = Readonly<Record<"fastest" | "interval" | "next" | "slowedAt", number>>

/** Wall-clock time, since fake timers advance no other. If the clock is set back, the difference is added. */
export const neverBack = () => {
  let latest = Number.NEGATIVE_INFINITY
  let setBack = 0
  return (millis: number): number => {
    setBack = Math.max(setBack, latest - millis)
    latest = millis + setBack
    return latest
  }
}

/** Starts are at least `fastest` milliseconds apart. */
export const pace = (fastest: number): Pace => ({
  fastest,
  interval: fastest,
  next: Number.NEGATIVE_INFINITY,
  slowedAt: Number.NEGATIVE_INFINITY
})

/** How long a start has to wait; 0 where it may be now. */
export const waitForStart = ({ next }: Pace, now: number): number =>
  now >= next ? 0 : Math.min(Math.ceil(next - now), LONGEST_WAIT)

/** After a request has started. */
export const afterStart = (pace: Pace, now: number): Pace => ({ ...pace, next: now + pace.interval })

/** A success takes a tenth off the interval, down to `fastest`, unless its request is from before the last slow-down. */
export const afterSuccess = (pace: Pace, startedAt: number): Pace => {
  if (startedAt <= pace.slowedAt || pace.interval === pace.fastest) return pace
  const faster = pace.interval * 0.9
  return { ...pace, interval: faster < Math.max(pace.fastest, 1) ? pace.fastest : faster }
}

/** Doubles the interval, once for what was under way together; nothing starts before the wait `asked` for is over. */
export const afterThrottling = (pace: Pace, startedAt: number, now: number, asked: number): Pace => {
  const slower = Math.max(pace.fastest, Math.min(Math.max(FIRST_SLOWDOWN, 2 * pace.interval), SLOWEST))
  const { interval, slowedAt } = startedAt > pace.slowedAt ? { interval: slower, slowedAt: now } : pace
  return {
    ...pace,
    interval,
    slowedAt,
    next: Math.max(pace.next, now + Math.max(interval, Math.min(asked, LONGEST_WAIT)))
  }
}
