/**
 * `flowwise delete`.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import { Credentials, DeletionOutcome, deleteCustomers, Environment, type Unauthorized } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { confirm } from "./Confirmation.js"
import { explain, type Failure } from "./Failure.js"
import * as Input from "./Input.js"
import * as Journal from "./Journal.js"
import type { Header } from "./JournalFile.js"
import { parseRate, positive } from "./Numbers.js"
import { count, type OutputClosed, type OutputFailed, place, printLine, say, visible } from "./Output.js"
import * as Progress from "./Progress.js"
import { Refused } from "./Refused.js"

const config = {
  ids: Args.text({ name: "customer-id" }).pipe(
    Args.withDescription("Who is to be deleted; instead of --file."),
    Args.repeated
  ),
  file: Options.text("file").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("The ids, one a line; - is standard input."),
    Options.optional
  ),
  column: Options.text("column").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("The file is CSV with a heading, and the ids are in this column."),
    Options.optional
  ),
  field: Options.text("field").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("The file is JSON Lines, and the ids are in this field."),
    Options.optional
  ),
  trim: Options.boolean("trim").pipe(
    Options.withDescription("Takes blanks around ids away, instead of refusing them.")
  ),
  journal: Options.text("journal").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("Keeps the evidence here; the same command again goes on where this one stopped."),
    Options.optional
  ),
  dryRun: Options.boolean("dry-run").pipe(
    Options.withDescription("Says what would be sent where, and sends nothing, whatever else is asked for.")
  ),
  max: Options.integer("max").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("Refuses an input with more ids than that, before anything is sent."),
    Options.mapEffect(positive("--max")),
    Options.optional
  ),
  concurrency: Options.integer("concurrency").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("So many customers are under way at once, 16 unless told otherwise."),
    Options.mapEffect(positive("--concurrency", 1000)),
    Options.withDefault(16)
  ),
  rate: Options.text("rate").pipe(
    Options.withPseudoName("N/INTERVAL"),
    Options.withDescription("Sends so many requests in such a time at most, such as 300/minute."),
    Options.mapEffect(parseRate),
    Options.optional
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Prints each outcome as a line of JSON.")),
  confirm: Options.text("confirm").pipe(
    Options.withPseudoName("ENVIRONMENT"),
    Options.withDescription("The environment's name, such as production, where there is no terminal to type it in."),
    Options.optional
  )
}

type Config = Command.Command.ParseConfig<typeof config>

export const deleteCommand = Command.make("delete", config, (options) =>
  Effect.gen(function* () {
    const input = yield* inputOf(options)
    const environment = yield* Environment
    const { max } = options
    if (Option.isSome(max) && input.ids > max.value) {
      const tooMany = `${input.name}: ${count(input.ids, "customer")}, and --max allows ${max.value}`
      if (!options.dryRun) {
        return yield* new Refused({ message: `${tooMany}. Nothing was sent` })
      }
      yield* say(`${tooMany}: without --dry-run this is refused.`)
    }
    yield* summary(input, environment, options)
    if (options.dryRun) {
      return yield* dryRun(input, environment, options)
    }
    const client = NodeFlowwise.layer.pipe(Layer.provideMerge(Credentials.layerConfig))
    return yield* Effect.provide(erase(input, environment, options), client)
  }).pipe(Effect.scoped, Effect.provide(Environment.layerConfig))
).pipe(Command.withDescription("Deletes customers, for good."))

const inputOf = ({ column, field, file, ids, trim }: Config) =>
  Effect.gen(function* () {
    const format: Input.Format = Option.isSome(column)
      ? { _tag: "Csv", column: column.value }
      : Option.isSome(field)
        ? { _tag: "JsonLines", field: field.value }
        : { _tag: "Text" }
    if (Option.isSome(column) && Option.isSome(field)) {
      return yield* new Refused({ message: "--column is for CSV and --field for JSON Lines: give one of them" })
    }
    if (Option.isNone(file)) {
      return yield* ids.length === 0
        ? new Refused({ message: "say who is to be deleted: ids, or --file" })
        : format._tag !== "Text" || trim
          ? new Refused({ message: "--column, --field and --trim are for a --file" })
          : Input.fromArguments(ids)
    }
    if (ids.length > 0) {
      return yield* new Refused({ message: "give ids or --file, and not both" })
    }
    return yield* Input.fromFile(file.value, format, trim)
  })

const summary = (input: Input.Input, { baseUrl, name }: Environment["Type"], { dryRun }: Config) => {
  const { host } = new URL(baseUrl)
  const duplicates = input.duplicates === 0 ? "" : ` (and ${count(input.duplicates, "duplicate")}, sent once)`
  const first = input.firstIds.map(visible).join(", ")
  return say(
    [
      `${dryRun ? "Would delete" : "Deletes"} ${count(input.ids, "customer")}${duplicates} from ${visible(input.name)}`,
      `  at     ${place(baseUrl)}${name === host ? "" : ` (${name})`}`,
      `  first  ${first}${input.ids > input.firstIds.length ? ", …" : ""}`
    ].join("\n")
  )
}

const dryRun = (input: Input.Input, { baseUrl }: Environment["Type"], { json }: Config) =>
  input.entries.pipe(
    Stream.map(({ id }) => {
      const url = `${baseUrl}/customer/${encodeURIComponent(id)}`
      return json
        ? JSON.stringify({ _tag: "DryRun", customerId: id, method: "DELETE", url })
        : `would send  DELETE ${url}`
    }),
    Stream.runForEach(printLine),
    Effect.catchTag("OutputClosed", () => Effect.void),
    Effect.zipRight(say("Dry run: nothing was sent.")),
    Effect.as(0)
  )

const erase = (input: Input.Input, environment: Environment["Type"], options: Config) =>
  Effect.gen(function* () {
    const journal = yield* Option.match(options.journal, {
      onNone: () => Effect.succeed(Journal.none),
      onSome: (path) => Effect.flatMap(headerOf(input, environment), (header) => Journal.open(path, header))
    })
    const total = input.ids - journal.gone
    if (journal.gone > 0) {
      yield* say(`  left   ${count(total, "customer")}: the journal has the others as gone`)
    }
    if (total === 0) {
      return
    }
    yield* confirm(environment, options.confirm, total, Option.contains(options.file, "-"))
    yield* gracefully((stop) => run(input, journal, total, options, stop))
  })

/** The main path: read, write down, delete, write down, tell. */
const run = (
  input: Input.Input,
  journal: Journal.Journal,
  total: number,
  options: Config,
  stop: Deferred.Deferred<void>
) =>
  Effect.gen(function* () {
    const { concurrency, json } = options
    const progress = yield* Progress.make(total)
    let failure: Refused | Unauthorized | Journal.JournalFailed | undefined
    let unwritten: OutputClosed | OutputFailed | undefined
    const tell = (outcome: DeletionOutcome) => {
      progress.add(outcome)
      progress.clear()
      return printLine(json ? toJson(outcome) : toText(outcome)).pipe(
        // Who reads no further wants no more, as at Ctrl-C; what follows the first error is no news.
        Effect.catchAll((why) => {
          unwritten ??= why
          return Deferred.succeed(stop, undefined)
        })
      )
    }
    const written = yield* input.entries.pipe(
      Stream.filter((entry) => !journal.isGone(entry)),
      Stream.mapEffect((entry) => Effect.as(journal.intent(entry), entry.id), { concurrency }),
      Stream.haltWhenDeferred(stop),
      (ids) => deleteCustomers(ids, { concurrency, rateLimit: Option.getOrUndefined(options.rate) }),
      // Kept for the end: failing here would cut the writing of the last outcomes short.
      Stream.catchAll((why) => {
        failure = why
        return Stream.empty
      }),
      Stream.mapEffect(journal.outcome, { concurrency, unordered: true }),
      Stream.runForEach(tell),
      Effect.either
    )
    // Who was announced and has no outcome was not taken up any more, unless the journal itself cut the run short.
    const noted = Either.isLeft(written) ? written : yield* Effect.either(journal.notDeleted)
    progress.clear()
    const left = total - Progress.sum(progress.counts)
    yield* say(`${count(total, "customer")}: ${Progress.tally(progress.counts)}${left > 0 ? `, ${left} left` : ""}`)
    if (unwritten !== undefined && left > 0) {
      yield* say(
        `The run stopped, since ${unwritten._tag === "OutputClosed" ? "nobody reads stdout any more" : "stdout can't be written"}.`
      )
    }
    const unknown = journal.unknown()
    if (unknown > 0) {
      yield* say(`${count(unknown, "customer")} may be deleted: asked for, and no answer tells. Ask again to know.`)
    }
    yield* advise(progress.counts, left, options)
    if (failure !== undefined) {
      return yield* Effect.fail(failure)
    }
    yield* noted
    if (unwritten?._tag === "OutputFailed") {
      return yield* Effect.fail(unwritten)
    }
    process.exitCode = left > 0 || progress.counts.rejected > 0 ? 1 : 0
  }).pipe(Effect.scoped)

