/**
 * What `flowwise delete` does.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { Credentials, Environment } from "@effect-flowwise/client"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { confirm } from "./Confirmation.js"
import { type Config, config } from "./DeleteCommand.js"
import type { Format } from "./Format.js"
import * as Input from "./Input.js"
import * as Journal from "./Journal.js"
import type { Header } from "./JournalFile.js"
import { count, place, printLine, say, visible } from "./Output.js"
import { Refused } from "./Refused.js"
import { gracefully, nobodyWasThere, run, warnOfAbsent } from "./Run.js"

export const deleteAll = (options: Config) =>
  Effect.gen(function* () {
    yield* noOptionsAsValues(options)
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
    // undici takes long to load, and a dry run or a refusal needs none.
    const { NodeFlowwise } = yield* Effect.promise(() => import("@effect-flowwise/node"))
    const client = NodeFlowwise.layer.pipe(Layer.provideMerge(Credentials.layerConfig))
    return yield* Effect.provide(erase(input, environment, options), client)
  }).pipe(Effect.scoped, Effect.provide(Environment.layerConfig))

const inputOf = ({ allowUnusualIds, column, delimiter, field, file, ids, trim }: Config) =>
  Effect.gen(function* () {
    yield* noOptions(ids)
    const format: Format = Option.isSome(column)
      ? { _tag: "Csv", delimiter: Option.getOrUndefined(delimiter), column: column.value }
      : Option.isSome(field)
        ? { _tag: "JsonLines", field: field.value }
        : { _tag: "Text" }
    if (Option.isSome(column) && Option.isSome(field)) {
      return yield* new Refused({ message: "--column is for CSV and --field for JSON Lines: give one of them" })
    }
    if (Option.isSome(delimiter) && Option.isNone(column)) {
      return yield* new Refused({ message: "--delimiter is for CSV: say with --column which column has the ids" })
    }
    if (Option.isNone(file)) {
      return yield* ids.length === 0
        ? new Refused({ message: "give the ids to delete, or --file" })
        : format._tag !== "Text" || trim
          ? new Refused({ message: "--column, --field and --trim need a --file" })
          : Input.fromArguments(ids, { trim: false, allowUnusual: allowUnusualIds })
    }
    if (ids.length > 0) {
      return yield* new Refused({ message: "give ids or --file, and not both" })
    }
    return yield* Input.fromFile(file.value, format, trim, allowUnusualIds)
  })

/** What follows an option the parser takes for its value, be it the `--dry-run` that was meant. */
const noOptionsAsValues = ({ column, confirm, field, file, journal }: Config) => {
  const values = Object.entries({ column, confirm, field, file, journal })
  const [option] = values.find(([, value]) => Option.exists(value, (text) => text.startsWith("--"))) ?? []
  return option === undefined ? Effect.void : new Refused({ message: `--${option} lacks its value` })
}

/** What the parser doesn't know as an option it takes for an id; so it does where an editor made a longer dash of two. */
const noOptions = (ids: ReadonlyArray<string>) => {
  const mistyped = ids.find((id) => /^[\p{Pd}\u2212]/u.test(id))
  if (mistyped === undefined) return Effect.void
  const option = mistyped.replace(/=.*$/s, "")
  const known = Object.keys(config).some(
    (name) => option === `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  )
  return new Refused({
    message: known
      ? `${option} lacks its value, or is given twice`
      : `${visible(mistyped)} is not an option of delete; an id that begins with a dash has to be in a --file`
  })
}

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
      onNone: () => Journal.none,
      onSome: (path) => Effect.flatMap(headerOf(input, environment), (header) => Journal.open(path, header))
    })
    const total = input.ids - journal.gone
    if (total === 0) {
      yield* say(`Nothing left to do: by the journal, all ${count(journal.gone, "customer")} are already gone.`)
      yield* warnOfAbsent(journal.totals())
      process.exitCode = nobodyWasThere(journal.totals()) ? 1 : 0
      return
    }
    if (journal.gone > 0) {
      yield* say(`  left   ${count(total, "customer")}: by the journal, the others are already gone`)
    }
    yield* confirm(environment, options.confirm, total, Option.contains(options.file, "-"))
    yield* gracefully((stop) =>
      run(input, journal, total, { ...options, canGoOn: Option.isSome(options.journal) }, stop)
    )
  })

const headerOf = (input: Input.Input, { baseUrl, name }: Environment["Type"]) =>
  Effect.gen(function* () {
    const { clientId } = yield* Effect.flatMap(Credentials, ({ get }) => get)
    const { duplicates, format, ids, lastLine, sha256 } = input
    return {
      _tag: "Header",
      version: 1,
      environment: name,
      baseUrl,
      clientIdSha256: createHash("sha256")
        .update(Redacted.isRedacted(clientId) ? Redacted.value(clientId) : clientId)
        .digest("hex"),
      input: { sha256, format, ids, duplicates, lastLine },
      at: yield* DateTime.now
    } satisfies Header
  })
