/**
 * Many customers, as a stream of what became of each.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Attempt from "./Attempt.js"
import { CustomerAlreadyAbsent, CustomerDeleted } from "./Customer.js"
import {
  DeletionFailed,
  InvalidCustomerId,
  isAmbiguous,
  RateLimited,
  RequestFailed,
  type Unauthorized,
  UnexpectedResponse
} from "./DeleteCustomerError.js"
import { ensureCustomerDeleted, type FlowwiseClient } from "./FlowwiseClient.js"
import * as Pace from "./Pace.js"
import * as Retry from "./Retry.js"

const MAX_CONCURRENCY = 1000

/**
 * A customer who is not known to be gone, and why. `error` is that of the last attempt: it tells whether to correct the
 * id, to ask again later, or to look into it. `mayBeDeleted` speaks for all attempts. The rest of the ids are none the
 * worse for it.
 *
 * @example
 * ```ts
 * import { DeletionFailed, DeletionUnconfirmed } from "@effect-flowwise/client"
 *
 * const customerId = "cust_priya_sharma_2024"
 * const unconfirmed = new DeletionUnconfirmed({ customerId, error: new DeletionFailed({ customerId }), mayBeDeleted: true })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class DeletionUnconfirmed extends Schema.TaggedClass<DeletionUnconfirmed>(
  "@effect-flowwise/client/DeletionUnconfirmed"
)("DeletionUnconfirmed", {
  /** The id as it was given; empty where it was no string. */
  customerId: Schema.String,
  error: Schema.Union(InvalidCustomerId, DeletionFailed, RateLimited, UnexpectedResponse, RequestFailed),
  /** Whether one of the attempts may have deleted the customer. `false`: none of them did. */
  mayBeDeleted: Schema.Boolean
}) {}

/**
 * The schema of what became of one id, to keep it in a journal or send it elsewhere.
 *
 * @example
 * ```ts
 * import { DeletionOutcome } from "@effect-flowwise/client"
 * import * as Schema from "effect/Schema"
 *
 * const toLine: (outcome: DeletionOutcome) => string = Schema.encodeSync(Schema.parseJson(DeletionOutcome))
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const DeletionOutcome = Schema.Union(CustomerDeleted, CustomerAlreadyAbsent, DeletionUnconfirmed)

/**
 * What became of one id.
 *
 * @since 0.1.0
 * @category models
 */
export type DeletionOutcome = typeof DeletionOutcome.Type

/**
 * What `deleteCustomers` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeleteCustomersOptions {
  /** How many customers are under way at once, from 1 to 1,000; 16 unless told otherwise. */
  readonly concurrency?: number | undefined
  /** So many requests in so long, resends included and spread evenly. No limit unless told otherwise. */
  readonly rateLimit?: { readonly limit: number; readonly interval: Duration.DurationInput } | undefined
  /** For `Retry.transient`, which each id gets unless told otherwise; `false` sends each request once. */
  readonly retry?: Retry.TransientOptions | false | undefined
  /** Stops the run gracefully when it completes. Never, unless told otherwise. */
  readonly haltWhen?: Effect.Effect<unknown> | undefined
}

