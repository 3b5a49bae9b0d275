/** Many customers, as a stream of outcomes. */
import * as Rules from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { isAmbiguous, RequestFailed, type Unauthorized } from "./DeleteCustomerError.js"
import { type DeletionOutcome, DeletionUnconfirmed } from "./DeletionOutcome.js"
import { ensureCustomerDeleted, type FlowwiseClient } from "./FlowwiseClient.js"
import { mayBeDeleted } from "./History.js"
import * as Pace from "./Pace.js"
import * as Retry from "./Retry.js"

/**
 * What `deleteCustomers` takes.
 * @since 0.1.0
 * @category models
 */
export interface DeleteCustomersOptions {
  /** How many customers are under way at once, from 1 to 1,000. Default: 16. */
  readonly concurrency?: number | undefined
  /** At most `limit` requests in each `interval`, resends included, spread evenly. Default: no limit. */
  readonly rateLimit?: { readonly limit: number; readonly interval: Duration.DurationInput } | undefined
  /** What `Retry.transient` takes, for each id; `false` sends each request once. Default: those of `Retry.transient`. */
  readonly retry?: Retry.TransientOptions | false | undefined
  /** Stops the run gracefully when it completes. Default: never. */
  readonly haltWhen?: Effect.Effect<unknown> | undefined
}

/**
 * Deletes many customers, for good, and gives the outcome of each as soon as it is known.
 *
 * **Details**: one outcome for each id; an id that comes twice is deleted, then already absent. At most
 * `concurrency` ids are under way, each until you pull again after its outcome (back-pressure). A 429, or an error with a `retryAfter`,
 * slows all down: nothing is sent until the wait is over, and the time between two requests doubles (100 milliseconds to a
 * minute); each success takes a tenth off again.
 *
 * - `Unauthorized`: the other ids would fail the same way. The run stops as by `haltWhen`, and then fails.
 * - `E`: the stream of ids failed. The outcomes of the ids before come first. An iterable that throws is a defect.
 *
 * **Gotchas**: to stop, let `haltWhen` complete: nothing more is sent, and you get the outcomes of what is under way. An id
 * without an outcome was not deleted. Interrupting the stream aborts the requests under way, and their outcomes are lost.
 * Invalid options make each id a `DeletionUnconfirmed` whose `RequestFailed` says what to correct; nothing is sent.
 * @example
 * ```ts
 * import { deleteCustomers } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const program = deleteCustomers(["cust_1", "cust_2"], { rateLimit: { limit: 100, interval: "1 minute" } }).pipe(
 *   Stream.runForEach((outcome) => Effect.log(outcome._tag))
 * )
 * ```
 * @since 0.1.0
 * @category operations
 */
export const deleteCustomers = <E = never, R = never>(
  ids: Stream.Stream<string, E, R> | Iterable<string>,
  options: DeleteCustomersOptions = {}
): Stream.Stream<DeletionOutcome, E | Unauthorized, R | FlowwiseClient> => {
  const problem =
    isStream(ids) || isIterable(ids)
      ? Retry.checks.bulk(options)
      : "The ids must be a Stream or an iterable of ids: put a single one into an array"
  if (problem !== undefined) {
    const error = new RequestFailed(Rules.invalidRequest(problem))
    return Stream.map(toStream(ids), (id) => unconfirmed(id, error, false))
  }
  return Stream.unwrapScoped(
    Effect.gen(function* () {
      const run = yield* begin<E>(options)
      const outcomes = yield* Mailbox.make<DeletionOutcome, E | Unauthorized>()
      const places = Effect.unsafeMakeSemaphore(options.concurrency ?? 16)
      const underWay = yield* FiberSet.make<void>()
      const next = yield* startsOf(run, ids)
      const take = (started: Started) =>
        Effect.flatMap(outcomeOf(run, started), (outcome) =>
          outcome === undefined ? Effect.asVoid(places.release(1)) : Effect.asVoid(outcomes.offer(outcome))
        )
      const taking = Effect.zipRight(places.take(1), next).pipe(
        Effect.flatMap((started) => FiberSet.run(underWay, take(started))),
        Effect.forever,
        Effect.raceFirst(Deferred.await(run.stopped)),
        Effect.ignore
      )
      yield* taking.pipe(
        Effect.zipRight(FiberSet.awaitEmpty(underWay)),
        Effect.zipRight(Effect.suspend(() => outcomes.done(run.end()))),
        Effect.forkScoped
      )
      return Stream.repeatEffectChunkOption(given(outcomes, places))
    })
  )
}

/** The outcomes that are ready. This frees the places of those before, because the consumer has pulled again. */
const given = <E>(outcomes: Mailbox.Mailbox<DeletionOutcome, E>, places: Effect.Semaphore) => {
  let before = 0
  return Effect.suspend(() => Effect.zipRight(places.release(before), outcomes.takeAll)).pipe(
    Effect.mapError(Option.some),
    Effect.flatMap(([chunk, done]) => {
      before = chunk.length
      return before === 0 && done ? Effect.fail(Option.none()) : Effect.succeed(chunk)
    })
  )
}

type Run<E> = Effect.Effect.Success<ReturnType<typeof begin<E>>>

