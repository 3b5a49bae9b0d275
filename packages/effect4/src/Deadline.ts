/** The one time limit of an attempt. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { constVoid } from "effect/Function"
import * as Result from "effect/Result"

/** @internal */
export interface Deadline {
  readonly clock: Clock.Clock
  /** In monotonic nanoseconds of that clock. */
  readonly began: bigint
  readonly limit: Duration.Duration
}

/** The shortest `attemptTimeout` of the retries around, or what is wrong with their options. @internal */
export const CurrentAttemptTimeout = Context.Reference<Result.Result<Duration.Duration, string>>(
  "@effect-flowwise/effect4/Deadline/CurrentAttemptTimeout",
  { defaultValue: () => Result.succeed(Duration.infinity) }
)

/** @internal */
export const begin = (fiber: Fiber.Fiber<unknown, unknown>, timeout: Duration.Duration): Deadline => {
  const clock = fiber.getRef(Clock.Clock)
  // An attempt within a retry of invalid options ends at once.
  const shorter = Result.getOrElse(fiber.getRef(CurrentAttemptTimeout), () => timeout)
  return { clock, began: clock.monotonicTimeNanosUnsafe(), limit: Duration.min(timeout, shorter) }
}

/**
 * Waits for what `start` begins, until the deadline. `start` gets a function to call with the outcome, and returns one that
 * aborts. The deadline also holds in an uninterruptible region. @internal
 */
export const until = <A, E>(
  deadline: Deadline,
  start: (end: (outcome: Exit.Exit<A, E>) => void) => () => void,
  onTimeout: () => E
): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    let over = false
    let cancelTimer = constVoid
    const end = (outcome: Exit.Exit<A, E>) => {
      if (!over) {
        over = true
        cancelTimer()
        resume(outcome)
      }
    }
    const letGo = start(end)
    // No timer if there is an answer already: a `TestClock` would stop at it.
    if (!over) {
      cancelTimer = schedule(deadline.clock, left(deadline), () => {
        end(Exit.fail(onTimeout()))
        letGo()
      })
    }
    return Effect.sync(() => {
      over = true
      cancelTimer()
      letGo()
    })
  })

/**
 * Runs an effect until the deadline, on its own fiber, which is left behind if it can't be interrupted.
 * @internal
 */
export const inTime = <A, E>(
  deadline: Deadline,
  caller: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E>,
  onTimeout: () => E
): Effect.Effect<A, E> =>
  // A value takes no time.
  Exit.isExit(self)
    ? self
    : until(
        deadline,
        (end) => {
          const fiber = Effect.runForkWith(caller.context)(self)
          fiber.addObserver(end)
          return () => fiber.interruptUnsafe()
        },
        onTimeout
      )

const left = ({ began, clock, limit }: Deadline) =>
  Math.max(0, Duration.toMillis(limit) - Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6)

const liveClock = Context.get(Context.empty(), Clock.Clock)

/** With the live clock a timer is enough, without a fiber. */
const schedule = (clock: Clock.Clock, millis: number, task: () => void): (() => void) => {
  if (clock === liveClock) {
    // A longer timer would fire at once.
    const timer = millis <= 2 ** 31 - 1 ? setTimeout(task, millis) : undefined
    return () => clearTimeout(timer)
  }
  const fiber = Effect.runFork(Effect.andThen(clock.sleep(Duration.millis(millis)), Effect.sync(task)))
  return () => fiber.interruptUnsafe()
}
