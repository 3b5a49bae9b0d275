/**
 * How ids stand in a file: one a line, in a column of a table, or in a field of JSON Lines.
 *
 * @since 0.1.0
 */
import { pipeline, Readable } from "node:stream"
import { CustomerId } from "@effect-flowwise/client"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type Line, linesOf } from "./Lines.js"
import { visible } from "./Output.js"
import { Refused } from "./Refused.js"

/** A record with a quoted line break has no end in sight. */
const MAX_RECORD_BYTES = 64 * 1024

export type Format =
  | { readonly _tag: "Text" }
  | { readonly _tag: "Csv"; readonly column: string }
  | { readonly _tag: "JsonLines"; readonly field: string }

export interface Entry {
  /** Where the id stands: its line, or its place among the arguments, counted from 1. */
  readonly line: number
  readonly id: string
}

/** The ids in a file, each checked; `name` is for what is refused. */
export async function* entriesOf(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  format: Format,
  trim: boolean
): AsyncGenerator<ReadonlyArray<Entry>> {
  const at = (line: number) => `${name}: line ${line}`
  const entry = (line: number, text: string): Entry => ({
    line,
    id: checked(trim ? text.trim() : text, at(line), format._tag === "JsonLines")
  })
  const lines = linesOf(name, bytes)
  switch (format._tag) {
    case "Text":
      for await (const batch of lines) {
        yield batch
          .filter(({ text }) => (trim ? text.trim() : text) !== "")
          .map(({ number, text }) => entry(number, text))
      }
      return
    case "JsonLines":
      for await (const batch of lines) {
        yield batch
          .filter(({ text }) => text.trim() !== "")
          .map(({ number, text }) => entry(number, fieldOf(text, format.field, at(number))))
      }
      return
    case "Csv":
      for await (const { line, text } of cellsOf(name, lines, format.column)) yield [entry(line, text)]
  }
}

const fieldOf = (text: string, field: string, where: string): string => {
  const value = Either.getOrUndefined(Either.try(() => JSON.parse(text)))
  if (typeof value !== "object" || value === null) throw new Refused({ message: `${where} is no JSON object` })
  if (!Object.hasOwn(value, field)) throw new Refused({ message: `${where} has no field "${visible(field)}"` })
  if (typeof value[field] !== "string") {
    throw new Refused({ message: `${where}: the field "${visible(field)}" is no string` })
  }
  return value[field]
}

/** The cells of one column, below its heading. */
async function* cellsOf(name: string, lines: AsyncIterable<ReadonlyArray<Line>>, column: string) {
  async function* text() {
    for await (const batch of lines) {
      if (batch.length > 0) yield batch.map(({ text }) => `${text}\n`).join("")
    }
  }
  // Loaded here, since most inputs are no tables.
  const { parse } = await import("csv-parse")
  const parser = parse({
    info: true,
    skip_empty_lines: true,
    record_delimiter: "\n",
    max_record_size: MAX_RECORD_BYTES
  })
  const records: AsyncIterable<{ record: ReadonlyArray<string>; info: { lines: number } }> = pipeline(
    Readable.from(text(), { highWaterMark: 1 }),
    parser,
    () => {}
  )
  let index: number | undefined
  for await (const { info, record } of records) {
    if (index !== undefined) {
      yield { line: info.lines, text: record[index] ?? "" }
      continue
    }
    index = record.indexOf(column)
    if (index === -1 || record.lastIndexOf(column) !== index) {
      const problem = index === -1 ? "there is no column" : "there is more than one column"
      const others = visible(record.join(", ")).slice(0, 200)
      throw new Refused({ message: `${name}: line 1: ${problem} "${visible(column)}", but ${others}` })
    }
  }
}

const decodeId = Schema.decodeUnknownEither(CustomerId)

/** The id, if it can be sent and is most likely meant as it stands. `where` is for what is refused. */
export const checked = (id: string, where: string, escaped = false): string => {
  const refuse = (problem: string) => new Refused({ message: `${where}: ${problem}` })
  if (id !== "" && id.trim() !== id) throw refuse("the id has blanks around it; remove them, or add --trim")
  // A tab or a lone carriage return says that this is another format; JSON writes them on purpose.
  if (!escaped && /\p{Cc}/u.test(id)) throw refuse("the id holds a control character; --column and --field read tables")
  return Either.getOrThrowWith(decodeId(id), (error) =>
    refuse(ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? "it is no customer id")
  )
}
