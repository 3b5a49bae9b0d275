/**
 * `flowwise emulator`: its options. What it does is in `Emulate.ts`, which is loaded when it runs.
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { wholeNumber } from "./Numbers.js"

const config = {
  port: Options.text("port").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("Listens on this port, instead of a free one."),
    Options.mapEffect(wholeNumber("--port", 0, 65_535)),
    Options.withDefault(0)
  ),
  customers: Options.text("customers").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("The customers who exist, one id a line."),
    Options.optional
  ),
  script: Options.text("script").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("What goes wrong, one JSON object a line, as docs/emulator.md describes."),
    Options.optional
  )
}

export type Config = Command.Command.ParseConfig<typeof config>

export const emulatorCommand = Command.make("emulator", config, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("./Emulate.js")),
    ({ emulate }) => emulate(options)
  )
).pipe(Command.withDescription("Emulates the vendor on this machine, until Ctrl-C, and prints the settings to paste."))