/** What all ids of a run share. */
const begin = <E>({ haltWhen, rateLimit, retry = {} }: DeleteCustomersOptions) =>
  Effect.gen(function* () {
    /** Once this is done nothing is sent any more. */
    const stopped = yield* Deferred.make<void>()
    let failure: Cause.Cause<E | Unauthorized> | undefined
    /** Stops the run, and makes the stream fail as soon as all that is under way has come to its end. */
    const stop = (cause: Cause.Cause<E | Unauthorized>) =>
      Effect.suspend(() => {
        failure ??= cause
        return Deferred.succeed(stopped, undefined)
      })
    const halted = Effect.zipRight(haltWhen ?? Effect.never, Deferred.succeed(stopped, undefined))
    yield* Effect.forkScoped(Effect.catchAllCause(halted, stop))
    return {
      retry: retry === false ? { times: 0 } : retry,
      pace: Pace.make(rateLimit === undefined ? 0 : Duration.toMillis(rateLimit.interval) / rateLimit.limit),
      stopped,
      stop,
      end: () => (failure === undefined ? Exit.void : Exit.failCause(failure))
    }
  })

type Started = { readonly id: string; readonly startedAt: number }

/** Gives the next id when its request may start, and fails where there is none. */
const startsOf = <E, R>(run: Run<E>, ids: Stream.Stream<string, E, R> | Iterable<string>) =>
  toStream(ids).pipe(
    Stream.rechunk(1),
    Stream.mapEffect((id) => Effect.map(run.pace.start, (startedAt): Started => ({ id, startedAt }))),
    Stream.toPull,
    Effect.map(
      Effect.matchCauseEffect({
        onFailure: (cause) => {
          const failure = Cause.flipCauseOption(cause)
          return Effect.zipRight(Option.isSome(failure) ? run.stop(failure.value) : Effect.void, Effect.fail("no more"))
        },
        onSuccess: (chunk: Chunk.Chunk<Started>) => Effect.succeed(Chunk.unsafeHead(chunk))
      })
    )
  )

/** All attempts for one id. `undefined`: never sent, or the run ended before its outcome was known. */
const outcomeOf = <E>(
  run: Run<E>,
  { id, startedAt: first }: Started
): Effect.Effect<DeletionOutcome | undefined, never, FlowwiseClient> =>
  Effect.gen(function* () {
    if (yield* Deferred.isDone(run.stopped)) return undefined
    const history = new Rules.History()
    let startedAt = first
    let latest: DeletionUnconfirmed["error"] | undefined
    const request = Effect.tapBoth(ensureCustomerDeleted(id), {
      onSuccess: () => run.pace.succeeded(startedAt),
      onFailure: (error) => {
        latest = error._tag === "Unauthorized" ? latest : error
        return run.pace.failed(startedAt, error)
      }
    })
    const wait = (millis: number) =>
      Effect.sleep(millis).pipe(
        Effect.zipRight(run.pace.start),
        Effect.tap((at) => Effect.sync(() => (startedAt = at))),
        Effect.raceFirst(Deferred.await(run.stopped)),
        Effect.zipRight(Effect.negate(Deferred.isDone(run.stopped)))
      )
    const ended = yield* Effect.exit(Retry.resending(run.retry, wait, history)(request))
    if (Exit.isSuccess(ended)) return ended.value
    const doubtful = history.mayBeDeleted(id) || (yield* mayBeDeleted(id))
    const error = Option.getOrUndefined(Cause.failureOption(ended.cause))
    if (error === undefined || error._tag === "Unauthorized") {
      // A defect, or a 401: the rest would fail too.
      yield* run.stop(ended.cause as Cause.Cause<Unauthorized>)
      latest ??= error !== undefined && doubtful ? new RequestFailed(Rules.unauthorizedAfterAmbiguous) : undefined
    }
    return latest && unconfirmed(id, latest, doubtful || isAmbiguous(latest))
  })

const unconfirmed = (id: unknown, error: DeletionUnconfirmed["error"], mayBeDeleted: boolean) =>
  new DeletionUnconfirmed({ customerId: typeof id === "string" ? id : "", error, mayBeDeleted })

const toStream = <E, R>(ids: Stream.Stream<string, E, R> | Iterable<string>): Stream.Stream<string, E, R> => {
  if (isStream(ids)) return ids
  if (!isIterable(ids)) return Stream.make(ids)
  // `Stream.fromIterable` runs thousands of ids ahead, and doesn't let a generator clean up.
  return Stream.acquireRelease(
    Effect.sync(() => ids[Symbol.iterator]()),
    (iterator) => Effect.sync(() => iterator.return?.())
  ).pipe(Stream.flatMap((iterator) => Stream.fromIteratorSucceed(iterator as IterableIterator<string>, 1)))
}

const isStream = <E, R>(ids: unknown): ids is Stream.Stream<string, E, R> =>
  Predicate.hasProperty(ids, Stream.StreamTypeId) || Effect.isEffect(ids)

/** A string would be an iterable of its characters, and each of them an id. */
const isIterable = (ids: unknown): ids is Iterable<string> =>
  !(Object(ids) instanceof String) && Predicate.isIterable(ids)
