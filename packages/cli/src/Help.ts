/**
 * What stands below the options in each `--help`.
 *
 * @since 0.1.0
 */

const deleting = `
Examples:
  flowwise delete --dry-run --file ids.txt
      Shows what would be sent where.
  flowwise delete --file ids.txt --journal ids.journal
      Deletes, and can be stopped, killed and run again.
  flowwise delete --file users.csv --column customer_id --rate 300/minute --max 5000 --json
      Deletes the ids of a CSV column, at a limited rate.
  flowwise report ids.journal --markdown
      Prints a report of the outcomes.

Settings:
  FLOWWISE_CLIENT_ID and FLOWWISE_CLIENT_SECRET, which never go on the command line.
  FLOWWISE_ENVIRONMENT is production or sandbox (default: sandbox);
  FLOWWISE_BASE_URL a host of your own.
  FLOWWISE_ALLOW_HTTP=true permits plain http to another machine.

Exit status:
  0 everything is gone
  1 some are not known to be gone, or none of them was there (with two or more customers)
  2 wrong usage or configuration
  3 credentials refused
  130 interrupted`

const reporting = `
Examples:
  flowwise report ids.journal --markdown
      Prints a report of the outcomes.
  flowwise report ids.journal --html > report.html
      Writes a page to print and to file.

Exit status:
  0 the report is printed
  2 wrong usage, or the journal can't be read`

const emulating = `
Examples:
  flowwise emulator --customers ids.txt
      Prints three settings. Paste them where your program runs.
  flowwise emulator --port 8049
      Listens on this port each time, so that the settings stay the same.

Exit status:
  130 stopped by Ctrl-C
  2 wrong usage, or the port can't be used`

const completions = `

Completions:
  flowwise --completions bash > ~/.local/share/bash-completion/completions/flowwise
  flowwise --completions zsh > _flowwise
      Put the file into a folder of $fpath.
  flowwise --completions fish > ~/.config/fish/completions/flowwise.fish`

const ends: Readonly<Record<string, string>> = { emulator: emulating, report: reporting }

export const footerOf = (command: string): string => `${ends[command] ?? deleting}${completions}`
