/**
 * `flowwise delete`: its options. What it does is in `Delete.ts`, which is loaded when it runs.
 *
 * @since 0.1.0
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { parseDelimiter } from "./Csv.js"
import { parseRate, wholeNumber } from "./Numbers.js"

export const config = {
  ids: Args.text({ name: "customer-id" }).pipe(
    Args.withDescription("The ids to delete, instead of --file."),
    Args.repeated
  ),
  file: Options.text("file").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("The ids, one a line; - is standard input."),
    Options.optional
  ),
  column: Options.text("column").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("The file is CSV with a heading, and the ids are in this column."),
    Options.optional
  ),
  delimiter: Options.text("delimiter").pipe(
    Options.withPseudoName("CHARACTER"),
    Options.withDescription(
      "Separates the columns of CSV, such as | or tab. Default: the comma, semicolon or tab that fits."
    ),
    Options.filterMap(parseDelimiter, "--delimiter takes one character that is no quote, or the word tab"),
    Options.optional
  ),
  field: Options.text("field").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("The file is JSON Lines, and the ids are in this field, such as id or user.id."),
    Options.optional
  ),
  trim: Options.boolean("trim").pipe(Options.withDescription("Removes blanks around ids, instead of refusing them.")),
  allowUnusualIds: Options.boolean("allow-unusual-ids").pipe(
    Options.withDescription("Takes ids that look damaged by a spreadsheet or a paste, instead of refusing them.")
  ),
  journal: Options.text("journal").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription(
      "Records every request and outcome here; the same command again goes on where this one stopped."
    ),
    Options.optional
  ),
  dryRun: Options.boolean("dry-run").pipe(
    Options.withDescription("Shows what would be sent where, and sends nothing, whatever the other options say.")
  ),
  max: Options.text("max").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("Refuses an input with more ids than this, before anything is sent."),
    Options.mapEffect(wholeNumber("--max", 1)),
    Options.optional
  ),
  concurrency: Options.text("concurrency").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("This many customers are under way at once. Default: 16."),
    Options.mapEffect(wholeNumber("--concurrency", 1, 1000)),
    Options.withDefault(16)
  ),
  rate: Options.text("rate").pipe(
    Options.withPseudoName("N/INTERVAL"),
    Options.withDescription("Sends at most this many requests in this time, such as 300/minute."),
    Options.mapEffect(parseRate),
    Options.optional
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Prints each outcome as a line of JSON.")),
  confirm: Options.text("confirm").pipe(
    Options.withPseudoName("ENVIRONMENT"),
    Options.withDescription("The environment's name, such as production, where there is no terminal to type it in."),
    Options.optional
  )
}

export type Config = Command.Command.ParseConfig<typeof config>

export const deleteCommand = Command.make("delete", config, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("./Delete.js")),
    ({ deleteAll }) => deleteAll(options)
  )
).pipe(Command.withDescription("Deletes customers, for good."))
