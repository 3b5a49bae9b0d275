/**
 * What ends in time, whatever it does.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import { globalValue } from "effect/GlobalValue"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import { RequestFailed } from "./DeleteCustomerError.js"

/** What runs within a time limit and can end by itself when that is over; each is told how long the limit was. */
type Within = Set<(limit: Duration.Duration) => void>

const currentWithin = globalValue("@effect-flowwise/client/TimeLimit/currentWithin", () =>
  FiberRef.unsafeMake<Within | undefined>(undefined)
)

/**
 * A time limit that has begun: for how long it is, and how many milliseconds of it are left.
 *
 * @internal
 */
export interface Limit {
  readonly duration: Duration.Duration
  readonly left: () => number
}

/** @internal */
export const begin = (fiber: Fiber.RuntimeFiber<unknown, unknown>, duration: Duration.Duration): Limit => {
  const clock = clockOf(fiber.getFiberRefs())
  const millis = Duration.toMillis(duration)
  const began = clock.unsafeCurrentTimeNanos()
  return { duration, left: () => millis - Number(clock.unsafeCurrentTimeNanos() - began) / 1e6 }
}

const full = (duration: Duration.Duration): Limit => ({ duration, left: () => Duration.toMillis(duration) })

/**
 * Ends in time, whatever `self` does: it runs on a fiber of its own, which can be given up where neither it nor the
 * caller can be interrupted. `Effect.timeoutFail` waits for what it interrupts, and has its race interrupted under an
 * uninterruptible caller.
 *
 * Given a set `within`, the calls in `self` fail first when time is up, so that what stands around them sees a time-out
 * and no interruption; then `self` has no more time than that takes.
 *
 * @internal
 */
export const bounded = <A, E, R, E2>(
  self: Effect.Effect<A, E, R>,
  limit: Limit | Duration.Duration,
  onTimeout: (limit: Duration.Duration) => E2,
  within?: Within
): Effect.Effect<A, E | E2, R> =>
  Exit.isExit(self)
    ? (self as Effect.Effect<A, E, R>)
    : Effect.flatMap(Effect.runtime<R>(), (runtime) =>
        Effect.async<A, E | E2>((resume) => {
          let ended = false
          let end = (outcome: Effect.Effect<A, E | E2>) => {
            ended = true
            resume(outcome)
          }
          const limited = within === undefined ? self : Effect.locally(self, currentWithin, within)
          // By its exit, since Effect logs what a fiber fails with, and an error names the customer.
          const fiber = Runtime.runFork(runtime, Effect.exit(Effect.interruptible(limited)))
          const stop = watch(
            runtime.fiberRefs,
            Duration.isDuration(limit) ? full(limit) : limit,
            (limit) => {
              end(Effect.failSync(() => onTimeout(limit)))
              fiber.unsafeInterruptAsFork(fiber.id())
            },
            within
          )
          fiber.addObserver((exit) => {
            stop()
            end(Exit.flatten(exit))
          })
          // Who interrupts waits for the connection to be freed, but no longer than until time is up.
          return Effect.async<void>((interrupted) => {
            if (ended) {
              interrupted(Effect.void)
              return
            }
            end = () => interrupted(Effect.void)
            fiber.unsafeInterruptAsFork(fiber.id())
          })
        })
      )

/**
 * Calls `giveUp` once when time is up, by this limit or by one around it, unless it is stopped before.
 *
 * @internal
 */
export const watch = (
  fiberRefs: FiberRefs.FiberRefs,
  limit: Limit,
  giveUp: (limit: Duration.Duration) => void,
  within?: Within
): (() => void) => {
  const around = FiberRefs.getOrDefault(fiberRefs, currentWithin)
  const last = (limit: Duration.Duration) => {
    stop()
    giveUp(limit)
  }
  const timeIsUp = () => {
    if (within === undefined || within.size === 0) {
      last(limit.duration)
      return
    }
    for (const inner of within) inner(limit.duration)
    // What they fail with is through by the next turn, unless somebody holds on to it.
    const timer = setTimeout(last, 0, limit.duration)
    cancel = () => clearTimeout(timer)
  }
  let cancel = schedule(clockOf(fiberRefs), limit.left(), timeIsUp)
  const stop = () => {
    cancel()
    around?.delete(last)
  }
  around?.add(last)
  return stop
}

const clockOf = (fiberRefs: FiberRefs.FiberRefs) =>
  Context.get(FiberRefs.getOrDefault(fiberRefs, DefaultServices.currentServices), Clock.Clock)

const liveClock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Calls back after so many milliseconds. By the live clock that takes a timer and no fiber. */
const schedule = (clock: Clock.Clock, millis: number, task: () => void): (() => void) => {
  if (clock === liveClock) {
    // A longer timer would fire at once.
    const timer = millis < 2 ** 31 ? setTimeout(task, millis) : undefined
    return () => clearTimeout(timer)
  }
  const fiber = Effect.runFork(Effect.zipRight(clock.sleep(Duration.millis(millis)), Effect.sync(task)))
  return () => fiber.unsafeInterruptAsFork(fiber.id())
}

/** @internal */
export const parseTimeout = (timeout: Duration.DurationInput, name: string): Either.Either<Duration.Duration, string> =>
  Either.fromOption(
    Option.filter(Duration.decodeUnknown(timeout), (duration) => Duration.greaterThan(duration, Duration.zero)),
    () => `The ${name} must be a duration above 0, such as "30 seconds"`
  )

/** @internal */
export const timedOut = (what: string, delivered: "no" | "unknown"): RequestFailed =>
  new RequestFailed({
    message: `${what}: ${delivered === "no" ? "nothing was sent" : "the customer may or may not be deleted"}. Ask again`,
    reason: "Timeout",
    delivered
  })
