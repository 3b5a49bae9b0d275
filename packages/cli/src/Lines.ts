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
    tooLong(bytes)
    if (!isUtf8(bytes)) throw new Refused({ message: `${name}: line ${number} is not UTF-8` })
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    return { number, text: (number === 1 ? withoutMark(text) : text).replace(/\r$/, "") }
  }
  const tooLong = (bytes: Uint8Array, at = number) => {
    if (bytes.length > MAX_LINE_BYTES) {
      throw new Refused({ message: `${name}: line ${at} is longer than ${MAX_LINE_BYTES} bytes` })
    }
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
    tooLong(rest, number + 1)
    yield lines
  }
  if (rest.length > 0) yield [line(rest)]
}

const withoutMark = (text: string) => (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
