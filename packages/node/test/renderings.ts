import { inspect } from "node:util"
import { assert } from "@effect/vitest"
import type { CustomerDeleted, DeleteCustomerError } from "@effect-flowwise/client"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { secret } from "./layers.js"

/** Everything that a logger, a debugger or a hurried colleague may print of a value. */
export const renderings = (value: CustomerDeleted | DeleteCustomerError) =>
  Effect.gen(function* () {
    const printed: Array<unknown> = []
    const keep = (...args: ReadonlyArray<unknown>) => {
      printed.push(...args)
    }
    const cause = value._tag === "CustomerDeleted" ? Cause.die(value) : Cause.fail(value)
    const console: Console.Console = {
      ...(yield* Console.consoleWith(Effect.succeed)),
      unsafe: { ...globalThis.console, log: keep, group: keep, groupCollapsed: keep, error: keep }
    }
    for (const logger of [Logger.jsonLogger, Logger.logfmtLogger, Logger.stringLogger, Logger.structuredLogger]) {
      yield* Effect.logError("deletion", value, cause).pipe(
        Effect.annotateLogs("outcome", value),
        Effect.provide(Logger.replace(Logger.defaultLogger, Logger.map(logger, keep)))
      )
    }
    yield* Effect.logError("deletion", value, cause).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, Logger.prettyLogger({ colors: true, mode: "tty" }))),
      Effect.withConsole(console)
    )
    return [
      ...printed.map((line) =>
        typeof line === "string" ? line : inspect(line, { depth: Infinity, showHidden: true })
      ),
      Cause.pretty(cause, { renderErrorCause: true }),
      String(cause),
      String(value),
      JSON.stringify(value),
      JSON.stringify(cause),
      JSON.stringify(Exit.failCause(cause)),
      inspect(value, { depth: Infinity, showHidden: true, getters: true }),
      inspect(Effect.runSyncExit(Effect.failCause(cause)), { depth: Infinity, showHidden: true })
    ].join("\n")
  })

export const assertNoSecret = (text: string, name: string) => {
  const lower = text.toLowerCase()
  for (const trace of traces) assert.notInclude(lower, trace, name)
}

/** What no rendering may hold: every form, and of the encoded ones the part that only the secret decides. */
const traces = [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Encoding.encodeHex(secret),
  ...["", "a", "ab"].map((before) => Encoding.encodeBase64(before + secret).slice(4, -4)),
  // Half a secret is a leak too.
  secret.slice(0, 12)
].map((trace) => trace.toLowerCase())