/**
 * Deletes many customers, for good, and tells what became of each as soon as it is known, in no order.
 *
 * There is one outcome for each id; an id that comes twice is deleted, then already absent. A rejected id never ends the
 * stream. An id keeps its place, one of `concurrency`, until you pull again after its outcome. So if you write each chunk of
 * outcomes to disk before you pull the next, at most `concurrency` customers are asked for and not on the disk. A slow
 * consumer slows the requests down, and a million ids need no more memory than a thousand.
 *
 * A 429, or an error with a `retryAfter`, slows all down: nothing is sent until the wait that was asked for is over, and
 * the time between two requests doubles (to 100 milliseconds at least, a minute at most); each success takes a tenth off
 * again, down to `rateLimit`. Where the wait is above the `maxDelay` of `retry` its own id is given up, and the rest wait.
 *
 * To stop, let `haltWhen` complete. Nothing is sent any more, no resend either; what is under way comes to its end, and
 * you get its outcome before the stream ends. Who waits for a resend has the outcome of the latest attempt, and who has no
 * outcome was not deleted. Ids that end by themselves let resends go on. Interrupting the stream, or leaving it early as
 * `Stream.take` does, starts nothing new either, but aborts what is under way, and you don't learn what became of it.
 *
 * - `Unauthorized`: the rest would fail the same way. The run stops as by `haltWhen`, and then fails.
 * - `E`: the ids failed; you get the outcomes of those before first. An iterable that throws is a defect, likewise.
 *
 * Options that make no sense, such as `concurrency: 0`, reject each id with a `RequestFailed` of reason
 * `"InvalidRequest"`, whose message says what to correct; nothing is sent.
 *
 * Source: `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0; RFC 6585 §4; RFC 9110 §10.2.3.
 *
 * @example
 * ```ts
 * import { deleteCustomers } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const program = deleteCustomers(["cust_1", "cust_2"], { rateLimit: { limit: 100, interval: "1 minute" } }).pipe(
 *   Stream.runForEach((outcome) =>
 *     outcome._tag === "DeletionUnconfirmed" ? Effect.logWarning(outcome.error.message) : Effect.void
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const deleteCustomers = <E = never, R = never>(
  ids: Stream.Stream<string, E, R> | Iterable<string>,
  options: DeleteCustomersOptions = {}
): Stream.Stream<DeletionOutcome, E | Unauthorized, R | FlowwiseClient> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const problem = whyRefused(ids, options)
      const { concurrency = 16, haltWhen, rateLimit, retry = {} } = problem === undefined ? options : { concurrency: 1 }
      const { attemptTimeout, ...retrying }: Retry.TransientOptions = retry === false ? { times: 0 } : retry
      const resends = Retry.resends<DeletionUnconfirmed["error"]>(retrying)
      const pace = Pace.make(rateLimit === undefined ? 0 : Duration.toMillis(rateLimit.interval) / rateLimit.limit)
      // Once this is done nothing is sent any more.
      const stopped = yield* Deferred.make<void>()
      const stop = Deferred.succeed(stopped, undefined)
      // Why the stream fails, as soon as all that is under way has come to its end.
      let failure: Cause.Cause<E | Unauthorized> | undefined
      const failAtTheEnd = (cause: Cause.Cause<E | Unauthorized>) =>
        Effect.sync(() => {
          failure ??= cause
        })
      if (haltWhen !== undefined) {
        yield* haltWhen.pipe(Effect.catchAllCause(failAtTheEnd), Effect.zipRight(stop), Effect.forkScoped)
      }

      // One fiber takes the ids, so that no more than one waits for its start, and a stop has one to interrupt.
      const places = Effect.unsafeMakeSemaphore(concurrency)
      const started = yield* Mailbox.make<Started>()
      const ended = yield* Mailbox.make<DeletionOutcome, E | Unauthorized>()
      const pull = yield* toStream(ids).pipe(
        Stream.catchAllCause((cause) => Stream.execute(failAtTheEnd(cause))),
        Stream.mapEffect((id) => Effect.map(pace.start, (startedAt) => ({ id, startedAt }))),
        Stream.toPull
      )
      yield* places.take(1).pipe(
        Effect.zipRight(pull),
        Effect.flatMap((chunk) => started.offer(Chunk.unsafeHead(chunk))),
        Effect.forever,
        Effect.raceFirst(Deferred.await(stopped)),
        Effect.ignore,
        Effect.ensuring(started.end),
        Effect.forkScoped
      )
      const request = (id: string) => {
        if (problem !== undefined) {
          return new RequestFailed({ message: problem, reason: "InvalidRequest", delivered: "no" })
        }
        const receipt = ensureCustomerDeleted(id)
        // Here, so that the wait for the start doesn't count.
        return attemptTimeout === undefined ? receipt : Retry.transient({ times: 0, attemptTimeout })(receipt)
      }

      const outcomeOf = ({ id, startedAt }: Started) =>
        Effect.suspend(() => {
          // Of the latest attempt that was not refused: the one before may have deleted the customer.
          let outcome: DeletionOutcome | undefined
          const reject = (error: DeletionUnconfirmed["error"], inDoubt: boolean) => {
            const customerId = typeof id === "string" ? id : ""
            const before = outcome?._tag === "DeletionUnconfirmed" && outcome.mayBeDeleted
            outcome = new DeletionUnconfirmed({
              customerId,
              error,
              // Also of attempts that a retry within the client, or around the stream, has made.
              mayBeDeleted: before || inDoubt || isAmbiguous(error)
            })
          }
          const remembered = Attempt.retried()
          const attempt = (startedAt: number) =>
            Effect.tapBoth(request(id), {
              onSuccess: (receipt) => {
                outcome = receipt
                return Effect.zipRight(pace.succeeded(startedAt), Retry.succeeded(retrying))
              },
              onFailure: (error) =>
                Effect.flatMap(Attempt.inDoubt(id), (inDoubt) => {
                  if (isRejection(error)) {
                    reject(error, inDoubt)
                  } else if (inDoubt && outcome === undefined) {
                    reject(refusedInDoubt(), inDoubt)
                  }
                  return pace.failed(startedAt, error)
                })
            }).pipe(remembered)

          let driver: Schedule.ScheduleDriver<DeletionUnconfirmed["error"], DeletionUnconfirmed["error"]> | undefined
          const resend = (error: DeletionUnconfirmed["error"]): Effect.Effect<void, Unauthorized, FlowwiseClient> =>
            Effect.gen(function* () {
              driver ??= yield* Schedule.driver(resends)
              const startedAt = yield* Effect.option(Effect.zipRight(driver.next(error), pace.start)).pipe(
                Effect.raceFirst(Effect.as(Deferred.await(stopped), Option.none()))
              )
              if (Option.isSome(startedAt)) yield* send(startedAt.value)
            })

          const send = (startedAt: number): Effect.Effect<void, Unauthorized, FlowwiseClient> =>
            Effect.if(Deferred.isDone(stopped), {
              onTrue: () => Effect.void,
              onFalse: () => Effect.catchIf(attempt(startedAt), isRejection, resend)
            })

          return send(startedAt).pipe(
            Effect.catchAllCause((cause) => Effect.zipRight(failAtTheEnd(cause), stop)),
            Effect.flatMap(() => (outcome === undefined ? Effect.void : ended.offer(outcome)))
          )
        })

      const workers = Array.from({ length: concurrency }, () => Effect.forever(Effect.flatMap(started.take, outcomeOf)))
      yield* Effect.forEach(workers, Effect.ignore, { concurrency: "unbounded", discard: true }).pipe(
        Effect.zipRight(Effect.suspend(() => (failure === undefined ? ended.end : ended.failCause(failure)))),
        Effect.forkScoped
      )

      // A place is free when the consumer pulls again, and so has dealt with the outcomes that it was given.
      let given = 0
      return Stream.repeatEffectChunkOption(
        Effect.suspend(() => places.release(given)).pipe(
          Effect.zipRight(ended.takeAll),
          Effect.mapError(Option.some),
          Effect.flatMap(([outcomes]) => {
            given = outcomes.length
            return given === 0 ? Effect.fail(Option.none()) : Effect.succeed(outcomes)
          })
        )
      )
    })
  )

interface Started {
  readonly id: string
  readonly startedAt: number
}

const isRejection = (error: DeletionUnconfirmed["error"] | Unauthorized): error is DeletionUnconfirmed["error"] =>
  error._tag !== "Unauthorized"

/** For want of an outcome that says 401. */
const refusedInDoubt = () =>
  new RequestFailed({
    message: "The credentials were refused, and an earlier attempt may have deleted the customer. Ask again",
    reason: "Transport",
    delivered: "unknown"
  })

