/** Many customers, as a stream of outcomes. */
import { History, invalidRequest, unauthorizedAfterAmbiguous } from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { isAmbiguous, RequestFailed, type Unauthorized } from "./DeleteCustomerError.js"
import { type DeletionOutcome, DeletionUnconfirmed } from "./DeletionOutcome.js"
import { ensureCustomerDeleted, type FlowwiseClient } from "./FlowwiseClient.js"
import { mayBeDeleted } from "./History.js"
import * as Pace from "./Pace.js"
import * as Retry from "./Retry.js"

/**
 * What `deleteCustomers` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeleteCustomersOptions {
  /** How many customers are under way at once, from 1 to 1,000. Default: 16. */
  readonly concurrency?: number | undefined
  /** At most `limit` requests in each `interval`, resends included, spread evenly. Default: no limit. */
  readonly rateLimit?: { readonly limit: number; readonly interval: Duration.Input } | undefined
  /** What `Retry.transient` takes, for each id; `false` sends each request once. Default: those of `Retry.transient`. */
  readonly retry?: Retry.TransientOptions | false | undefined
  /** Stops the run gracefully when it completes. Default: never. */
  readonly haltWhen?: Effect.Effect<unknown> | undefined
}

/**
 * Deletes many customers, for good, and gives the outcome of each as soon as it is known.
 *
 * **When to use**: for an import, a clean-up, or a queue of requests.
 *
 * **Details**: one outcome for each id. An id that comes twice is deleted, then already absent. An unconfirmed id never ends
 * the stream. At most `concurrency` ids are under way, each until you pull again after its outcome (back-pressure). So a
 * million ids need no more memory than a thousand.
 *
 * A 429, or an error with a `retryAfter`, slows all requests down: nothing is sent until the wait is over, and the time
 * between two requests doubles (at least 100 milliseconds, at most a minute). Each success takes a tenth off again, down to
 * `rateLimit`. If the wait is above the `maxDelay` of `retry`, that id ends unconfirmed, and the others wait.
 *
 * - `Unauthorized`: the other ids would fail the same way. The run stops as by `haltWhen`, and then fails.
 * - `E`: the stream of ids failed. The outcomes of the ids before come first. An iterable that throws is a defect.
 *
 * **Gotchas**: to stop, let `haltWhen` complete. Nothing more is sent, and no resends. Requests under way finish, and you get
 * their outcomes. An id that was to be sent again ends with the error of its last attempt. An id without an outcome was not
 * deleted. Interrupting the stream, or leaving it early as `Stream.take` does, aborts the requests under way, and their
 * outcomes are lost.
 *
 * With invalid options, such as `concurrency: 0`, nothing is sent. Each id gets a `DeletionUnconfirmed` whose `RequestFailed`
 * of reason `"InvalidRequest"` says what to correct.
 *
 * @example
 * ```ts
 * import { deleteCustomers } from "@effect-flowwise/effect4"
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
  Stream.unwrap(
    Effect.gen(function* () {
      const run = yield* begin<E>(whyInvalid(ids, options), options)
      const outcomes = yield* Queue.unbounded<DeletionOutcome, E | Unauthorized | Cause.Done>()
      const places = yield* Semaphore.make(run.concurrency)
      const underWay = yield* FiberSet.make<void>()
      const next = yield* startsOf(run, ids)

      const take = (started: Started) =>
        FiberSet.run(underWay)(
          Effect.flatMap(outcomeOf(run, started), (outcome) =>
            outcome === undefined ? Effect.asVoid(places.release(1)) : Effect.asVoid(Queue.offer(outcomes, outcome))
          )
        )
      yield* places
        .take(1)
        .pipe(
          Effect.andThen(next),
          Effect.flatMap(take),
          Effect.forever,
          Effect.raceFirst(Deferred.await(run.stopped)),
          Effect.ignore,
          Effect.andThen(FiberSet.awaitEmpty(underWay)),
          Effect.andThen(Effect.suspend(() => run.end(outcomes))),
          Effect.forkScoped
        )

      // When the consumer pulls again, the places of the outcomes before become free.
      let given = 0
      return Stream.fromPull(
        Effect.succeed(
          Effect.suspend(() => places.release(given)).pipe(
            Effect.andThen(Queue.takeAll(outcomes)),
            Effect.tap((taken) => {
              given = taken.length
              return Effect.void
            })
          )
        )
      )
    })
  )

type Outcomes<E> = Queue.Queue<DeletionOutcome, E | Unauthorized | Cause.Done>

/** What all ids of a run share. */
interface Run<E> {
  readonly problem: string | undefined
  readonly concurrency: number
  readonly retry: Retry.TransientOptions
  readonly pace: ReturnType<typeof Pace.make>
  /** Once this is done nothing is sent any more. */
  readonly stopped: Deferred.Deferred<void>
  /** Stops the run, and makes the stream fail as soon as all that is under way has come to its end. */
  readonly stop: (cause: Cause.Cause<E | Unauthorized>) => Effect.Effect<void>
  readonly end: (outcomes: Outcomes<E>) => Effect.Effect<boolean>
}

