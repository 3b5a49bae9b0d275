/**
 * The ids in one column of a table.
 *
 * @since 0.1.0
 */
import { pipeline, Readable } from "node:stream"
import type { Options, parse } from "csv-parse"
import type { Line } from "./Lines.js"
import { count, visible } from "./Output.js"
import { Refused } from "./Refused.js"

/** A record with a quoted line break has no end in sight. */
const MAX_RECORD_BYTES = 64 * 1024
const SEPARATORS = [",", ";", "\t"]

export interface Csv {
  readonly _tag: "Csv"
  /** What separates the columns, where it was said. */
  readonly delimiter: string | undefined
  readonly column: string
}

export interface Cell {
  readonly line: number
  readonly text: string
  /** Whether the table has no other column. */
  readonly alone: boolean
}

/** The cells of one column, below its heading. */
export async function* cellsOf(
  name: string,
  lines: AsyncIterable<ReadonlyArray<Line>>,
  { column, delimiter }: Csv
): AsyncGenerator<Cell> {
  // Loaded here, since most inputs are no tables.
  const { parse } = await import("csv-parse")
  const reader = lines[Symbol.asyncIterator]()
  const first = await firstOf(reader)
  // Excel's own line, which says what separates the columns.
  const said = /^sep=(.)$/i.exec(first[0]?.text ?? "")?.[1]
  const heading = first.slice(said === undefined ? 0 : 1).find(({ text }) => text !== "")?.text ?? ""
  const separator = delimiter ?? said ?? (await separatorOf(parse, heading, column))
  async function* text() {
    yield textOf(first)
    for await (const batch of { [Symbol.asyncIterator]: () => reader }) {
      if (batch.length > 0) yield textOf(batch)
    }
  }
  const options = { ...dialect(separator), info: true, from_line: said === undefined ? 1 : 2 }
  const records: AsyncIterable<{ record: ReadonlyArray<string>; info: { lines: number } }> = pipeline(
    Readable.from(text(), { highWaterMark: 1 }),
    parse(options),
    () => {}
  )
  let index: number | undefined
  let columns = 0
  try {
    for await (const { info, record } of records) {
      if (index !== undefined) {
        yield { line: info.lines, text: record[index] ?? "", alone: columns === 1 }
        continue
      }
      columns = record.length
      index = record.indexOf(column)
      if (index === -1 || record.lastIndexOf(column) !== index) {
        const problem = index === -1 ? "there is no column" : "there is more than one column"
        const others = visible(record.join(", ")).slice(0, 200)
        const hint = record.length === 1 ? "; if something else separates the columns, add --delimiter" : ""
        const message = `${name}: line ${info.lines}: ${problem} "${column}", but ${others}${hint}`
        throw new Refused({ message })
      }
    }
  } catch (error) {
    throw inWords(name, error, separator, columns)
  }
}

const dialect = (delimiter: string): Options => ({
  delimiter,
  skip_empty_lines: true,
  record_delimiter: "\n",
  max_record_size: MAX_RECORD_BYTES
})

const textOf = (lines: ReadonlyArray<Line>) => lines.map(({ text }) => `${text}\n`).join("")

/** The first two lines, or what there is. */
const firstOf = async (reader: AsyncIterator<ReadonlyArray<Line>>): Promise<ReadonlyArray<Line>> => {
  const first: Array<Line> = []
  while (first.length < 2) {
    const { done, value } = await reader.next()
    if (done) break
    first.push(...value)
  }
  return first
}

/** The one that makes a column of that name, else the one that makes the most columns. */
const separatorOf = async (parseStream: typeof parse, heading: string, column: string): Promise<string> => {
  const found = await Promise.all(
    SEPARATORS.map(async (separator) => {
      const cells = await new Promise<ReadonlyArray<string>>((resolve) =>
        parseStream(heading, { ...dialect(separator), relax_quotes: true }, (_, records) => resolve(records?.[0] ?? []))
      )
      return { separator, cells }
    })
  )
  const named = found.find(({ cells }) => cells.includes(column))
  return (named ?? found.reduce((most, one) => (one.cells.length > most.cells.length ? one : most))).separator
}

const inWords = (name: string, error: unknown, separator: string, columns: number): unknown => {
  const { code, lines, record } = error as { code?: string; lines?: number; record?: ReadonlyArray<string> }
  const by = separator === "\t" ? "a tab" : `"${separator}"`
  const at = `${name}: line ${lines}`
  switch (code) {
    case "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH":
      return new Refused({ message: `${at} has ${count(record?.length ?? 0, "cell")}, and the heading has ${columns}` })
    case "CSV_INVALID_CLOSING_QUOTE":
    case "INVALID_OPENING_QUOTE":
      return new Refused({
        message: `${at} has a quote within a cell; write it twice, or add --delimiter if not ${by} separates the columns`
      })
    case "CSV_QUOTE_NOT_CLOSED":
      return new Refused({ message: `${at}: the file ends here, and a quote is still open` })
    case "CSV_MAX_RECORD_SIZE":
      return new Refused({
        message: `${at}: the record is longer than ${MAX_RECORD_BYTES} bytes; is a quote not closed?`
      })
    default:
      return error
  }
}
