/**
 * The two streams of the command: outcomes go to stdout, everything that is said to a person to stderr.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { systemMessage } from "./Refused.js"

/** Whoever read the outcomes has gone, as `head` does. */
export class OutputClosed extends Data.TaggedError("OutputClosed") {}

/** The outcomes can't be written, say to a full disk. */
export class OutputFailed extends Data.TaggedError("OutputFailed")<{ readonly message: string }> {}

/** Waits until the lines are taken, so that a slow reader slows the deletions down. */
export const printLines = (lines: ReadonlyArray<string>): Effect.Effect<void, OutputClosed | OutputFailed> =>
  Effect.async((resume) => {
    process.stdout.write(`${lines.join("\n")}\n`, (error) =>
      resume(error ? Effect.fail(whyUnwritten(error)) : Effect.void)
    )
  })

export const printLine = (line: string): Effect.Effect<void, OutputClosed | OutputFailed> => printLines([line])

const whyUnwritten = (error: NodeJS.ErrnoException) =>
  error.code === "EPIPE" ? new OutputClosed() : new OutputFailed({ message: systemMessage(error) })

export const say = (text: string): Effect.Effect<void> => Effect.sync(() => void process.stderr.write(`${text}\n`))

/** A stream that breaks while nobody watches would end the process with a stack trace. */
export const ignoreBrokenPipes = () => {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})
}

/** Control characters, line breaks, changes of direction. */
export const invisible: RegExp = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A text of others, safe for a terminal. */
export const visible = (text: string): string =>
  text.replace(invisible, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/** What is asked, host and path: the same host may serve several environments. */
export const place = (baseUrl: string): string => baseUrl.replace(/^https?:\/\//, "")

/** `1,234`. */
export const grouped = (number: number): string => String(number).replace(/\B(?=(\d{3})+$)/g, ",") // `Intl` takes 20 ms to load

/** `1,234 customers`, `1 customer`. */
export const count = (number: number, noun: string): string => `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`
