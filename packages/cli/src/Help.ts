/**
 * What stands below the options in each `--help`.
 *
 * @since 0.1.0
 */
import * as HelpDoc from "@effect/cli/HelpDoc"

const entry = (command: string, what: string) =>
  HelpDoc.descriptionList([[{ _tag: "Text", value: command }, HelpDoc.p(what)]])

const always = [
  HelpDoc.h1("WITH EVERY COMMAND"),
  entry("--help, -h", "Shows this help."),
  entry("--version", "Shows the version."),
  entry(
    "--log-level LEVEL",
    "Logs to stderr from this level on: trace, debug, info, warning, error, fatal, none or all."
  ),
  HelpDoc.h1("COMPLETIONS"),
  entry("flowwise --completions bash > ~/.local/share/bash-completion/completions/flowwise", "For bash."),
  entry("flowwise --completions zsh > _flowwise", "For zsh. Put the file into a folder of $fpath."),
  entry("flowwise --completions fish > ~/.config/fish/completions/flowwise.fish", "For fish.")
]

const emulator = HelpDoc.blocks([
  HelpDoc.h1("EXAMPLES"),
  entry("flowwise emulator --customers ids.txt", "Prints three settings. Paste them where your program runs."),
  entry("flowwise emulator --port 8049", "Listens on this port each time, so that the settings stay the same."),
  HelpDoc.h1("EXIT STATUS"),
  HelpDoc.p("130 stopped by Ctrl-C; 2 wrong usage, or the port can't be used."),
  ...always
])

const others = HelpDoc.blocks([
  HelpDoc.h1("EXAMPLES"),
  entry("flowwise delete --dry-run --file ids.txt", "Shows what would be sent where."),
  entry("flowwise delete --file ids.txt --journal ids.journal", "Deletes, and can be stopped, killed and run again."),
  entry(
    "flowwise delete --file users.csv --column customer_id --rate 300/minute --max 5000 --json",
    "Deletes the ids of a CSV column, at a limited rate."
  ),
  entry("flowwise report ids.journal --markdown", "Prints a report of the outcomes."),
  HelpDoc.h1("SETTINGS"),
  HelpDoc.p("FLOWWISE_CLIENT_ID and FLOWWISE_CLIENT_SECRET, which never go on the command line."),
  HelpDoc.p("FLOWWISE_ENVIRONMENT is production or sandbox (default: sandbox); FLOWWISE_BASE_URL a host of your own."),
  HelpDoc.h1("EXIT STATUS"),
  HelpDoc.p(
    "0 everything is gone; 1 some are not known to be gone, or none of several was ever there; 2 wrong usage or " +
      "configuration; 3 credentials refused; 130 interrupted."
  ),
  ...always
])

export const footerOf = (command: string | undefined): HelpDoc.HelpDoc => (command === "emulator" ? emulator : others)
