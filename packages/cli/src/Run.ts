/**
 * One run: from the ids to their outcomes, and what is said at the end.
 *
 * @since 0.1.0
 */
import {
  DeletionOutcome,
  deleteCustomers,
  FlowwiseClient,
  isAmbiguous,
  type Unauthorized
} from "@effect-flowwise/client"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { commandLine } from "./CommandLine.js"
import { explain, type Failure } from "./Failure.js"
import type { Input } from "./Input.js"
import type * as Journal from "./Journal.js"
import { mayBeDeleted } from "./Ledger.js"
import { count, grouped, type OutputClosed, type OutputFailed, printLines, say, visible } from "./Output.js"
import * as Progress from "./Progress.js"
import type { Refused } from "./Refused.js"
import type { Rate } from "./Values.js"

/** More than this is said to be unusual. */
const USUAL_ABSENT_SHARE = 0.1

export interface RunOptions {
  readonly concurrency: number
  readonly rate?: Rate
  readonly json?: boolean
  /** Whether the next run can go on from a journal. */
  readonly canGoOn: boolean
}

/** The input could be read when it was checked, and now it can't, or it has changed. */
export class InputFailed extends Data.TaggedError("InputFailed")<{ readonly message: string }> {}

/** The main path: read, delete, write down, tell. The client writes each intent down before its request. */
export const run = (
  input: Input,
  journal: Journal.Journal,
  total: number,
  options: RunOptions,
  stop: Deferred.Deferred<void>
) =>
  Effect.gen(function* () {
    const { concurrency, json } = options
    const progress = yield* Progress.make(total)
    let failure: InputFailed | Unauthorized | Journal.JournalFailed | undefined
    let unwritten: OutputClosed | OutputFailed | undefined
    const tell = (outcomes: Chunk.Chunk<DeletionOutcome>) => {
      const lines = Chunk.toReadonlyArray(outcomes).map((outcome) => {
        progress.add(outcome)
        return json ? toJson(outcome) : toText(outcome)
      })
      progress.clear()
      return printLines(lines).pipe(
        // Who reads no further wants no more, as at Ctrl-C; what follows the first error is no news.
        Effect.catchAll((why) => {
          unwritten ??= why
          return Deferred.succeed(stop, undefined)
        })
      )
    }
    const written = yield* Stream.fromAsyncIterable(input.entries(), (error) => new InputFailed(error as Refused)).pipe(
      Stream.flattenIterables,
      Stream.filter((entry) => !journal.isGone(entry)),
      Stream.map(journal.take),
      (ids) =>
        deleteCustomers(ids, {
          concurrency,
          rateLimit: options.rate,
          haltWhen: Deferred.await(stop)
        }),
      // Kept for the end: failing here would cut the writing of the last outcomes short.
      Stream.catchAll((why) => {
        failure = why
        return Stream.empty
      }),
      // An id keeps its place until its outcome is on the disk and told, so that a kill costs no more than `concurrency`.
      Stream.mapChunksEffect(journal.outcomes),
      Stream.runForEachChunk(tell),
      Effect.updateService(FlowwiseClient, journal.announcing),
      Effect.zipRight(journal.notDeleted),
      Effect.either
    )
    progress.clear()
    const left = total - Progress.sum(progress.counts)
    yield* say(
      `${count(total, "customer")}: ${Progress.tally(progress.counts)}${left > 0 ? `, ${grouped(left)} left` : ""}`
    )
    if (unwritten !== undefined && left > 0) {
      yield* say(
        `The run stopped, since ${unwritten._tag === "OutputClosed" ? "nobody reads stdout any more" : "stdout can't be written"}.`
      )
    }
    const totals = journal.totals()
    if (totals.unknown > 0) {
      yield* say(
        `${count(totals.unknown, "customer")} may have been deleted: a request was sent, and no answer settles it. Ask again to know.`
      )
    }
    yield* warnOfAbsent(totals)
    yield* advise(left + progress.counts.rejected, options)
    if (failure !== undefined) {
      return yield* Effect.fail(failure)
    }
    yield* written
    if (unwritten?._tag === "OutputFailed") {
      return yield* Effect.fail(unwritten)
    }
    process.exitCode = left > 0 || progress.counts.rejected > 0 || nobodyWasThere(totals) ? 1 : 0
  }).pipe(Effect.scoped)

/** One who is absent is gone. Several, and nobody who was there, are most likely wrong ids. */
export const nobodyWasThere = ({ afterAmbiguousAttempt, alreadyAbsent, deleted }: Journal.Totals): boolean =>
  alreadyAbsent > 1 && deleted + afterAmbiguousAttempt === 0

export const warnOfAbsent = (totals: Journal.Totals) => {
  const absent = totals.alreadyAbsent - totals.afterAmbiguousAttempt
  const gone = totals.deleted + totals.alreadyAbsent
  if (nobodyWasThere(totals) || (absent === 1 && gone === 1)) {
    const none = absent === 1 ? "The customer was not there" : "None of them was there"
    return say(`${none}: make sure that these are customer ids, of this environment and account.`)
  }
  return absent > 1 && absent / gone > USUAL_ABSENT_SHARE
    ? say(
        `${grouped(absent)} of ${grouped(gone)} were already absent, which is unusual: unless somebody deleted them ` +
          "before, make sure that these are customer ids, of this environment and account."
      )
    : Effect.void
}

const advise = (notGone: number, { canGoOn }: RunOptions) =>
  notGone === 0
    ? Effect.void
    : say(
        canGoOn
          ? `To continue: ${commandLine(process.argv.slice(2), process.platform)}`
          : "Asking again is safe: a customer who is gone is reported as already absent. With --journal a run continues where it stopped."
      )

/** Interruption halts the run: what is under way comes to its end, and into the journal. A second Ctrl-C waits for nothing. */
export const gracefully = <E extends Failure, R>(run: (stop: Deferred.Deferred<void>) => Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    const stop = yield* Deferred.make<void>()
    const running = yield* Effect.forkDaemon(run(stop))
    return yield* Effect.onInterrupt(Fiber.join(running), () =>
      Effect.gen(function* () {
        process.once("SIGINT", () => process.exit(130))
        yield* say("\nStopping: requests under way still finish. Ctrl-C again stops at once.")
        yield* Deferred.succeed(stop, undefined)
        // An interrupted effect can't fail any more, but this has to be said.
        yield* Fiber.join(running).pipe(
          Effect.zipRight(Effect.sync(() => (process.exitCode = 130))),
          Effect.catchAll((failure) => explain(failure))
        )
      })
    )
  })

const toJson = Schema.encodeSync(Schema.parseJson(DeletionOutcome))

const toText = (outcome: DeletionOutcome): string => {
  const words = { CustomerDeleted: "deleted", CustomerAlreadyAbsent: "absent ", DeletionUnconfirmed: "FAILED " }
  const word = mayBeDeleted(outcome) ? "UNKNOWN" : words[outcome._tag]
  return `${word}  ${visible(outcome.customerId)}  ${why(outcome)}`.trimEnd()
}

const why = (outcome: DeletionOutcome): string => {
  if (outcome._tag !== "DeletionUnconfirmed") {
    return Option.match(outcome.requestId, { onNone: () => "", onSome: (id) => `request ${id}` })
  }
  const { error, mayBeDeleted } = outcome
  const before = mayBeDeleted && !isAmbiguous(error) ? ". A request before this one may have deleted the customer" : ""
  return `${error._tag}: ${visible(error.message)}${before}`
}
