/**
 * `flowwise report`.
 *
 * @since 0.1.0
 */
import { open } from "node:fs/promises"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { read } from "./JournalFile.js"
import { printLine } from "./Output.js"
import { Refused, systemMessage } from "./Refused.js"
import * as Report from "./Report.js"

const config = {
  journal: Args.text({ name: "journal" }).pipe(Args.withDescription("What --journal has written.")),
  json: Options.boolean("json").pipe(Options.withDescription("As JSON.")),
  markdown: Options.boolean("markdown").pipe(Options.withDescription("As Markdown."))
}

export const reportCommand = Command.make("report", config, ({ journal, json, markdown }) =>
  Effect.gen(function* () {
    if (json && markdown) {
      return yield* new Refused({ message: "give --json or --markdown, and not both" })
    }
    const report = yield* Effect.tryPromise({
      try: () => reportOf(journal),
      catch: (error) =>
        error instanceof Refused ? error : new Refused({ message: `${journal}: ${systemMessage(error)}` })
    })
    yield* Effect.catchTag(
      printLine(json ? Report.toJson(report) : markdown ? Report.toMarkdown(report) : Report.toText(report)),
      "OutputClosed",
      () => Effect.void
    )
  })
).pipe(Command.withDescription("Summarises a journal: counts, failures by cause, durations."))

const reportOf = async (path: string) => {
  const file = await open(path, "r")
  try {
    const builder = Report.make()
    const { end, size } = await read(path, file, builder.add)
    if (end === 0) throw new Refused({ message: `${path}: there is nothing in this journal yet` })
    return builder.finish(size - end)
  } finally {
    await file.close()
  }
}
