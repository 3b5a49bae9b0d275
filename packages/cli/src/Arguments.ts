/**
 * What commander lets pass and could delete by mistake, and our words for what it refuses.
 *
 * @since 0.1.0
 */
import { type Command, CommanderError } from "commander"
import { visible } from "./Output.js"
import { Refused } from "./Refused.js"
import { noOptionOfDelete } from "./Values.js"

/** An option, also one whose dashes an editor has joined to a longer one. */
const OPTION = /^(--|[^\P{Pd}-]|\u2212)/u

/** Runs the action of the command that is named, or gives why there is none to run. */
export const parse = (program: Command, args: ReadonlyArray<string>): Refused | undefined => {
  try {
    refuseValuesOfSwitches(program, args)
    for (const command of [program, ...program.commands]) refuseMistakes(command)
    program.parse(args, { from: "user" })
  } catch (error) {
    if (error instanceof Refused) return error
    if (!(error instanceof CommanderError)) throw error
    // The status of what has printed all that was asked for, such as the help.
    if (error.exitCode !== 0) return new Refused({ message: inOurWords(error, program) })
  }
}

/** `--dry-run false`: commander takes the word for an id. */
const refuseValuesOfSwitches = ({ commands }: Command, args: ReadonlyArray<string>) => {
  const options = commands.flatMap(({ options }) => options)
  for (const [index, word] of args.entries()) {
    const [, name = args[index - 1], value = /^(true|false)$/i.exec(word)?.[0]] = /^(.*?)(=.*)$/s.exec(word) ?? []
    if (value !== undefined && options.some((option) => option.isBoolean() && option.long === name)) {
      throw new Refused({ message: `${name} is a switch and takes no value; remove "${visible(value)}" after it` })
    }
  }
}

/** An option that comes twice: the last one would win. And one without its value: it would take the option after it. */
const refuseMistakes = (command: Command) => {
  for (const option of command.options) {
    let given = false
    command.on(`option:${option.name()}`, (value?: string) => {
      if (given) throw new Refused({ message: `${option.long} is given twice` })
      if (value !== undefined && OPTION.test(value)) throw new Refused({ message: `${option.long} lacks its value` })
      given = true
    })
  }
}

const inOurWords = ({ code, message }: CommanderError, { args, commands }: Command): string => {
  const names = commands.map((command) => command.name()).sort()
  const [, subject = "", guess] = /'(.*)'(?:\n\(Did you mean (.*)\?\))?/s.exec(message) ?? []
  switch (code) {
    case "commander.help":
      return `give a command: ${names.join(", ")}; see --help`
    case "commander.unknownCommand":
      return `there is no command "${visible(subject)}"; ${guess === undefined ? `there are ${names.join(", ")}` : `did you mean ${guess}?`}`
    case "commander.unknownOption":
      return args[0] === "delete"
        ? noOptionOfDelete(subject)
        : `${visible(subject)} is not an option or argument here; see --help`
    case "commander.optionMissingArgument":
      return `${subject.replace(/ .*/, "")} lacks its value`
    default:
      return `${visible(message.replace(/^error: (?:option '(\S+).*?' argument)?/, "$1").replace(/\.$/, ""))}; see --help`
  }
}
