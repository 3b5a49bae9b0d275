/**
 * What `flowwise delete` does once it is sure of its input: journal, confirmation, run.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { Credentials, type Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { confirm } from "./Confirmation.js"
import type { DeleteOptions } from "./Delete.js"
import { nothingSent } from "./Failure.js"
import type { Input } from "./Input.js"
import * as Journal from "./Journal.js"
import type { Header } from "./JournalFile.js"
import { count, say } from "./Output.js"
import { gracefully, nobodyWasThere, run, warnOfAbsent } from "./Run.js"

/** Deletes the input, with a journal where one is asked for. */
export const erase = (input: Input, environment: Environment["Type"], options: DeleteOptions) =>
  Effect.gen(function* () {
    const { journal, total } = yield* Effect.mapError(prepare(input, environment, options), nothingSent)
    if (total === 0) {
      yield* say(`Nothing left to do: by the journal, all ${count(journal.gone, "customer")} are already gone.`)
      yield* warnOfAbsent(journal.totals())
      process.exitCode = nobodyWasThere(journal.totals()) ? 1 : 0
      return
    }
    yield* gracefully((stop) =>
      run(input, journal, total, { ...options, canGoOn: options.journal !== undefined }, stop)
    )
  }).pipe(
    Effect.provide(NodeFlowwise.layer.pipe(Layer.provideMerge(Credentials.layerConfig), Layer.mapError(nothingSent)))
  )

/** Up to the first request. */
const prepare = (input: Input, environment: Environment["Type"], options: DeleteOptions) =>
  Effect.gen(function* () {
    const journal = yield* options.journal === undefined
      ? Journal.none
      : Journal.open(options.journal, yield* headerOf(input, environment))
    const total = input.ids - journal.gone
    if (total > 0) {
      if (journal.gone > 0) {
        yield* say(`  left   ${count(total, "customer")}: by the journal, the others are already gone`)
      }
      yield* confirm(environment, options.confirm, total, options.file === "-")
      yield* journal.begin
    }
    return { journal, total }
  })

const headerOf = (input: Input, { baseUrl, name }: Environment["Type"]) =>
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
