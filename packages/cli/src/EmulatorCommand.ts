/**
 * `flowwise emulator`.
 *
 * @since 0.1.0
 */
import { createReadStream } from "node:fs"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type { EmulatedRequest, FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Input from "./Input.js"
import { linesOf } from "./Lines.js"
import { wholeNumber } from "./Numbers.js"
import { count, printLine, say, visible } from "./Output.js"
import { Refused, systemMessage } from "./Refused.js"

const config = {
  port: Options.text("port").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("Listens on this port, instead of a free one."),
    Options.mapEffect(wholeNumber("--port", 0, 65_535)),
    Options.withDefault(0)
  ),
  customers: Options.text("customers").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("Who exists: one id a line."),
    Options.optional
  ),
  script: Options.text("script").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("What goes wrong, one JSON object a line; docs/emulator.md has them all."),
    Options.optional
  )
}

export const emulatorCommand = Command.make("emulator", config, ({ customers, port, script }) =>
  Effect.gen(function* () {
    const known = yield* Option.match(customers, { onNone: () => Effect.succeed([]), onSome: idsIn })
    // Loaded here, since a server takes long to load, and the other commands have none.
    const { FlowwiseEmulator } = yield* Effect.promise(() => import("@effect-flowwise/testing"))
    const started = Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      if (Option.isSome(script)) yield* follow(script.value, emulator.script)
      yield* Effect.catchTag(printLine(settings(emulator)), "OutputClosed", () => Effect.void)
      yield* say(`Emulating the vendor, with ${count(known.length, "customer")}. Ctrl-C stops it.`)
    })
    return yield* Layer.launch(
      Layer.provide(Layer.effectDiscard(started), FlowwiseEmulator.layer({ customers: known, port, log }))
    )
  }).pipe(
    Effect.catchTags({
      ServeError: ({ cause }) =>
        new Refused({ message: `can't listen: ${cause instanceof Error ? cause.message : cause}` }),
      InvalidScript: ({ message }) => new Refused({ message })
    })
  )
).pipe(Command.withDescription("Emulates the vendor on this machine, until Ctrl-C, and prints the settings to paste."))

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
    return Array.from(yield* Stream.runCollect(input.entries), ({ id }) => id)
  }).pipe(Effect.scoped)
