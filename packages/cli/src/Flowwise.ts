/**
 * The `flowwise` command: what it is made of, and how each way of ending shows to the shell.
 *
 * @since 0.1.0
 */
import type * as Runtime from "@effect/platform/Runtime"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Command, CommanderError, Option } from "commander"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { parse, refuseLostDashes } from "./Arguments.js"
import { scriptFor, shells } from "./Completions.js"
import type { DeleteOptions } from "./Delete.js"
import type { EmulatorOptions } from "./Emulate.js"
import { explain, type Failure } from "./Failure.js"
import { footerOf } from "./Help.js"
import { ignoreBrokenPipes } from "./Output.js"
import type { ReportOptions } from "./ShowReport.js"
import { parseDelimiter, parseId, parseRate, wholeNumber } from "./Values.js"
import { version } from "./Version.js"

const levels = LogLevel.allLevels.map(({ _tag }) => _tag.toLowerCase())

const flowwise = new Command("flowwise")
  .description("Erases customers at Flowwise, and reports it. Each command has its own --help.")
  .helpOption("-h, --help", "Shows this help.")
  .helpCommand(false)
  .version(version, "--version", "Shows the version.")
  .addOption(new Option("--log-level <LEVEL>", "Logs to stderr from this level on.").choices(levels).default("info"))
  .addOption(new Option("--completions <SHELL>", "Prints a script for a shell, as below.").choices(shells))
  .on("option:completions", (shell) => {
    process.stdout.write(scriptFor(shell, flowwise))
    throw new CommanderError(0, "flowwise.completions", "")
  })
  .configureHelp({
    showGlobalOptions: true,
    optionTerm: ({ flags }) => flags.replaceAll(/[<>]/g, ""),
    subcommandTerm: (command) => command.name()
  })
  // Words are hard to find in lines of a whole wide terminal. What is wrong is told by `explain`.
  .configureOutput({ getOutHelpWidth: () => Math.min(process.stdout.columns ?? 80, 100), writeErr: () => {} })
  .addHelpText("afterAll", ({ command }) => footerOf(command.name()))
  .exitOverride()

// What each command does is loaded when it runs.

flowwise
  .command("delete")
  .description("Deletes customers, for good.")
  .argument(
    "[customer-id...]",
    "The ids to delete, instead of --file. One that begins with a dash has to be in a file.",
    parseId
  )
  .option("--file <FILE>", "The ids, one a line; - is standard input.")
  .option("--column <NAME>", "The file is CSV with a heading, and the ids are in this column.")
  .option(
    "--delimiter <CHARACTER>",
    "Separates the columns of CSV, such as | or tab. Default: the comma, semicolon or tab that fits.",
    parseDelimiter
  )
  .option("--field <NAME>", "The file is JSON Lines, and the ids are in this field, such as id or user.id.")
  .option("--trim", "Removes blanks around ids, instead of refusing them.")
  .option("--allow-unusual-ids", "Takes ids that look damaged by a spreadsheet or a paste, instead of refusing them.")
  .option(
    "--journal <FILE>",
    "Records every request and outcome here; the same command again goes on where this one stopped."
  )
  .option("--dry-run", "Shows what would be sent where, and sends nothing, whatever the other options say.")
  .option("--max <N>", "Refuses an input with more ids than this, before anything is sent.", wholeNumber("--max", 1))
  .option("--concurrency <N>", "Customers under way at once, up to 1000.", wholeNumber("--concurrency", 1, 1000), 16)
  .option(
    "--rate <N/INTERVAL>",
    "Sends at most N requests per second, minute, hour or day (300/minute), or per several (100/30 seconds).",
    parseRate
  )
  .option("--json", "Prints each outcome as a line of JSON.")
  .option(
    "--confirm <ENVIRONMENT>",
    "The environment's name, where there is no terminal to type it in. The sandbox and this machine need none."
  )
  .hook("preAction", (_, command) => refuseLostDashes(command))
  .action((ids: ReadonlyArray<string>, options: DeleteOptions) =>
    run(import("./Delete.js").then(({ deleteAll }) => deleteAll(ids, options)))
  )

flowwise
  .command("report")
  .description("Summarises a journal: counts, failures by cause, durations.")
  .argument("<journal>", "The file that --journal wrote.")
  .option("--json", "As JSON.")
  .option("--markdown", "As Markdown.")
  .option("--html", "As a page to print and to file: redirect it to a file.")
  .action((journal: string, options: ReportOptions) =>
    run(import("./ShowReport.js").then(({ showReport }) => showReport(journal, options)))
  )

flowwise
  .command("emulator")
  .description("Emulates the vendor on this machine, until Ctrl-C, and prints the settings to paste.")
  .option("--port <N>", "Listens on this port, instead of a free one.", wholeNumber("--port", 0, 65_535))
  .option("--customers <FILE>", "The customers who exist, one id a line.")
  .option("--script <FILE>", "What goes wrong, one JSON object a line, as docs/emulator.md describes.")
  .action((options: EmulatorOptions) => run(import("./Emulate.js").then(({ emulate }) => emulate(options))))

/** Runs the command to its end. */
export const runMain = (args: ReadonlyArray<string>): void => {
  ignoreBrokenPipes()
  // A terminal that is closed ends a run as gracefully as Ctrl-C, however often it says so.
  process.on("SIGHUP", () => process.emit("SIGTERM"))
  const refused = parse(flowwise, args)
  if (refused !== undefined) run(Promise.resolve(refused))
}

const run = (command: Promise<Effect.Effect<unknown, Failure>>): void => {
  const level = LogLevel.allLevels.find(({ _tag }) => _tag.toLowerCase() === flowwise.opts().logLevel)
  Effect.promise(() => command).pipe(
    Effect.flatten,
    Effect.catchAll(explain),
    Logger.withMinimumLogLevel(level ?? LogLevel.Info),
    Effect.provide(logToStderr),
    NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true, teardown })
  )
}

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
