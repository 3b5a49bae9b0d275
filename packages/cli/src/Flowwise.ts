/**
 * The `flowwise` command: what it is made of, and how each way of ending shows to the shell.
 *
 * @since 0.1.0
 */
import { createRequire } from "node:module"
import { stripVTControlCharacters } from "node:util"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Runtime from "@effect/platform/Runtime"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { deleteCommand } from "./DeleteCommand.js"
import { emulatorCommand } from "./EmulatorCommand.js"
import { explain } from "./Failure.js"
import { ignoreBrokenPipes } from "./Output.js"
import { reportCommand } from "./ReportCommand.js"

const { version } = createRequire(import.meta.url)("@effect-flowwise/cli/package.json") as { version: string }

const flowwise = Command.make("flowwise").pipe(
  Command.withDescription("Erases customers at Flowwise, and proves it. Each command has a --help of its own."),
  Command.withSubcommands([deleteCommand, reportCommand, emulatorCommand])
)

const example = (command: string, what: string) =>
  HelpDoc.descriptionList([[{ _tag: "Text", value: command }, HelpDoc.p(what)]])

const footer = HelpDoc.blocks([
  HelpDoc.h1("EXAMPLES"),
  example("flowwise delete --dry-run --file ids.txt", "Shows what would be sent where."),
  example("flowwise delete --file ids.txt --journal ids.journal", "Deletes, and can be stopped, killed and run again."),
  example(
    "flowwise delete --file users.csv --column customer_id --rate 300/minute --max 5000 --json",
    "A table, slowly."
  ),
  example("flowwise report ids.journal --markdown", "What became of them, for the record."),
  HelpDoc.h1("SETTINGS"),
  HelpDoc.p("FLOWWISE_CLIENT_ID and FLOWWISE_CLIENT_SECRET, which never go on the command line."),
  HelpDoc.p(
    "FLOWWISE_ENVIRONMENT is sandbox (so unless told otherwise) or production; FLOWWISE_BASE_URL a host of your own."
  ),
  HelpDoc.h1("EXIT STATUS"),
  HelpDoc.p(
    "0 everything is gone; 1 some are not known to be gone; 2 wrong usage or configuration; 3 credentials refused; 130 interrupted."
  )
])

/** Runs the command to its end. */
export const runMain = (argv: ReadonlyArray<string>): void => {
  ignoreBrokenPipes()
  // A terminal that is closed ends a run as gracefully as Ctrl-C, however often it says so.
  process.on("SIGHUP", () => process.emit("SIGTERM"))
  Command.run(flowwise, { name: "flowwise", version, executable: "flowwise", footer })(argv.map(flagAlone)).pipe(
    inOurWords,
    Effect.catchAll(explain),
    // In other letters an option would be found, and then forgotten: `--DRY-RUN` would delete.
    Effect.provide([NodeContext.layer, CliConfig.layer({ isCaseSensitive: true }), logToStderr]),
    NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true, teardown })
  )
}

/** The parser takes a word such as `1` or `no` for the value of a flag before it, and it may be a customer's id. */
const flagAlone = (argument: string) =>
  ["--dry-run", "--json", "--markdown", "--trim"].includes(argument) ? `${argument}=true` : argument

/** What `--log-level` lets through: stdout is for outcomes. */
const logToStderr = Logger.replace(Logger.defaultLogger, Logger.prettyLogger({ stderr: true }))

const teardown: Runtime.Teardown = (exit, onExit) =>
  onExit(
    Exit.match(exit, {
      onFailure: (cause) => {
        // Set where the run failed after the Ctrl-C.
        if (Cause.isInterruptedOnly(cause)) return Number(process.exitCode ?? 130)
        process.stderr.write(`flowwise: a defect of this program, please report it\n${Cause.pretty(cause)}\n`)
        return 1
      },
      onSuccess: () => Number(process.exitCode ?? 0)
    })
  )

/** The help comes with colors, wherever it goes; what is wrong is told by `explain`. */
const inOurWords = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Console.consoleWith(Effect.succeed), (console) =>
    Effect.withConsole(self, {
      ...console,
      log: (...texts) =>
        console.log(
          ...texts.map((text) =>
            withoutFiller(process.stdout.hasColors?.() ? String(text) : stripVTControlCharacters(String(text)))
          )
        ),
      error: () => Effect.void
    })
  )

/**
 * The parser describes each type of value, leaves the name of the program out of a usage, and lists each command with all
 * of its options, in lines that no terminal is wide enough for.
 */
const withoutFiller = (text: string) =>
  text
    .replaceAll(/^ *(A user-defined piece of text|A true or false value)\.\n\n/gm, "")
    .replaceAll(/^\$ (?!flowwise)/gm, "$ flowwise ")
    .replaceAll(/^( *- )(\w+) \S.*? {2,}(?=\S)/gm, (_, dash: string, name: string) => dash + name.padEnd(10))
