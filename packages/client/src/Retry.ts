/**
 * When and how to send again. Nothing here is done unless a caller asks for it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Attempt from "./Attempt.js"
import type { RequestFailed } from "./DeleteCustomerError.js"
import { bounded, parseTimeout, timedOut, whole } from "./TimeLimit.js"
import { hasBadCertificate, invalidRequest } from "./Transport.js"

/**
 * When to send again, and how often.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScheduleOptions {
  /** How many more attempts after the first; 3 unless told otherwise. */
  readonly times?: number | undefined
  /**
   * The longest wait before the first resend; it doubles with each one. The wait itself is drawn at random between
   * nothing and that (full jitter), so that many callers don't come back together. 500 milliseconds unless told
   * otherwise.
   */
  readonly baseDelay?: Duration.DurationInput | undefined
  /**
   * No wait is longer, 30 seconds unless told otherwise. Where the server asks for more, there is no resend: the error
   * with its `retryAfter` is given to the caller at once.
   */
  readonly maxDelay?: Duration.DurationInput | undefined
}

/**
 * What `transient` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransientOptions extends ScheduleOptions {
  /**
   * Ends each attempt after so long, as `RequestFailed` with reason `"Timeout"`; the client's `timeout` holds too. A
   * `deleteCustomer` that is under way then is what fails, so that whatever you put around it sees the error.
   */
  readonly attemptTimeout?: Duration.DurationInput | undefined
  /** Shared by all calls of a client, so that resends don't multiply an outage. None unless told otherwise. */
  readonly budget?: Budget | undefined
}

/**
 * Tokens that resends are paid from. An empty budget ends a retry with the error at hand.
 *
 * @since 0.1.0
 * @category models
 */
export type Budget = Ref.Ref<number>

const CAPACITY = 500

/**
 * A full budget of 500 tokens: a resend after `RateLimited` costs 5, after any other error 14, and each success gives 1
 * back. A healthy vendor never notices it. In an outage a run stops resending after 35 failures, until deletions
 * succeed again. Make one for each client, and hand it to every `transient`.
 *
 * Source: the figures of the standard retry mode of the AWS SDKs.
 *
 * @example
 * ```ts
 * import { deleteCustomer, Retry } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const budget = yield* Retry.makeBudget
 *   yield* Effect.forEach(["cust_1", "cust_2"], (id) => deleteCustomer(id).pipe(Retry.transient({ budget })))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeBudget: Effect.Effect<Budget> = Ref.make(CAPACITY)

/**
 * Whether the same request can succeed later: `RequestFailed` (but for reason `"InvalidRequest"` and a bad certificate),
 * `DeletionFailed`, `RateLimited`, and `UnexpectedResponse` of 408, 425, 502, 503 and 504. To send it again is safe,
 * since DELETE is idempotent. What is no error of `deleteCustomer` is not transient.
 *
 * Source: RFC 9110 §9.2.2, §15.5.9 and §15.6; RFC 8470 §5.2.
 *
 * @example
 * ```ts
 * import { deleteCustomer, Retry } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 *
 * const later = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Effect.catchIf(Retry.isTransient, () => Effect.log("Put back into the queue"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category predicates
 */
export const isTransient = (error: unknown): boolean => {
  if (!Attempt.isOurs(error)) {
    return false
  }
  switch (error._tag) {
    case "RequestFailed":
      return error.reason !== "InvalidRequest" && !hasBadCertificate(error)
    case "DeletionFailed":
    case "RateLimited":
      return true
    case "UnexpectedResponse":
      return [408, 425, 502, 503, 504].includes(error.status)
    default:
      return false
  }
}

/**
 * A schedule for an `Effect.retry` of your own: exponential backoff with full jitter over transient errors, at least
 * `retryAfter` long where the server gave one. Time and chance are Effect's `Clock` and `Random`.
 *
 * @example
 * ```ts
 * import { deleteCustomer, Retry } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 * import * as Schedule from "effect/Schedule"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Effect.retry(Retry.schedule({ times: 10 }).pipe(Schedule.upTo("5 minutes")))
 * )
 * ```
 *
 * @since 0.1.0
 * @category schedules
 */
