/**
 * `flowwise report`: its options. What it does is in `ShowReport.ts`, which is loaded when it runs.
 *
 * @since 0.1.0
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"

const config = {
  journal: Args.text({ name: "journal" }).pipe(Args.withDescription("The file that --journal wrote.")),
  json: Options.boolean("json").pipe(Options.withDescription("As JSON.")),
  markdown: Options.boolean("markdown").pipe(Options.withDescription("As Markdown.")),
  html: Options.boolean("html").pipe(Options.withDescription("As a page to print and to file: redirect it to a file."))
}

export type Config = Command.Command.ParseConfig<typeof config>

export const reportCommand = Command.make("report", config, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("./ShowReport.js")),
    ({ showReport }) => showReport(options)
  )
).pipe(Command.withDescription("Summarises a journal: counts, failures by cause, durations."))
