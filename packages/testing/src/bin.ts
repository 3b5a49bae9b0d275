#!/usr/bin/env node
/**
 * The emulator for programs in any language: `flowwise-emulator [--port N] [--customers FILE]`.
 *
 * @since 0.1.0
 */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { FlowwiseEmulator } from "./FlowwiseEmulator.js"

const usage = `Usage: flowwise-emulator [--port N] [--customers FILE]

Serves the vendor's API on this machine only, until Ctrl-C.

  --port N          listens on port N instead of a free one
  --customers FILE  who exists: one id a line
  --help            shows this`

const portOf = (text: string | undefined) => {
  if (text !== undefined && !/^\d+$/.test(text)) throw new Error(`--port takes a number, and not ${text}`)
  return Number(text ?? 0)
}

const linesOf = (file: string | undefined) => {
  if (file === undefined) return []
  try {
    return readFileSync(file, "utf8")
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
  } catch (error) {
    throw new Error(`--customers takes a file with one id a line: ${error instanceof Error ? error.message : file}`)
  }
}

const options = Effect.try({
  try: () => {
    const { values } = parseArgs({
      options: { port: { type: "string" }, customers: { type: "string" }, help: { type: "boolean" } }
    })
    const customers = linesOf(values.customers).filter((id) => id !== "")
    return { help: values.help === true, customers, port: portOf(values.port) }
  },
  catch: (error) => (error instanceof Error ? error.message : String(error))
})

const started = Effect.gen(function* () {
  const { baseUrl, clientId, clientSecret, customers } = yield* FlowwiseEmulator
  yield* Console.log(`FLOWWISE_BASE_URL=${baseUrl}
FLOWWISE_CLIENT_ID=${clientId}
FLOWWISE_CLIENT_SECRET=${Redacted.value(clientSecret)}`)
  yield* Console.error(`Emulating the vendor, with ${(yield* customers).length} customers. Ctrl-C stops it.`)
})

const refused = (problem: string) =>
  Effect.zipRight(
    Console.error(`flowwise-emulator: ${problem}`),
    Effect.sync(() => {
      process.exitCode = 2
    })
  )

Effect.gen(function* () {
  const { help, ...emulator } = yield* options
  return help
    ? yield* Console.log(usage)
    : yield* Layer.launch(Layer.provide(Layer.effectDiscard(started), FlowwiseEmulator.layer(emulator)))
}).pipe(
  Effect.catchAll((error) =>
    refused(
      typeof error === "string"
        ? error
        : error._tag === "ServeError"
          ? `can't listen: ${error.cause instanceof Error ? error.cause.message : "unknown cause"}`
          : error.message
    )
  ),
  NodeRuntime.runMain
)
