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
import { constVoid } from "effect/Function"
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
 * A time limit, and how many milliseconds of it are left.
 *
 * @internal
 */
export interface Limit {
  readonly duration: Duration.Duration
  left(): number
}

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
  limit: Limit,
  onTimeout: (limit: Duration.Duration) => E2,
  within?: Within
): Effect.Effect<A, E | E2, R> =>
  Effect.flatMap(Effect.runtime<R>(), (runtime) =>
    Effect.withFiberRuntime((caller) =>
      Effect.async<A, E | E2>((resume) => {
        let ended = false
        let end = (outcome: Effect.Effect<A, E | E2>) => {
          ended = true
          resume(outcome)
        }
        const limited = within === undefined ? self : Effect.locally(self, currentWithin, within)
        // By its exit, since Effect logs what a fiber fails with, and an error names the customer.
        const fiber = Runtime.runFork(runtime, Effect.exit(Effect.interruptible(limited)))
        let lastTimer: ReturnType<typeof setTimeout> | undefined
        const giveUp = (limit: Duration.Duration) => {
          stop()
          end(Effect.failSync(() => onTimeout(limit)))
          fiber.unsafeInterruptAsFork(fiber.id())
        }
        const timeIsUp = (limit: Duration.Duration) => {
          if (within === undefined || within.size === 0) {
            giveUp(limit)
            return
          }
          for (const inner of within) inner(limit)
          // What they fail with is through by the next turn, unless somebody holds on to it.
          lastTimer = setTimeout(giveUp, 0, limit)
        }
        let unwatch = constVoid
        const stop = () => {
          clearTimeout(lastTimer)
          unwatch()
        }
        unwatch = watch(caller, limit, giveUp, timeIsUp)
        // A clock other than the live one may call back at once.
        if (ended) stop()
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
  )

/**
 * Calls `timeIsUp` when this limit is over, or `giveUp` when one around it is, until it is stopped.
 *
 * @internal
 */
export const watch = (
  caller: Fiber.RuntimeFiber<unknown, unknown>,
  limit: Limit,
  giveUp: (limit: Duration.Duration) => void,
  timeIsUp = giveUp
): (() => void) => {
  const around = caller.getFiberRef(currentWithin)
  const cancel = schedule(clockOf(caller), limit.left(), () => timeIsUp(limit.duration))
  around?.add(giveUp)
  return () => {
    cancel()
    around?.delete(giveUp)
  }
}

/** @internal */
export const clockOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Clock.Clock =>
  Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)

const liveClock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Calls back after so many milliseconds. By the live clock that takes a timer and no fiber. */
const schedule = (clock: Clock.Clock, millis: number, task: () => void): (() => void) => {
  if (clock === liveClock) {
    // A longer timer would fire at once.
    const timer = millis <= 2 ** 31 - 1 ? setTimeout(task, Math.max(0, millis)) : undefined
    return () => clearTimeout(timer)
  }
  const fiber = Effect.runFork(Effect.zipRight(clock.sleep(Duration.millis(millis)), Effect.sync(task)))
  return () => fiber.unsafeInterruptAsFork(fiber.id())
}

/**
 * The whole of a time limit.
 *
 * @internal
 */
export const whole = (duration: Duration.Duration): Limit => ({ duration, left: () => Duration.toMillis(duration) })

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