export const schedule = <E>(options: ScheduleOptions = {}): Schedule.Schedule<E, E> => {
  const maxDelay = Duration.decode(options.maxDelay ?? "30 seconds")
  const baseDelay = Duration.toMillis(options.baseDelay ?? "500 millis")
  // A sleep of more than 2^31-1 milliseconds never ends.
  const longest = Duration.toMillis(Duration.min(maxDelay, "24 hours"))
  return Schedule.recurs(options.times ?? 3).pipe(
    Schedule.intersect(Schedule.identity<E>()),
    Schedule.whileInput((error) => isTransient(error) && Duration.lessThanOrEqualTo(asked(error), maxDelay)),
    Schedule.addDelayEffect(([resends, error]) =>
      Effect.map(Random.next, (chance) =>
        Duration.max(asked(error), Math.round(chance * Math.min(baseDelay * 2 ** resends, longest)))
      )
    ),
    Schedule.map(([, error]) => error)
  )
}

/**
 * Sends again after transient errors. Works for every effect: errors that are none of `deleteCustomer` pass through.
 *
 * A `CustomerNotFound` after an attempt that may have deleted the customer says `afterAmbiguousAttempt: true`. Each
 * attempt is a span of its own, numbered by `http.request.resend_count`. Interruption ends a wait, and sends nothing
 * more.
 *
 * @example
 * ```ts
 * import { deleteCustomer, Retry } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Retry.transient({ times: 5, attemptTimeout: "5 seconds" }),
 *   // Over all attempts and waits.
 *   Effect.timeout("1 minute")
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const transient: {
  (
    options?: TransientOptions & { readonly attemptTimeout?: undefined }
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  (options: TransientOptions): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | RequestFailed, R>
} =
  (options: TransientOptions = {}) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const attempt = Attempt.retried()(
        options.attemptTimeout === undefined ? self : limited(self, options.attemptTimeout)
      )
      return Effect.zipLeft(Effect.retry(attempt, resends(options)), succeeded(options))
    })

/**
 * The schedule of `transient`, paid from its budget.
 *
 * @internal
 */
export const resends = <E>(options: TransientOptions): Schedule.Schedule<E, E> => {
  const { budget } = options
  return budget === undefined
    ? schedule(options)
    : Schedule.whileInputEffect(schedule<E>(options), (error) => pay(budget, error))
}

/**
 * What a success gives back to the budget.
 *
 * @internal
 */
export const succeeded = ({ budget }: TransientOptions): Effect.Effect<void> =>
  budget === undefined ? Effect.void : Ref.update(budget, (tokens) => Math.min(CAPACITY, tokens + 1))

/** How long the server asks to wait. */
const asked = (error: unknown): Duration.Duration =>
  Attempt.isOurs(error) && "retryAfter" in error
    ? Option.getOrElse(error.retryAfter, () => Duration.zero)
    : Duration.zero

const limited = <A, E, R>(self: Effect.Effect<A, E, R>, attemptTimeout: Duration.DurationInput) =>
  // The overloads add `RequestFailed` to the type where this can happen.
  Either.match(parseTimeout(attemptTimeout, "attemptTimeout"), {
    onLeft: (problem) => invalidRequest(problem),
    onRight: (duration) =>
      bounded(
        self,
        whole(duration),
        (limit) => timedOut(`No complete answer within ${Duration.format(limit)}`, "unknown"),
        new Set()
      )
  }) as Effect.Effect<A, E, R>

const pay = (budget: Budget, error: unknown) => {
  const cost = Attempt.isOurs(error) && error._tag === "RateLimited" ? 5 : 14
  return Ref.modify(budget, (tokens) => (tokens >= cost ? [true, tokens - cost] : [false, tokens]))
}
