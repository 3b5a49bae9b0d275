/**
 * Bytes as lines of text, with an eye on memory and on encoding.
 *
 * @since 0.1.0
 */
import { isUtf8 } from "node:buffer"
import { TextDecoder } from "node:util"
import { Refused } from "./Refused.js"

/** A longer line is no record of a customer; nothing more than this of it is ever held. */
const MAX_LINE_BYTES = 64 * 1024
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const BYTE_ORDER_MARK = "\uFEFF"

export interface Line {
  /** Counted from 1. */
  readonly number: number
  /** Without its line end. */
  readonly text: string
}

/** The lines of a file, as many at once as a chunk of it holds. `name` is for what is refused. */
export async function* linesOf(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadonlyArray<Line>> {
  let number = 0
  let rest: Uint8Array = new Uint8Array()
  let lineEnd: number | undefined

  const line = (bytes: Uint8Array): Line => {
    number++
    refuseTooLong(name, number, bytes.length)
    if (!isUtf8(bytes)) {
      throw new Refused({ message: `${name}: line ${number} is not UTF-8; save the file as UTF-8` })
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    return { number, text: (number === 1 ? withoutMark(text) : text).replace(/\r$/, "") }
  }

  for await (const chunk of toUtf8(name, chunks)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const lines: Array<Line> = []
    let start = 0
    lineEnd ??= lineEndOf(bytes)
    if (lineEnd !== undefined) {
      for (let end = bytes.indexOf(lineEnd); end !== -1; end = bytes.indexOf(lineEnd, start)) {
        lines.push(line(bytes.subarray(start, end)))
        start = end + 1
      }
    }
    rest = bytes.subarray(start)
    refuseTooLong(name, number + 1, rest.length)
    yield lines
  }
  if (rest.length > 0) yield [line(rest)]
}

/** Passes bytes on, up to a line that is refused: the rest of that is not waited for. */
export async function* checkedLines(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const passed: Array<Uint8Array> = []
  async function* noted() {
    for await (const chunk of chunks) {
      passed.push(chunk)
      yield chunk
    }
  }
  for await (const _ of linesOf(name, noted())) yield* passed.splice(0)
}

/** The first line end is that of the whole file: LF, which CRLF ends with too, or CR. */
const lineEndOf = (bytes: Uint8Array): number | undefined => {
  const first = bytes.findIndex((byte) => byte === LINE_FEED || byte === CARRIAGE_RETURN)
  // A CR at the end of what is there may be half of a CRLF.
  if (first === -1 || (bytes[first] === CARRIAGE_RETURN && first === bytes.length - 1)) return undefined
  return bytes[first] === CARRIAGE_RETURN && bytes[first + 1] !== LINE_FEED ? CARRIAGE_RETURN : LINE_FEED
}

/** UTF-16 with a byte order mark, as Excel and PowerShell write it, becomes UTF-8; all else stays as it is. */
async function* toUtf8(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array()
  let decoder: TextDecoder | undefined
  const decoded = (chunk?: Uint8Array) => {
    try {
      return Buffer.from(decoder?.decode(chunk, { stream: chunk !== undefined }) ?? "")
    } catch {
      throw new Refused({
        message: `${name}: the file begins as ${decoder?.encoding}, but not all of it is; save it as UTF-8`
      })
    }
  }
  for await (const chunk of chunks) {
    const bytes: Uint8Array = head === undefined ? chunk : Buffer.concat([head, chunk])
    if (head !== undefined && bytes.length < 2) {
      head = bytes
      continue
    }
    if (head !== undefined) {
      const mark = Buffer.from(bytes.subarray(0, 2)).toString("hex")
      if (mark === "fffe" || mark === "feff") {
        decoder = new TextDecoder(mark === "fffe" ? "utf-16le" : "utf-16be", { fatal: true })
      }
      head = undefined
    }
    yield decoder === undefined ? bytes : decoded(bytes)
  }
  if (head !== undefined && head.length > 0) yield head
  if (decoder !== undefined) yield decoded()
}

const refuseTooLong = (name: string, line: number, bytes: number) => {
  if (bytes > MAX_LINE_BYTES) {
    throw new Refused({ message: `${name}: line ${line} is longer than ${MAX_LINE_BYTES} bytes` })
  }
}

const withoutMark = (text: string) => (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
