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

/** How the secret may come back: each is put into every place of an answer. */
export const forms: Record<string, string> = {
  plain: secret,
  "URL-encoded": encodeURIComponent(secret),
  "URL-encoded in lower case": encodeURIComponent(secret).toLowerCase(),
  "JSON-escaped": JSON.stringify(secret).slice(1, -1),
  "JSON-escaped by another hand": secret.replaceAll("/", "\\/").replaceAll('"', "\\u0022").replaceAll("\\+", "\\\\+"),
  base64: Encoding.encodeBase64(secret),
  "base64 of id and secret": Encoding.encodeBase64(`app_1:${secret}`),
  base64url: Encoding.encodeBase64Url(`app:${secret}`),
  "split by a control character": `${secret.slice(0, 5)}\u0000${secret.slice(5)}`,
  "split by an escape sequence": `${secret.slice(0, 5)}\u001b[31m${secret.slice(5)}`,
  "in a form": encodeURIComponent(secret).replaceAll("%20", "+"),
  "JSON in JSON": JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1),
  "split by a bidirectional override": `${secret.slice(0, 5)}\u202e${secret.slice(5)}`
}

/** What is left of a form where it is not found: one line without controls. Half a secret is a leak too. */
const beginning = (form: string) =>
  form
    .replace("\u001b[31m", "")
    .replace(/\p{Cc}|\p{Bidi_Control}/gu, "")
    .slice(0, 12)

/** What no rendering may hold: the beginning of every form, and of base64 the part that only the secret decides. */
const traces = [
  ...Object.entries(forms).flatMap(([name, form]) =>
    name.startsWith("base64") ? [] : [beginning(form), JSON.stringify(form).slice(1, 17)]
  ),
  ...["", "a", "ab"].map((before) => Encoding.encodeBase64(before + secret).slice(4, 18))
].map((trace) => trace.toLowerCase())
