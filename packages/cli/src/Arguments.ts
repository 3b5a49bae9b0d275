/**
 * What commander lets pass and could delete by mistake, and our words for what it refuses.
 *
 * @since 0.1.0
 */
import { type Command, CommanderError } from "commander"
import { Refused } from "./Refused.js"
import { beginsWithDash, noOptionOfDelete } from "./Values.js"

/** Runs the action of the command that is named, or gives why there is none to run. */
export const parse = (program: Command, args: ReadonlyArray<string>): Refused | undefined => {
  try {
    refuseMistaken(program, args)
    // Where --help follows a command that doesn't exist, commander would show the help of the program.
    const [name] = program.parseOptions([...args]).operands
    const isKnown = name === undefined || program.commands.some((command) => command.name() === name)
    program.parse(isKnown ? args : ["--", name], { from: "user" })
  } catch (error) {
    if (error instanceof Refused) return error
    if (!(error instanceof CommanderError)) throw error
    // The status of what has printed all that was asked for, such as the help.
    if (error.exitCode !== 0) return new Refused({ message: inOurWords(error, program) })
  }
}

/** What commander takes: a word after a switch for an id, an option for the value of the one before it, the last of two. */
const refuseMistaken = (program: Command, args: ReadonlyArray<string>) => {
  const options = [program, ...program.commands].flatMap(({ options }) => options)
  const given = new Set<string>()
  for (const [index, word] of args.entries()) {
    const [, name = word, joined] = /^(.*?)(=.*)$/s.exec(word) ?? []
    const value = joined?.slice(1) ?? args[index + 1]
    const option = options.find(({ long }) => long === name)
    if (option === undefined) continue
    if (given.has(name)) throw new Refused({ message: `${name} is given twice` })
    given.add(name)
    if (value === undefined) continue
    if (option.isBoolean() && (joined !== undefined || /^(true|false)$/i.test(value))) {
      throw new Refused({ message: `${name} is a switch and takes no value; remove "${joined ?? value}" after it` })
    }
    const isText = option.required && option.parseArg === undefined // any other value has a parser
    const isStdin = name === "--file" && value === "-"
    const isName = joined !== undefined && option.flags.endsWith("<NAME>") // of a column, which may be anything
    if (isText && !isStdin && (value === "" || (beginsWithDash(value) && !isName))) {
      throw new Refused({ message: `${name} lacks its value` })
    }
  }
}

/** For the action of delete: an option that has lost its dashes, or got others, would be an id. */
export const refuseLostDashes = (command: Command) => {
  const options = [
    "--help",
    ...[command, command.parent].flatMap((one) => one?.options.map(({ long }) => `${long}`) ?? [])
  ]
  for (const id of command.opts().allowUnusualIds ? [] : command.args) {
    const [, name = ""] = /^[^\p{L}\p{N}]*(.*?)[^\p{L}\p{N}]*(?:[=:].*)?$/su.exec(id) ?? []
    const option = options.find((option) => lettersOf(option) === lettersOf(name))
    if (option !== undefined) {
      throw new Refused({ message: `${id} looks like ${option}; if it is an id, add --allow-unusual-ids` })
    }
  }
}

const lettersOf = (option: string) => option.replaceAll(/[-_]/g, "").toLowerCase()

const inOurWords = ({ code, message }: CommanderError, program: Command): string => {
  const { args, commands } = program
  const names = commands.map((command) => command.name()).sort()
  const command = names.find((name) => name === args[0]) ?? program.name()
  const [, subject = "", guess] = /'(.*)'(?:\n\(Did you mean (.*)\?\))?/s.exec(message) ?? []
  switch (code) {
    case "commander.help":
      return `give a command: ${names.join(", ")}; see --help`
    case "commander.unknownCommand":
      return `there is no command "${subject}"; ${guess === undefined ? `there are ${names.join(", ")}; see --help` : `did you mean ${guess}?`}`
    case "commander.unknownOption":
      return guess !== undefined
        ? `${subject} is not an option of ${command}; did you mean ${guess}?`
        : command === "delete"
          ? noOptionOfDelete(subject)
          : `${subject} is not an option or argument here; see --help`
    case "commander.optionMissingArgument":
      return `${subject.replace(/ .*/, "")} lacks its value`
    default:
      return `${message.replace(/^error: (?:option '(\S+).*?' argument)?/, "$1").replace(/\.$/, "")}; see --help`
  }
}
