/**
 * How each failure shows to a person and to the shell.
 *
 * @since 0.1.0
 */
import type { Unauthorized } from "@effect-flowwise/client"
import * as ConfigError from "effect/ConfigError"
import type { JournalFailed } from "./Journal.js"
import { type OutputFailed, say, visible } from "./Output.js"
import { Refused } from "./Refused.js"
import type { InputFailed } from "./Run.js"

export type Failure = ConfigError.ConfigError | Refused | InputFailed | JournalFailed | OutputFailed | Unauthorized

/** One line for a person, and a status for the shell. */
export const explain = (failure: Failure) => {
  const [status, message] =
    ConfigError.isConfigError(failure) || failure._tag === "Refused"
      ? [2, refusal(failure)]
      : failure._tag === "Unauthorized"
        ? [3, `the credentials were refused: ${failure.message}. Correct FLOWWISE_CLIENT_ID and FLOWWISE_CLIENT_SECRET`]
        : failure._tag === "OutputFailed"
          ? [1, `stdout can't be written: ${failure.message}`]
          : [1, `${stopped[failure._tag]}, so the run stopped: ${failure.message}`]
  process.exitCode = status
  return say(`flowwise: ${visible(message)}`) // what it names, a path say, may hold anything
}

const stopped = { InputFailed: "the ids can't be read any more", JournalFailed: "the journal can't be written" }

/** Where the summary has already said what is to be deleted. */
export const nothingSent = (failure: ConfigError.ConfigError | Refused) =>
  new Refused({ message: `${refusal(failure)}. Nothing was sent` })

const refusal = (failure: ConfigError.ConfigError | Refused): string =>
  ConfigError.isConfigError(failure) ? oneLine(settings(failure)) : failure.message

/** Which settings are missing or can't be used. */
const settings = (error: ConfigError.ConfigError): string => {
  switch (error._op) {
    case "And":
    case "Or":
      return `${settings(error.left)}; ${settings(error.right)}`
    case "MissingData":
      return `${error.path.join(".")} is not set`
    default:
      return `${error.path.join(".")} ${error.message}`
  }
}

const oneLine = (text: string) => text.replaceAll(/\s*\n\s*/g, " ")
