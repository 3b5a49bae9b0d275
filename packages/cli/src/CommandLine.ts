/**
 * A command line to paste.
 *
 * @since 0.1.0
 */

import { invisible, visible } from "./Output.js"

/** The same command again, in words that the shell of the platform takes for the same arguments. */
export const commandLine = (args: ReadonlyArray<string>, platform: NodeJS.Platform): string =>
  ["flowwise", ...args.map(platform === "win32" ? forWindows : forPosix)].join(" ")

const forPosix = (argument: string) =>
  /^[\w@%+=:,./-]+$/.test(argument)
    ? argument
    : visible(argument) === argument
      ? `'${argument.replaceAll("'", `'\\''`)}'`
      : `$'${argument.replaceAll(/['\\]/g, "\\$&").replaceAll(invisible, escaped)}'`

const escaped = (character: string) => `\\U${character.codePointAt(0)?.toString(16).padStart(8, "0")}`

/** For cmd and PowerShell alike. */
const forWindows = (argument: string) =>
  /^[\w+=:./\\-]+$/.test(argument) ? argument : `"${visible(argument).replaceAll('"', '""')}"`
