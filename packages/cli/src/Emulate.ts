/**
 * What `flowwise emulator` does.
 *
 * @since 0.1.0
 */
import { createReadStream } from "node:fs"
import { type EmulatedRequest, FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Input from "./Input.js"
import { linesOf } from "./Lines.js"
import { count, printLine, say, visible } from "./Output.js"
import { Refused, systemMessage } from "./Refused.js"

export interface EmulatorOptions {
  readonly port?: number
  readonly customers?: string
  readonly script?: string
}

export const emulate = ({ customers, port, script }: EmulatorOptions) =>
  Effect.gen(function* () {
    const known = customers === undefined ? [] : yield* idsIn(customers)
    const started = Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      if (script !== undefined) yield* follow(script, emulator.script)
      yield* Effect.catchTag(printLine(settings(emulator)), "OutputClosed", () => Effect.void)
      yield* say(`Emulating the vendor, with ${count(known.length, "customer")}. Ctrl-C stops it.`)
    })
    return yield* Layer.launch(
      Layer.provide(Layer.effectDiscard(started), FlowwiseEmulator.layer({ customers: known, port, log }))
    )
  }).pipe(
    Effect.catchTags({
      ServeError: ({ cause }) =>
        new Refused({ message: `can't listen on ${port ? `port ${port}` : "any port"}: ${systemMessage(cause)}` }),
      InvalidScript: ({ message }) => new Refused({ message })
    })
  )

const settings = ({ baseUrl, clientId, clientSecret }: FlowwiseEmulator["Type"]) =>
  [
    `export FLOWWISE_BASE_URL=${baseUrl}`,
    `export FLOWWISE_CLIENT_ID=${clientId}`,
    `export FLOWWISE_CLIENT_SECRET=${Redacted.value(clientSecret)}`
  ].join("\n")

/** One line on stderr for each request, when it is over. */
const log = ({ method, requestId, status, target }: EmulatedRequest) => {
  const answer = Option.match(status, { onNone: () => "no answer", onSome: String })
  process.stderr.write(
    `${new Date().toISOString()}  ${requestId}  ${answer.padEnd(9)}  ${visible(`${method} ${target}`)}\n`
  )
}

/** Takes in a script from its first line to its last. */
const follow = (file: string, take: FlowwiseEmulator["Type"]["script"]) =>
  Stream.fromAsyncIterable(linesOf(file, createReadStream(file)), (error) =>
    error instanceof Refused ? error : new Refused({ message: `${file}: ${systemMessage(error)}` })
  ).pipe(
    Stream.flattenIterables,
    Stream.filter(({ text }) => text.trim() !== ""),
    Stream.runForEach(({ number, text }) =>
      Effect.mapError(
        take(text),
        ({ message }) => new Refused({ message: `${file}: line ${number}: ${visible(message)}` })
      )
    )
  )

const idsIn = (file: string) =>
  Effect.gen(function* () {
    const input = yield* Input.fromFile(file, { _tag: "Text" }, false)
    const batches = yield* Stream.runCollect(Stream.fromAsyncIterable(input.entries(), (error) => error as Refused))
    return Array.from(batches).flatMap((batch) => batch.map(({ id }) => id))
  }).pipe(Effect.scoped)
