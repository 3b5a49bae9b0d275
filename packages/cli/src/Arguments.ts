/**
 * What the parser would take for something else: an unknown command, the value of a switch, a place for an option.
 *
 * @since 0.1.0
 */
import * as AutoCorrect from "@effect/cli/AutoCorrect"
import type * as CliConfig from "@effect/cli/CliConfig"
import * as Effect from "effect/Effect"
import { visible } from "./Output.js"
import { Refused } from "./Refused.js"

/** The options of all commands that take no value. */
const SWITCHES = ["--allow-unusual-ids", "--dry-run", "--html", "--json", "--markdown", "--trim"]

/** The arguments as the parser understands them. */
export const prepare = (
  args: ReadonlyArray<string>,
  commands: ReadonlyArray<string>,
  config: CliConfig.CliConfig
): Effect.Effect<ReadonlyArray<string>, Refused> =>
  Effect.gen(function* () {
    const ordered = logLevelFirst(args)
    if (ordered.includes("--wizard")) {
      return yield* new Refused({ message: "there is no --wizard; --help shows the options, with examples" })
    }
    const command = commandIn(args)
    if (command !== undefined && !commands.includes(command)) {
      return yield* new Refused({ message: unknownCommand(command, commands, config) })
    }
    const index = ordered.findIndex(
      (word, at) => SWITCHES.includes(ordered[at - 1] ?? "") && /^(true|false)$/i.test(word)
    )
    if (index !== -1) {
      const [option, value] = ordered.slice(index - 1, index + 1)
      return yield* new Refused({
        message: `${option} is a switch and takes no value; remove "${value}" after it`
      })
    }
    // The parser takes a word such as `1` or `no` for the value of a switch before it, and it may be a customer's id.
    return ordered.map((word) => (SWITCHES.includes(word) ? `${word}=true` : word))
  })

/** The first word, if it is no option. */
export const commandIn = (args: ReadonlyArray<string>): string | undefined => {
  const [level = "", ...rest] = logLevelFirst(args)
  const [first] = level === "--log-level" ? rest.slice(1) : level.startsWith("--log-level=") ? rest : [level, ...rest]
  return first === undefined || first === "" || first.startsWith("-") ? undefined : first
}

/** The parser knows `--log-level` only before the command. */
const logLevelFirst = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = args.findIndex((word) => word === "--log-level" || word.startsWith("--log-level="))
  if (at === -1) return args
  const end = at + (args[at] === "--log-level" ? 2 : 1)
  return [...args.slice(at, end), ...args.slice(0, at), ...args.slice(end)]
}

const unknownCommand = (command: string, commands: ReadonlyArray<string>, config: CliConfig.CliConfig): string => {
  const far = (name: string) => AutoCorrect.levensteinDistance(command, name, config)
  const nearest = commands.reduce((best, name) => (far(name) < far(best) ? name : best))
  const guess = far(nearest) <= 3 ? `; did you mean ${nearest}?` : `; there are ${commands.join(", ")}`
  return `there is no command "${visible(command)}"${guess}`
}
