/**
 * A command line to paste.
 *
 * @since 0.1.0
 */

/** The same command again, in words that the shell of the platform takes for the same arguments. */
export const commandLine = (args: ReadonlyArray<string>, platform: NodeJS.Platform): string =>
  ["flowwise", ...args.map(platform === "win32" ? forWindows : forPosix)].join(" ")

const forPosix = (argument: string) =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`

/** For cmd and PowerShell alike. */
const forWindows = (argument: string) =>
  /^[\w+=:./\\-]+$/.test(argument) ? argument : `"${argument.replaceAll('"', '""')}"`