const advise = ({ absent, deleted, rejected }: Progress.Counts, left: number, { journal }: Config) =>
  Effect.gen(function* () {
    if (deleted === 0 && absent > 0) {
      yield* say("None of them was there: make sure that these are customer ids, of this environment and account.")
    }
    if (left + rejected > 0) {
      yield* say(
        Option.isSome(journal)
          ? `To go on: flowwise ${process.argv.slice(2).map(quoted).join(" ")}`
          : "To ask again is safe: who is gone is reported as already absent. With --journal a run goes on where it stopped."
      )
    }
  })

const quoted = (argument: string) =>
  /^[\w@%+=:,./\\-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`

/** Interruption ends the ids: what is under way comes to its end, and into the journal. A second Ctrl-C waits for nothing. */
const gracefully = <E extends Failure, R>(run: (stop: Deferred.Deferred<void>) => Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    const stop = yield* Deferred.make<void>()
    const running = yield* Effect.forkDaemon(run(stop))
    return yield* Effect.onInterrupt(Fiber.join(running), () =>
      Effect.gen(function* () {
        process.once("SIGINT", () => process.exit(130))
        yield* say("\nStopping: what is under way comes to its end. Ctrl-C again stops at once.")
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
  const words = { CustomerDeleted: "deleted", CustomerAlreadyAbsent: "absent ", DeletionRejected: "FAILED " }
  const why =
    outcome._tag === "DeletionRejected"
      ? `${outcome.error._tag}: ${visible(outcome.error.message)}`
      : Option.match(outcome.requestId, { onNone: () => "", onSome: (id) => `request ${id}` })
  return `${words[outcome._tag]}  ${visible(outcome.customerId)}  ${why}`.trimEnd()
}

const headerOf = (input: Input.Input, { baseUrl, name }: Environment["Type"]) =>
  Effect.gen(function* () {
    const { clientId } = yield* Effect.flatMap(Credentials, ({ get }) => get)
    const { duplicates, format, ids, lastLine, sha256 } = input
    return {
      _tag: "Header",
      version: 1,
      environment: name,
      baseUrl,
      clientId: createHash("sha256")
        .update(Redacted.isRedacted(clientId) ? Redacted.value(clientId) : clientId)
        .digest("hex"),
      input: { sha256, format, ids, duplicates, lastLine },
      at: yield* DateTime.now
    } satisfies Header
  })
