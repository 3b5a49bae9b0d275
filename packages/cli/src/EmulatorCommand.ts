/**
 * `flowwise emulator`.
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Input from "./Input.js"
import { wholeNumber } from "./Numbers.js"
import { count, printLine, say } from "./Output.js"
import { Refused } from "./Refused.js"

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
  )
}

export const emulatorCommand = Command.make("emulator", config, ({ customers, port }) =>
  Effect.gen(function* () {
    const known = yield* Option.match(customers, { onNone: () => Effect.succeed([]), onSome: idsIn })
    // Loaded here, since a server takes long to load, and the other commands have none.
    const { FlowwiseEmulator } = yield* Effect.promise(() => import("@effect-flowwise/testing"))
    const started = Effect.flatMap(FlowwiseEmulator, ({ baseUrl, clientId, clientSecret }) =>
      Effect.zipRight(
        Effect.catchTag(
          printLine(
            [
              `export FLOWWISE_BASE_URL=${baseUrl}`,
              `export FLOWWISE_CLIENT_ID=${clientId}`,
              `export FLOWWISE_CLIENT_SECRET=${Redacted.value(clientSecret)}`
            ].join("\n")
          ),
          "OutputClosed",
          () => Effect.void
        ),
        say(`Emulating the vendor, with ${count(known.length, "customer")}. Ctrl-C stops it.`)
      )
    )
    return yield* Layer.launch(
      Layer.provide(Layer.effectDiscard(started), FlowwiseEmulator.layer({ customers: known, port }))
    )
  }).pipe(
    Effect.catchTags({
      ServeError: ({ cause }) =>
        new Refused({ message: `can't listen: ${cause instanceof Error ? cause.message : cause}` }),
      InvalidScript: ({ message }) => new Refused({ message })
    })
  )
).pipe(Command.withDescription("Emulates the vendor on this machine, until Ctrl-C, and prints the settings to paste."))

const idsIn = (file: string) =>
  Effect.gen(function* () {
    const input = yield* Input.fromFile(file, { _tag: "Text" }, false)
    return Array.from(yield* Stream.runCollect(input.entries), ({ id }) => id)
  }).pipe(Effect.scoped)
