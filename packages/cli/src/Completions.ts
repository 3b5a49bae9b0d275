/**
 * Scripts by which a shell completes the commands and options that there are.
 *
 * @since 0.1.0
 */
import type { Command, Option } from "commander"

export const shells = ["bash", "zsh", "fish"]

export const scriptFor = (shell: string, program: Command): string =>
  `${(shell === "bash" ? bash : shell === "zsh" ? zsh : fish)(program).join("\n")}\n`

/** Where bash finds no word, it completes the names of files. */
const bash = (program: Command) => {
  const names = program.commands.map((command) => command.name())
  const valued = program.commands.flatMap(({ options }) => options.filter(({ required }) => required))
  return [
    "_flowwise() {",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's.
    "  local each command= words= word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's.
    '  for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case $each in ${names.join("|")}) command=$each; break ;; esac`,
    "  done",
    "  case $command in",
    `    "") words="${[...names, ...flagsOf(optionsOf(program))].join(" ")}" ;;`,
    ...program.commands.map((command) => `    ${command.name()}) words="${flagsOf(optionsOf(command)).join(" ")}" ;;`),
    "  esac",
    "  COMPREPLY=()",
    "  case $before in",
    ...program.options.flatMap(({ argChoices, long }) =>
      argChoices === undefined ? [] : `    ${long}) words="${argChoices.join(" ")}" ;;`
    ),
    `    ${flagsOf(valued.filter(takesFile)).join("|")}) return ;;`,
    `    ${flagsOf(valued.filter((option) => !takesFile(option))).join("|")}) compopt +o default 2> /dev/null; return ;;`,
    "    *) if [[ $command && $word != -* ]]; then return; fi ;;",
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    "complete -o default -F _flowwise flowwise"
  ]
}

const zsh = (program: Command) => {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const names = program.commands.map((command) => command.name())
  const specsOf = (command: Command) =>
    optionsOf(command)
      .map((option) => {
        const { argChoices, description, long, required } = option
        const value = argChoices === undefined ? (takesFile(option) ? "_files" : "") : `(${argChoices.join(" ")})`
        return quoted(`${long}[${description.replaceAll(/[[\]\\]/g, "\\$&")}]${required ? `:value:${value}` : ""}`)
      })
      .join(" ")
  return [
    "#compdef flowwise",
    `local -a commands=(${program.commands.map((command) => quoted(`${command.name()}:${command.description()}`)).join(" ")})`,
    `case \${words[(r)(${names.join("|")})]} in`,
    ...program.commands.map((command) => `  ${command.name()}) _arguments ${specsOf(command)} '*:file:_files' ;;`),
    `  *) _arguments ${specsOf(program)} '*:command:{_describe command commands}' ;;`,
    "esac"
  ]
}

const fish = (program: Command) => {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`
  const complete = (when: string, option: Option) => {
    const { argChoices, description, long, required } = option
    const value =
      argChoices === undefined ? (takesFile(option) ? "-r -F" : "-x") : `-x -a ${quoted(argChoices.join(" "))}`
    return `complete -c flowwise${when} -l ${long?.slice(2)} -d ${quoted(description)}${required ? ` ${value}` : ""}`
  }
  return [
    "complete -c flowwise -n __fish_use_subcommand -f",
    ...program.commands.map(
      (command) =>
        `complete -c flowwise -n __fish_use_subcommand -a ${command.name()} -d ${quoted(command.description())}`
    ),
    ...optionsOf(program).map((option) => complete("", option)),
    ...program.commands.flatMap((command) =>
      command.options.map((option) => complete(` -n '__fish_seen_subcommand_from ${command.name()}'`, option))
    )
  ]
}

/** Its own, --help, and those of the program, which every command takes. */
const optionsOf = (command: Command): ReadonlyArray<Option> => [
  ...command.createHelp().visibleOptions(command),
  ...(command.parent?.options ?? [])
]

const takesFile = ({ flags }: Option) => flags.endsWith("<FILE>")

const flagsOf = (options: ReadonlyArray<Option>) => options.map(({ long }) => long)
