/**
 * How each failure shows to a person and to the shell.
 *
 * @since 0.1.0
 */
import * as ValidationError from "@effect/cli/ValidationError"
import type { Unauthorized } from "@effect-flowwise/client"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import type { JournalFailed } from "./Journal.js"
import { type OutputFailed, say } from "./Output.js"
import type { Refused } from "./Refused.js"

export type Failure =
  | ValidationError.ValidationError
  | ConfigError.ConfigError
  | Refused
  | JournalFailed
  | OutputFailed
  | Unauthorized

/** One line for a person, and a status for the shell. */
export const explain = (failure: Failure) => {
  const [status, message] = ValidationError.isValidationError(failure)
    ? [2] // printed by the parser
    : ConfigError.isConfigError(failure)
      ? [2, oneLine(String(failure))]
      : failure._tag === "Refused"
        ? [2, failure.message]
        : failure._tag === "Unauthorized"
          ? [
              3,
              `the credentials were refused: ${failure.message}. Correct FLOWWISE_CLIENT_ID and FLOWWISE_CLIENT_SECRET`
            ]
          : failure._tag === "OutputFailed"
            ? [1, `stdout can't be written: ${failure.message}`]
            : [1, `the journal can't be written, so that the run had to stop: ${failure.message}`]
  process.exitCode = status
  return message === undefined ? Effect.void : say(`flowwise: ${message}`)
}

const oneLine = (text: string) => text.replaceAll(/\s*\n\s*/g, " ")
