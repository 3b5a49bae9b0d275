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
  duration: Duration.Duration,
  onTimeout: (limit: Duration.Duration) => E2,
  within?: Within
): Effect.Effect<A, E | E2, R> =>
  Effect.flatMap(Effect.runtime<R>(), (runtime) =>
    Effect.async<A, E | E2>((resume) => {
      let ended = false
      let end = (outcome: Effect.Effect<A, E | E2>) => {
        ended = true
        resume(outcome)
      }
      const limited = within === undefined ? self : Effect.locally(self, currentWithin, within)
      // By its exit, since Effect logs what a fiber fails with, and an error names the customer.
      const fiber = Runtime.runFork(runtime, Effect.exit(Effect.interruptible(limited)))
      const giveUp = (limit: Duration.Duration) => {
        around?.delete(giveUp)
        end(Effect.failSync(() => onTimeout(limit)))
        fiber.unsafeInterruptAsFork(fiber.id())
      }
      const timeIsUp = () => {
        if (within === undefined || within.size === 0) {
          giveUp(duration)
          return
        }
        for (const inner of within) inner(duration)
        // What they fail with is through by the next turn, unless somebody holds on to it.
        const timer = setTimeout(giveUp, 0, duration)
        cancel = () => clearTimeout(timer)
      }
      let cancel = schedule(runtime, duration, timeIsUp)
      const around = FiberRefs.getOrDefault(runtime.fiberRefs, currentWithin)
      around?.add(giveUp)
      fiber.addObserver((exit) => {
        cancel()
        around?.delete(giveUp)
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

const liveClock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Calls back after so long. By the live clock that takes a timer and no fiber. */
const schedule = (
  { fiberRefs }: Runtime.Runtime<never>,
  duration: Duration.Duration,
  task: () => void
): (() => void) => {
  const clock = Context.get(FiberRefs.getOrDefault(fiberRefs, DefaultServices.currentServices), Clock.Clock)
  if (clock === liveClock) {
    const millis = Duration.toMillis(duration)
    // A longer timer would fire at once.
    const timer = millis < 2 ** 31 ? setTimeout(task, millis) : undefined
    return () => clearTimeout(timer)
  }
  const fiber = Effect.runFork(Effect.zipRight(clock.sleep(duration), Effect.sync(task)))
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