const begin = Effect.fnUntraced(function* <E>(
  problem: string | undefined,
  options: DeleteCustomersOptions
): Effect.fn.Return<Run<E>, never, Scope.Scope> {
  const { concurrency = 16, haltWhen, rateLimit, retry = {} } = problem === undefined ? options : { concurrency: 1 }
  const stopped = yield* Deferred.make<void>()
  let failure: Cause.Cause<E | Unauthorized> | undefined
  const stop = (cause: Cause.Cause<E | Unauthorized>) =>
    Effect.suspend(() => {
      failure ??= cause
      return Effect.asVoid(Deferred.succeed(stopped, undefined))
    })
  if (haltWhen !== undefined) {
    yield* Effect.forkScoped(
      Effect.matchCauseEffect(haltWhen, {
        onFailure: stop,
        onSuccess: () => Deferred.succeed(stopped, undefined)
      })
    )
  }
  return {
    problem,
    concurrency,
    retry: retry === false ? { times: 0 } : retry,
    pace: Pace.make(rateLimit === undefined ? 0 : Duration.toMillis(rateLimit.interval) / rateLimit.limit),
    stopped,
    stop,
    end: (outcomes) => (failure === undefined ? Queue.end(outcomes) : Queue.failCause(outcomes, failure))
  }
})

interface Started {
  readonly id: string
  readonly startedAt: number
}

/** Gives the next id when its request may start, and fails where there is none. */
const startsOf = <E, R>(run: Run<E>, ids: Stream.Stream<string, E, R> | Iterable<string>) =>
  toStream(ids).pipe(
    Stream.rechunk(1),
    Stream.mapEffect((id) => Effect.map(run.pace.start, (startedAt): Started => ({ id, startedAt }))),
    Stream.toPull,
    Effect.map((pull) =>
      Pull.matchEffect(pull, {
        onSuccess: ([started]) => Effect.succeed(started),
        onDone: () => Effect.fail("ended"),
        onFailure: (cause) => Effect.andThen(run.stop(cause as Cause.Cause<E>), Effect.fail("failed"))
      })
    )
  )

/** All attempts for one id. `undefined`: never sent, or the run ended before its outcome was known. */
const outcomeOf = Effect.fnUntraced(function* <E>(
  run: Run<E>,
  { id, startedAt: first }: Started
): Effect.fn.Return<DeletionOutcome | undefined, never, FlowwiseClient> {
  if (yield* Deferred.isDone(run.stopped)) {
    return undefined
  }
  const history = new History()
  let startedAt = first
  let latest: DeletionUnconfirmed["error"] | undefined
  const request = requestFor(run.problem, id).pipe(
    Effect.tap(() => run.pace.succeeded(startedAt)),
    Effect.tapError((error) => {
      latest = error._tag === "Unauthorized" ? latest : error
      return run.pace.failed(startedAt, error)
    })
  )
  const wait = (millis: number) =>
    Effect.sleep(millis).pipe(
      Effect.andThen(run.pace.start),
      Effect.tap((at) => {
        startedAt = at
        return Effect.void
      }),
      Effect.raceFirst(Deferred.await(run.stopped)),
      Effect.andThen(Effect.map(Deferred.isDone(run.stopped), (stopped) => !stopped))
    )
  const ended = yield* Effect.exit(Retry.resending(run.retry, { history, wait })(request))
  if (Exit.isSuccess(ended)) {
    return ended.value
  }
  const doubtful = history.mayBeDeleted(id) || (yield* mayBeDeleted(id))
  const error = Option.getOrUndefined(Cause.findErrorOption(ended.cause))
  if (error === undefined || error._tag === "Unauthorized") {
    yield* run.stop(ended.cause as Cause.Cause<Unauthorized>)
    latest ??= error !== undefined && doubtful ? new RequestFailed(unauthorizedAfterAmbiguous) : undefined
  }
  return latest === undefined
    ? undefined
    : new DeletionUnconfirmed({
        customerId: typeof id === "string" ? id : "",
        error: latest,
        mayBeDeleted: doubtful || isAmbiguous(latest)
      })
})

const requestFor = (problem: string | undefined, id: string) =>
  problem === undefined ? ensureCustomerDeleted(id) : Effect.fail(new RequestFailed(invalidRequest(problem)))

const toStream = <E, R>(ids: Stream.Stream<string, E, R> | Iterable<string>): Stream.Stream<string, E, R> => {
  if (Stream.isStream(ids)) {
    return ids as Stream.Stream<string, E, R>
  }
  if (!isIterable(ids)) {
    return Stream.succeed(ids)
  }
  // `Stream.fromIterable` runs thousands of ids ahead, and doesn't let a generator clean up.
  return Stream.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => ids[Symbol.iterator]()),
        (iterator) => Effect.sync(() => iterator.return?.())
      ),
      (iterator) =>
        Stream.fromPull(
          Effect.succeed(
            Effect.suspend(() => {
              const { done, value } = iterator.next()
              return done ? Cause.done() : Effect.succeed([value] as const)
            })
          )
        )
    )
  )
}

/** A string would be an iterable of its characters, and each of them an id. */
const isIterable = (ids: unknown): ids is Iterable<string> =>
  !(Object(ids) instanceof String) && Predicate.isIterable(ids)

/** The types let some of these through, and JavaScript all of them. */
const whyInvalid = (ids: unknown, options: unknown): string | undefined =>
  Stream.isStream(ids) || isIterable(ids)
    ? Retry.checks.bulk(options)
    : "The ids must be a Stream or an iterable of ids: put a single one into an array"
