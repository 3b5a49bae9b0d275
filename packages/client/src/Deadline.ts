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

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** The shortest `attemptTimeout` of the retries around, or what is wrong with one; for all copies of this package. @internal */
export const currentAttemptTimeout = globalValue("@effect-flowwise/client/Deadline/currentAttemptTimeout", () =>
  FiberRef.unsafeMake<Either.Either<Duration.Duration, string> | undefined>(undefined)
)

/** When an attempt began, and how long it may take. @internal */
export class Deadline {
  readonly clock: Clock.Clock
  /** By that clock's nanoseconds. */
  readonly began: bigint
  readonly limit: Duration.Duration
  /** What is wrong with an `attemptTimeout`. */
  readonly problem: string | undefined
  /** Lets go of what is waited for. To be called where the wait is interrupted: a finalizer of it would cost 4 µs. */
  abandon: () => void = constVoid

  constructor(fiber: AnyFiber, timeout: Duration.Duration) {
    this.clock = Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)
    this.began = this.clock.unsafeCurrentTimeNanos()
    const shorter = fiber.getFiberRef(currentAttemptTimeout)
    this.problem = shorter?._tag === "Left" ? shorter.left : undefined
    this.limit = shorter?._tag === "Right" ? Duration.min(timeout, shorter.right) : timeout
  }

  /**
   * Waits for what `start` begins, until the deadline, also in an uninterruptible region. `start` gets a function to call
   * with the outcome, and returns one that lets go of what is under way.
   */
  until<A, E>(start: (end: (outcome: Effect.Effect<A, E>) => void) => () => void, onTimeout: () => E) {
    return Effect.async<A, E>((resume) => {
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
        cancelTimer = schedule(this.clock, this.left(), () => {
          end(Effect.failSync(onTimeout))
          letGo()
        })
        this.abandon = () => {
          if (over) return
          over = true
          cancelTimer()
          letGo()
        }
      }
    })
  }

  /** Runs an effect until the deadline, on a fiber of its own: one that can't be interrupted is left behind. */
  run<A, E>(caller: AnyFiber, self: Effect.Effect<A, E>, onTimeout: () => E): Effect.Effect<A, E> {
    // A value takes no time.
    return Exit.isExit(self) ? self : this.until((end) => fork(caller, self, end), onTimeout)
  }

  private left(): number {
    return Math.max(0, Duration.toMillis(this.limit) - Number(this.clock.unsafeCurrentTimeNanos() - this.began) / 1e6)
  }
}

const fork = <A, E>(caller: AnyFiber, self: Effect.Effect<A, E>, end: (exit: Exit.Exit<A, E>) => void) => {
  const context = caller.currentContext
  const runtime = Runtime.make({ context, runtimeFlags: Runtime.defaultRuntimeFlags, fiberRefs: caller.getFiberRefs() })
  // By its exit, since Effect logs what a fiber fails with.
  const fiber = Runtime.runFork(runtime, Effect.exit(self))
  fiber.addObserver((exit) => end(Exit.flatten(exit)))
  return () => fiber.unsafeInterruptAsFork(fiber.id())
}

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
