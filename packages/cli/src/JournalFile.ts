/**
 * The format of a journal, and how one is read.
 *
 * @since 0.1.0
 */
import type { FileHandle } from "node:fs/promises"
import { DeletionOutcome } from "@effect-flowwise/client"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { linesOf } from "./Lines.js"
import { Refused } from "./Refused.js"

const CHUNK_BYTES = 256 * 1024
const LINE_FEED = 0x0a

const line = {
  /** Of the input. */
  line: Schema.Int.pipe(Schema.positive()),
  at: Schema.DateTimeUtc
}

/** The first line: what the journal is about. */
export const Header = Schema.TaggedStruct("Header", {
  version: Schema.Literal(1),
  environment: Schema.String,
  /** Absolute, without a trailing slash. */
  baseUrl: Schema.String.pipe(Schema.filter((url) => URL.canParse(url))),
  /** The SHA-256 of it, hexadecimal. */
  clientIdSha256: Schema.String,
  input: Schema.Struct({
    sha256: Schema.String,
    format: Schema.String,
    ids: Schema.NonNegativeInt,
    duplicates: Schema.NonNegativeInt,
    lastLine: Schema.NonNegativeInt
  }),
  at: Schema.DateTimeUtc
})
export type Header = typeof Header.Type

/** Another run on the same journal begins. */
const Resumed = Schema.TaggedStruct("Resumed", { at: Schema.DateTimeUtc })

/** A request is about to be sent. */
const Intent = Schema.TaggedStruct("Intent", { ...line, customerId: Schema.String })

/** What became of the last intent of this line, and who said so. */
const Outcome = Schema.TaggedStruct("Outcome", { ...line, host: Schema.String, outcome: DeletionOutcome })

/** The credentials of the last intent's request were refused: it deleted nobody. */
const NotDeleted = Schema.TaggedStruct("NotDeleted", line)

export const JournalLine = Schema.Union(Header, Resumed, Intent, Outcome, NotDeleted)
export type JournalLine = typeof JournalLine.Type

const Text = Schema.parseJson(JournalLine)
export const encode: (line: JournalLine) => string = Schema.encodeSync(Text)
const decode = Schema.decodeUnknownEither(Text)

/**
 * Gives every line to `onLine`, and tells where the last whole one ends. What follows it was cut off by a kill or a full
 * disk; damage anywhere else is refused.
 */
export const read = async (
  path: string,
  file: FileHandle,
  onLine: (line: JournalLine) => void
): Promise<{ readonly end: number; readonly size: number }> => {
  const { size } = await file.stat()
  const end = await endOfLastLine(file, size)
  let header: Header | undefined
  /** Intents without an outcome so far. There are several for one line after a kill, and where the lock failed. */
  const open = new Map<number, Array<string>>()
  const closes = (line: number, customerId?: string): boolean => {
    const [intended, ...others] = open.get(line) ?? []
    if (others.length === 0) open.delete(line)
    else open.set(line, others)
    return intended !== undefined && (customerId ?? intended) === intended
  }
  const follows = (line: JournalLine): boolean => {
    switch (line._tag) {
      case "Header":
        header = line
        return true
      case "Resumed":
        return true
      case "Intent":
        open.set(line.line, [...(open.get(line.line) ?? []), line.customerId])
        return true
      case "Outcome":
        return closes(line.line, line.outcome.customerId)
      case "NotDeleted":
        return closes(line.line)
    }
  }
  for await (const batch of linesOf(path, chunksOf(file, end))) {
    for (const { number, text } of batch) {
      const decoded = Either.getOrUndefined(decode(text))
      const fits = decoded !== undefined && (number === 1) === (decoded._tag === "Header")
      if (!fits || !follows(decoded) || ("line" in decoded && decoded.line > (header?.input.lastLine ?? 0))) {
        throw new Refused({
          message:
            number === 1
              ? `${path}: line 1 is not the beginning of a journal that this version can read; begin a new one`
              : `${path}: line ${number} is damaged; restore the journal, or begin a new one`
        })
      }
      onLine(decoded)
    }
  }
  return { end, size }
}

/** Nothing but the beginning of a first line: no request was sent yet. */
export const isTornHeader = async (file: FileHandle, size: number): Promise<boolean> => {
  const start = `{"_tag":"Header"`
  const { buffer, bytesRead } = await file.read(Buffer.alloc(start.length), 0, start.length, 0)
  return start.startsWith(buffer.subarray(0, Math.min(size, bytesRead)).toString())
}

async function* chunksOf(file: FileHandle, end: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < end; ) {
    const length = Math.min(CHUNK_BYTES, end - position)
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    position += bytesRead
  }
}

const endOfLastLine = async (file: FileHandle, size: number): Promise<number> => {
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES)
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
    const found = buffer.lastIndexOf(LINE_FEED)
    if (found !== -1) return start + found + 1
    end = start
  }
  return 0
}
