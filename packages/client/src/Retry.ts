/** When and how to send again. Nothing here is done unless a caller asks for it. @module */
import * as Rules from "@effect-flowwise/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Decision from "effect/ScheduleDecision"
import * as Interval from "effect/ScheduleInterval"
import { currentAttemptTimeout } from "./Deadline.js"
import { isOurs } from "./DeleteCustomerError.js"
import { remembering } from "./History.js"

/** What is wrong with the options of a retry, or of `deleteCustomers`. @internal */
export const checks = Rules.optionChecks(Duration.toMillis, Predicate.hasProperty(Ref.RefTypeId), Effect.isEffect)

/**
 * What `schedule` takes.
 * @since 0.1.0
 * @category models
 */
export interface ScheduleOptions {
  /** How many more attempts after the first. Default: 3. */
  readonly times?: number | undefined
  /** The longest wait before the first resend. It doubles with each one; the wait is random below it. Default: 500 ms. */
  readonly baseDelay?: Duration.DurationInput | undefined
  /** The longest wait. If the server asks for more, the retry ends at once with that error. Default: 30 seconds. */
  readonly maxDelay?: Duration.DurationInput | undefined
}

/**
 * What `transient` takes.
 * @since 0.1.0
 * @category models
 */
export interface TransientOptions extends ScheduleOptions {
  /** Limits each request, besides the client's `timeout`. Other effects need an `Effect.timeout` of their own. */
  readonly attemptTimeout?: Duration.DurationInput | undefined
  /** Limits the resends of all calls that share it, so that they don't amplify an outage. Default: none. */
  readonly budget?: Budget | undefined
}

/**
 * The tokens that are left. A resend takes some; if there are too few, the retry ends with its latest error.
 * @since 0.1.0
 * @category models
 */
export type Budget = Ref.Ref<number>

/**
 * A full budget of 500 tokens: a resend after `RateLimited` costs 5, after any other error 14, and each success gives 1
 * back. In an outage a run stops resending after 35 failures. Make one for each client, and give it to every `transient`.
 * @since 0.1.0
 * @category constructors
 */
export const makeBudget: Effect.Effect<Budget> = Ref.make<number>(Rules.budget.capacity)

/**
 * Whether the same request can succeed later: `RequestFailed` (but for the reasons `"InvalidRequest"` and `"Certificate"`),
 * `DeletionFailed`, `RateLimited`, and `UnexpectedResponse` of 408, 425, 502, 503 and 504. Sending it again is safe.
 * @since 0.1.0
 * @category predicates
 */
export const isTransient = (error: unknown): boolean => isOurs(error) && Rules.isTransient(error)

/**
 * The waits of `transient` as a schedule, for an `Effect.retry` of your own. With invalid options it sends nothing again.
 * @since 0.1.0
 * @category schedules
 */
export const schedule = <E>(options: ScheduleOptions = {}): Schedule.Schedule<E, E> => {
  const waitBefore = waits(checks.retry(options) === undefined ? options : { times: 0 })
  return Schedule.makeWithState(0, (now, error: E, resends) =>
    Effect.map(waitBefore(error, resends), (wait) =>
      wait === undefined
        ? [resends, error, Decision.done]
        : [resends + 1, error, Decision.continueWith(Interval.after(now + wait))]
    )
  )
}

/**
 * Sends again after transient errors: exponential backoff with full jitter, at least `retryAfter` where the server gave
 * one. Works on every effect; errors that are not transient pass through.
 *
 * **Details**: a `CustomerNotFound` after an attempt that may have deleted the customer says `afterAmbiguousAttempt: true`.
 * Each attempt has a span, numbered by `http.request.resend_count`. Time and chance are Effect's `Clock` and `Random`.
 * With invalid options the client sends nothing, and each call is a `RequestFailed` that says what to correct.
 * @example
 * ```ts
 * import { deleteCustomer, Retry } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Retry.transient({ times: 5, attemptTimeout: "5 seconds" }),
 *   Effect.timeout("1 minute") // over all attempts and waits
 * )
 * ```
 * @since 0.1.0
 * @category combinators
 */
export const transient = (
  options: TransientOptions = {}
): (<A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) => {
  const problem = checks.retry(options)
  return problem === undefined
    ? resending(options, (millis) => Effect.as(Effect.sleep(millis), true))
    : Effect.locally(currentAttemptTimeout, Either.left(problem))
}

/** `transient` of checked options, with another wait, which says whether to send again, and a history to look into. @internal */
export const resending =
  <R2 = never>(
    options: TransientOptions,
    wait: (millis: number) => Effect.Effect<boolean, never, R2>,
    history?: Rules.History
  ) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | R2> =>
    Effect.suspend(() => {
      const waitBefore = waits(options)
      const { attemptTimeout } = options
      const limited =
        attemptTimeout === undefined
          ? self
          : Effect.locallyWith(self, currentAttemptTimeout, Either.map(Duration.min(attemptTimeout)))
      const attempt = remembering(history ?? new Rules.History())(limited)
      const send = (resends: number): Effect.Effect<A, E, R | R2> =>
        Effect.catchAll(attempt, (error) =>
          Effect.gen(function* () {
            const millis = yield* waitBefore(error, resends)
            const goOn = millis !== undefined && (yield* pay(options, error)) && (yield* wait(millis))
            return goOn ? yield* send(resends + 1) : yield* Effect.fail(error)
          })
        )
      return Effect.zipLeft(send(0), refund(options))
    })

/** Gives the wait before the next resend in milliseconds; `undefined` where there is to be none. */
const waits = (options: ScheduleOptions) => {
  const backoff = {
    times: options.times ?? 3,
    baseDelay: Duration.toMillis(options.baseDelay ?? "500 millis"),
    maxDelay: Duration.toMillis(options.maxDelay ?? "30 seconds")
  }
  return (error: unknown, resends: number): Effect.Effect<number | undefined> =>
    isTransient(error)
      ? Effect.map(Random.next, (chance) => Rules.waitBefore(backoff, resends, chance, askedMillis(error) ?? 0))
      : Effect.succeed(undefined)
}

/** How long the server asks to wait; `undefined` where it doesn't. @internal */
export const askedMillis = (error: unknown): number | undefined =>
  isOurs(error) && "retryAfter" in error
    ? Option.getOrUndefined(Option.map(error.retryAfter, Duration.toMillis))
    : undefined

const pay = ({ budget }: TransientOptions, error: unknown): Effect.Effect<boolean> => {
  const price = isOurs(error) ? Rules.budget.price(error) : 0
  return budget === undefined
    ? Effect.succeed(true)
    : Ref.modify(budget, (tokens) => (tokens >= price ? [true, tokens - price] : [false, tokens]))
}

const refund = ({ budget }: TransientOptions): Effect.Effect<void> =>
  budget === undefined
    ? Effect.void
    : Ref.update(budget, (tokens) => Math.min(Rules.budget.capacity, tokens + Rules.budget.refund))
