/**
 * The `flowwise` command: what it is made of, and how each way of ending shows to the shell.
 *
 * @since 0.1.0
 */
import { stripVTControlCharacters } from "node:util"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import type * as Runtime from "@effect/platform/Runtime"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import { commandIn, prepare } from "./Arguments.js"
import { deleteCommand } from "./DeleteCommand.js"
import { emulatorCommand } from "./EmulatorCommand.js"
import { explain } from "./Failure.js"
import { footerOf } from "./Help.js"
import { ignoreBrokenPipes } from "./Output.js"
import { reportCommand } from "./ReportCommand.js"
import { version } from "./Version.js"

const flowwise = Command.make("flowwise").pipe(
  Command.withDescription("Erases customers at Flowwise, and reports it. Each command has its own --help."),
  Command.withSubcommands([deleteCommand, reportCommand, emulatorCommand])
)

// In other letters an option would be found, and then forgotten: `--DRY-RUN` would delete. The footer has the built-ins.
const config = CliConfig.make({ isCaseSensitive: true, showBuiltIns: false })

/** Runs the command to its end. */
export const runMain = (argv: ReadonlyArray<string>): void => {
  ignoreBrokenPipes()
  // A terminal that is closed ends a run as gracefully as Ctrl-C, however often it says so.
  process.on("SIGHUP", () => process.emit("SIGTERM"))
  const args = argv.slice(2)
  const footer = footerOf(commandIn(args))
  const parse = Command.run(flowwise, { name: "flowwise", version, executable: "flowwise", footer })
  const commands = Array.from(HashMap.keys(Command.getSubcommands(flowwise))).sort()
  prepare(args, commands, config).pipe(
    Effect.flatMap((prepared) => parse([...argv.slice(0, 2), ...prepared])),
    inOurWords,
    Effect.catchAll(explain),
    Effect.provide([NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer, CliConfig.layer(config), logToStderr]),
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
    // There is none, since the command line that it prints is not the one that was chosen.
    .replaceAll(/ --wizard\b/g, "")
    .replaceAll(/^.*--?(l )?wizard.*\n/gm, "")
    .replaceAll(/^( *- )(\w+) \S.*? {2,}(?=\S)/gm, (_, dash: string, name: string) => dash + name.padEnd(10))
