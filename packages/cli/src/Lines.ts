/**
 * Bytes as lines of text, with an eye on memory and on encoding.
 *
 * @since 0.1.0
 */
import { isUtf8 } from "node:buffer"
import { Refused } from "./Refused.js"

/** A longer line is no record of a customer; nothing more than this of it is ever held. */
const MAX_LINE_BYTES = 64 * 1024
const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = "\uFEFF"

export interface Line {
  /** Counted from 1. */
  readonly number: number
  /** Without its line end, which is LF or CRLF. */
  readonly text: string
}

/** The lines of a file, as many at once as a chunk of it holds. `name` is for what is refused. */
export async function* linesOf(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadonlyArray<Line>> {
  let number = 0
  let rest: Uint8Array = new Uint8Array()

  const line = (bytes: Uint8Array): Line => {
    number++
    refuseTooLong(name, number, bytes.length)
    if (!isUtf8(bytes)) throw new Refused({ message: `${name}: line ${number} is not UTF-8` })
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    return { number, text: (number === 1 ? withoutMark(text) : text).replace(/\r$/, "") }
  }

  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const lines: Array<Line> = []
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      lines.push(line(bytes.subarray(start, end)))
      start = end + 1
    }
    rest = bytes.subarray(start)
    refuseTooLong(name, number + 1, rest.length)
    yield lines
  }
  if (rest.length > 0) yield [line(rest)]
}

/** Passes bytes on, up to a line that is too long: the rest of that is not waited for. */
export async function* boundedLines(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let number = 1
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      refuseTooLong(name, number, length + end - start)
      number++
      length = 0
      start = end + 1
    }
    length += chunk.length - start
    refuseTooLong(name, number, length)
    yield chunk
  }
}

const refuseTooLong = (name: string, line: number, bytes: number) => {
  if (bytes > MAX_LINE_BYTES) {
    throw new Refused({ message: `${name}: line ${line} is longer than ${MAX_LINE_BYTES} bytes` })
  }
}

const withoutMark = (text: string) => (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
