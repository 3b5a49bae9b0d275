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
import * as Runtime from "effect/Runtime"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** The shortest `attemptTimeout` of the retries around, or what is wrong with their options. Shared by all copies of this package. @internal */
export const currentAttemptTimeout = globalValue("@effect-flowwise/client/Deadline/currentAttemptTimeout", () =>
  FiberRef.unsafeMake<Either.Either<Duration.Duration, string>>(Either.right(Duration.infinity))
)

/** When an attempt began, how long it may take, and what it waits for now. @internal */
export class Deadline<E> {
  readonly clock: Clock.Clock
  /** In nanoseconds of that clock. */
  readonly began: bigint
  readonly limit: Duration.Duration
  /** What is wrong with the options of a retry around. */
  readonly problem: string | undefined
  private resume: ((outcome: Effect.Effect<never, E>) => void) | undefined
  private letGo: () => void = constVoid
  /** With the live clock a timer is enough, without a fiber. */
  private timer: ReturnType<typeof setTimeout> | undefined
  private sleeper: AnyFiber | undefined

  constructor(
    fiber: AnyFiber,
    timeout: Duration.Duration,
    private readonly onTimeout: () => E
  ) {
    this.clock = Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)
    this.began = this.clock.unsafeCurrentTimeNanos()
    const shorter = fiber.getFiberRef(currentAttemptTimeout)
    this.problem = Either.isLeft(shorter) ? shorter.left : undefined
    this.limit = Either.isRight(shorter) ? Duration.min(timeout, shorter.right) : timeout
  }

  /** Waits for `end` until the deadline, also in an uninterruptible region. `start` returns a function that aborts. */
  until<A>(start: () => () => void): Effect.Effect<A, E> {
    return Effect.async<A, E>((resume) => {
      this.resume = resume
      this.letGo = start()
      // No timer if there is an answer already: a `TestClock` would stop at it.
      if (this.resume !== undefined) {
        this.startTimer()
      }
    })
  }

  /** Runs an effect until the deadline, on its own fiber, which is left behind if it can't be interrupted. */
  run<A>(caller: AnyFiber, self: Effect.Effect<A, E>): Effect.Effect<A, E> {
    // A value takes no time.
    return Exit.isExit(self) ? self : this.until(() => fork(caller, self, (exit) => this.end(exit)))
  }

  /** Ends the wait, if there is one. */
  end<A>(outcome: Effect.Effect<A, E>): void {
    const { resume } = this
    this.resume = undefined
    this.stopTimer()
    resume?.(outcome as Effect.Effect<never, E>)
  }

  timeIsUp(): void {
    this.end(Effect.failSync(this.onTimeout))
    this.release()
  }

  private release(): void {
    try {
      this.letGo()
    } catch {} // a transport of the user's own
  }

  /** Call when interrupted: stops the timer and the request. A finalizer of the wait would cost a fifth of a request. */
  abandon(): void {
    if (this.resume !== undefined) {
      this.resume = undefined
      this.stopTimer()
      this.release()
    }
  }

  private startTimer(): void {
    const elapsed = Number(this.clock.unsafeCurrentTimeNanos() - this.began) / 1e6
    const millis = Math.max(0, Duration.toMillis(this.limit) - elapsed)
    if (this.clock !== liveClock) {
      const sleep = Effect.zipRight(
        this.clock.sleep(Duration.millis(millis)),
        Effect.sync(() => this.timeIsUp())
      )
      this.sleeper = Effect.runFork(sleep)
    } else if (millis <= 2 ** 31 - 1) {
      // A longer timer would fire at once.
      this.timer = setTimeout(timeIsUp, millis, this)
    }
  }

  private stopTimer(): void {
    clearTimeout(this.timer)
    this.sleeper?.unsafeInterruptAsFork(this.sleeper.id())
  }
}

const fork = <A, E>(caller: AnyFiber, self: Effect.Effect<A, E>, end: (exit: Exit.Exit<A, E>) => void) => {
  const context = caller.currentContext
  const runtime = Runtime.make({ context, runtimeFlags: Runtime.defaultRuntimeFlags, fiberRefs: caller.getFiberRefs() })
  // As an Exit, because Effect logs the failure of a fiber.
  const fiber = Runtime.runFork(runtime, Effect.exit(self))
  fiber.addObserver((exit) => end(Exit.flatten(exit)))
  return () => fiber.unsafeInterruptAsFork(fiber.id())
}

const liveClock = Context.get(DefaultServices.liveServices, Clock.Clock)
const timeIsUp = <E>(deadline: Deadline<E>) => deadline.timeIsUp()
