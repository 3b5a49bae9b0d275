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

/** Byte by byte, which holds in every locale. */
const escaped = (character: string) =>
  Array.from(Buffer.from(character), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")

/** For cmd and PowerShell alike. */
const forWindows = (argument: string) =>
  /^[\w+=:./\\-]+$/.test(argument) ? argument : `"${visible(argument).replaceAll('"', '""')}"`
