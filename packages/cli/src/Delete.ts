/**
 * What `flowwise delete` does, up to what is deleted for good: that is in `Erase.ts`.
 *
 * @since 0.1.0
 */
import { existsSync, statSync } from "node:fs"
import { Environment } from "@effect-flowwise/client/Environment"
import * as Effect from "effect/Effect"
import type { Entry, Format } from "./Format.js"
import * as Input from "./Input.js"
import { count, place, printLines, say, visible } from "./Output.js"
import { Refused } from "./Refused.js"
import type { Rate } from "./Values.js"

export interface DeleteOptions {
  readonly file?: string
  readonly column?: string
  readonly delimiter?: string
  readonly field?: string
  readonly trim?: boolean
  readonly allowUnusualIds?: boolean
  readonly journal?: string
  readonly dryRun?: boolean
  readonly max?: number
  readonly concurrency: number
  readonly rate?: Rate
  readonly json?: boolean
  readonly confirm?: string
}

export const deleteAll = (ids: ReadonlyArray<string>, options: DeleteOptions) =>
  Effect.gen(function* () {
    const input = yield* inputOf(ids, options)
    const environment = yield* Environment
    const { max } = options
    if (max !== undefined && input.ids > max) {
      const tooMany = `${input.name}: ${count(input.ids, "customer")}, and --max allows ${max}`
      if (!options.dryRun) {
        return yield* new Refused({ message: `${tooMany}. Nothing was sent` })
      }
      yield* say(`${tooMany}: without --dry-run this is refused.`)
    }
    yield* summary(input, environment, options)
    if (options.dryRun) {
      return yield* dryRun(input, environment, options)
    }
    // The journal, the client and undici take long to load, and a dry run or a refusal needs none of them.
    const { erase } = yield* Effect.promise(() => import("./Erase.js"))
    return yield* erase(input, environment, options)
  }).pipe(Effect.scoped, Effect.provide(Environment.layerConfig))

const inputOf = (ids: ReadonlyArray<string>, options: DeleteOptions) =>
  Effect.gen(function* () {
    const { allowUnusualIds = false, column, delimiter, field, file, trim = false } = options
    const format: Format =
      column !== undefined
        ? { _tag: "Csv", delimiter, column }
        : field !== undefined
          ? { _tag: "JsonLines", field }
          : { _tag: "Text" }
    if (column !== undefined && field !== undefined) {
      return yield* new Refused({ message: "--column is for CSV and --field for JSON Lines: give one of them" })
    }
    if (delimiter !== undefined && column === undefined) {
      return yield* new Refused({ message: "--delimiter is for CSV: say with --column which column has the ids" })
    }
    if (file === undefined) {
      return yield* ids.length === 0
        ? new Refused({ message: "give the ids to delete, or --file" })
        : format._tag !== "Text" || trim
          ? new Refused({ message: "--column, --field and --trim need a --file" })
          : (forgottenFile(ids, allowUnusualIds) ??
            Input.fromArguments(ids, { trim: false, allowUnusual: allowUnusualIds }))
    }
    if (ids.length > 0) {
      return yield* new Refused({ message: "give ids or --file, and not both" })
    }
    return yield* Input.fromFile(file, format, trim, allowUnusualIds)
  })

const forgottenFile = (ids: ReadonlyArray<string>, allowed: boolean) => {
  const file = allowed ? undefined : ids.find((id) => existsSync(id) && statSync(id).isFile())
  if (file === undefined) return undefined
  const message = `${file} is a file here: put --file before it, or add --allow-unusual-ids if it is an id. Nothing was sent`
  return new Refused({ message })
}

const summary = (input: Input.Input, { baseUrl, name }: Environment["Type"], { dryRun }: DeleteOptions) => {
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

const dryRun = (input: Input.Input, { baseUrl }: Environment["Type"], { json }: DeleteOptions) => {
  const toLine = ({ id }: Entry) => {
    const url = `${baseUrl}/customer/${encodeURIComponent(id)}`
    return json
      ? JSON.stringify({ _tag: "DryRun", customerId: id, method: "DELETE", url })
      : `would send  DELETE ${url}`
  }
  return Effect.gen(function* () {
    // Without a `Stream`, which takes a tenth of the whole start.
    const batches = input.entries()
    while (true) {
      const { value } = yield* Effect.tryPromise({ try: () => batches.next(), catch: (error) => error as Refused })
      if (value === undefined) return
      if (value.length > 0) yield* printLines(value.map(toLine))
    }
  }).pipe(
    Effect.catchTag("OutputClosed", () => Effect.void),
    Effect.zipRight(say("Dry run: nothing was sent."))
  )
}
