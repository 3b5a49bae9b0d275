/** The one time limit of an attempt. */
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

/** @internal */
export interface Deadline {
  readonly clock: Clock.Clock
  /** By that clock's nanoseconds. */
  readonly began: bigint
  readonly limit: Duration.Duration
}

/** The shortest `attemptTimeout` of the retries around, or what is wrong with one; for all copies of this package. @internal */
export const currentAttemptTimeout = globalValue("@effect-flowwise/client/Deadline/currentAttemptTimeout", () =>
  FiberRef.unsafeMake<Either.Either<Duration.Duration, string>>(Either.right(Duration.infinity))
)

/** @internal */
export const begin = (fiber: Fiber.RuntimeFiber<unknown, unknown>, timeout: Duration.Duration): Deadline => {
  const clock = clockOf(fiber)
  // An attempt whose attemptTimeout makes no sense ends at once.
  const shorter = Either.getOrElse(fiber.getFiberRef(currentAttemptTimeout), () => timeout)
  return { clock, began: clock.unsafeCurrentTimeNanos(), limit: Duration.min(timeout, shorter) }
}

const clockOf = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Clock.Clock =>
  Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)

/**
 * Waits for what `start` begins, until the deadline, also in an uninterruptible region. `start` gets a function to call
 * with the outcome, and returns one that lets go of what is under way. @internal
 */
export const until = <A, E>(
  deadline: Deadline,
  start: (end: (outcome: Effect.Effect<A, E>) => void) => () => void,
  onTimeout: () => E
): Effect.Effect<A, E> =>
  Effect.async((resume) => {
    let over = false
    let cancelTimer = constVoid
    const end = (outcome: Effect.Effect<A, E>) => {
      if (!over) {
        over = true
        cancelTimer()
        resume(outcome)
      }
    }
    const letGo = start(end)
    // No timer where there is an answer already: a `TestClock` would stop at it.
    if (!over) {
      cancelTimer = schedule(deadline.clock, left(deadline), () => {
        end(Effect.failSync(onTimeout))
        letGo()
      })
    }
    return Effect.sync(() => {
      over = true
      cancelTimer()
      letGo()
    })
  })

/** Runs an effect until the deadline, on a fiber of its own: one that can't be interrupted is left behind. @internal */
export const inTime = <A, E>(
  deadline: Deadline,
  caller: Fiber.RuntimeFiber<unknown, unknown>,
  self: Effect.Effect<A, E>,
  onTimeout: () => E
): Effect.Effect<A, E> =>
  // A value takes no time.
  Exit.isExit(self) ? self : until(deadline, (end) => fork(caller, self, end), onTimeout)

const fork = <A, E>(
  caller: Fiber.RuntimeFiber<unknown, unknown>,
  self: Effect.Effect<A, E>,
  end: (exit: Exit.Exit<A, E>) => void
) => {
  const context = caller.currentContext
  const runtime = Runtime.make({ context, runtimeFlags: Runtime.defaultRuntimeFlags, fiberRefs: caller.getFiberRefs() })
  // By its exit, since Effect logs what a fiber fails with.
  const fiber = Runtime.runFork(runtime, Effect.exit(self))
  fiber.addObserver((exit) => end(Exit.flatten(exit)))
  return () => fiber.unsafeInterruptAsFork(fiber.id())
}

const left = ({ began, clock, limit }: Deadline) =>
  Math.max(0, Duration.toMillis(limit) - Number(clock.unsafeCurrentTimeNanos() - began) / 1e6)

const liveClock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** By the live clock a timer is enough, and no fiber. */
const schedule = (clock: Clock.Clock, millis: number, task: () => void): (() => void) => {
  if (clock === liveClock) {
    // A longer timer would fire at once.
    const timer = millis <= 2 ** 31 - 1 ? setTimeout(task, millis) : undefined
    return () => clearTimeout(timer)
  }
  const fiber = Effect.runFork(Effect.zipRight(clock.sleep(Duration.millis(millis)), Effect.sync(task)))
  return () => fiber.unsafeInterruptAsFork(fiber.id())
}

/** @internal */
export const parse = (timeout: unknown, name: string): Either.Either<Duration.Duration, string> =>
  Either.fromOption(
    Option.filter(Duration.decodeUnknown(timeout), (duration) => Duration.greaterThan(duration, Duration.zero)),
    () => `The ${name} must be a duration above 0, such as "30 seconds"`
  )