const toStream = <E, R>(ids: Stream.Stream<string, E, R> | Iterable<string>): Stream.Stream<string, E, R> => {
  if (isStream(ids)) {
    return ids
  }
  return isIterable(ids)
    ? // `Stream.fromIterable` runs thousands of ids ahead, and doesn't let a generator clean up.
      Stream.acquireRelease(
        Effect.sync(() => ids[Symbol.iterator]()),
        (iterator) => Effect.sync(() => iterator.return?.())
      ).pipe(
        Stream.flatMap((iterator) =>
          Stream.repeatEffectOption(
            Effect.suspend(() => {
              const { done, value } = iterator.next()
              return done ? Effect.fail(Option.none()) : Effect.succeed(value)
            })
          )
        )
      )
    : Stream.make(ids)
}

const isStream = <E, R>(ids: unknown): ids is Stream.Stream<string, E, R> =>
  Predicate.hasProperty(ids, Stream.StreamTypeId) || Effect.isEffect(ids)

/** A string would be an iterable of its characters, and each of them an id. */
const isIterable = (ids: unknown): ids is Iterable<string> => typeof ids !== "string" && Predicate.isIterable(ids)

/** The types let some of this through, and JavaScript all of it. */
const whyRefused = (
  ids: unknown,
  { concurrency = 16, haltWhen, rateLimit }: DeleteCustomersOptions
): string | undefined => {
  if (!isStream(ids) && !isIterable(ids)) {
    return "The ids must be a Stream or an iterable of ids: put a single one into an array. Nothing was sent"
  }
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
    return `The concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}. Nothing was sent`
  }
  if (rateLimit !== undefined && !isRateLimit(rateLimit)) {
    return 'The rate limit must have a limit above 0 and an interval such as "1 minute". Nothing was sent'
  }
  if (haltWhen !== undefined && !Effect.isEffect(haltWhen)) {
    return "What halts the run must be an Effect, such as Deferred.await(stop). Nothing was sent"
  }
  return undefined
}

const isRateLimit = ({ limit, interval }: NonNullable<DeleteCustomersOptions["rateLimit"]>): boolean =>
  Number.isFinite(limit) &&
  limit > 0 &&
  Option.exists(Duration.decodeUnknown(interval), (each) => Duration.isFinite(each) && Duration.toMillis(each) > 0)
