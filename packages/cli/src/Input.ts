/**
 * Who is to be deleted: ids from arguments, a file or standard input.
 *
 * An input is read twice. The first pass checks every line, counts and hashes, before anything is sent; the second gives
 * the ids as they are needed, so that memory doesn't grow with them, if their bytes are still the same.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { createWriteStream } from "node:fs"
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { extname, join } from "node:path"
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import * as Effect from "effect/Effect"
import { isNotUndefined } from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { checked, type Entry, entriesOf, type Format, type Rules } from "./Format.js"
import { checkedLines } from "./Lines.js"
import { Refused, systemMessage } from "./Refused.js"

/** An id that comes again within so many others is sent once. */
const DUPLICATES_WINDOW = 50_000
const CHUNK_BYTES = 64 * 1024

export interface Input {
  /** For messages: a path, `standard input` or `arguments`. */
  readonly name: string
  /** How it was read: the same bytes give other ids in another way. */
  readonly format: string
  /** Of its bytes, hexadecimal. */
  readonly sha256: string
  /** How many, without the duplicates. */
  readonly ids: number
  readonly duplicates: number
  readonly firstIds: ReadonlyArray<string>
  readonly lastLine: number
  /** In batches. It throws nothing but `Refused`. */
  readonly entries: () => AsyncGenerator<ReadonlyArray<Entry>, void>
}

/** The ids that stand on the command line. */
export const fromArguments = (ids: ReadonlyArray<string>, rules: Rules): Effect.Effect<Input, Refused> => {
  const place = { argument: true, bare: true, first: false, escaped: false }
  const batch = ids.map((id, index) => ({ line: index + 1, id }))
  return survey({
    name: "arguments",
    format: "arguments",
    bytes: async function* () {
      yield Buffer.from(ids.join("\n"))
    },
    entries: async function* (bytes) {
      // What nobody reads isn't hashed, and any other ids would be the same input. It comes in one piece.
      for await (const _ of bytes) {
        yield batch.map(({ id, line }) => ({ line, id: checked(id, `argument ${line}`, rules, place) }))
      }
    }
  })
}

/** The ids in a file, or on standard input where `path` is `-`. */
export const fromFile = (
  path: string,
  format: Format,
  trim: boolean,
  allowUnusual = true
): Effect.Effect<Input, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const name = path === "-" ? "standard input" : path
    if (format._tag === "Text") yield* expectText(path)
    const file = yield* path === "-" ? spool(name, process.stdin) : openFile(path)
    return yield* survey({
      name,
      // The name last: it may read like anything.
      format: [
        trim ? `${format._tag}, trimmed` : format._tag,
        ...Object.values(format).slice(1).filter(isNotUndefined)
      ].join(" "),
      bytes: () => chunksOf(file),
      entries: (bytes) => entriesOf(name, bytes, format, { trim, allowUnusual })
    })
  })

/** A table that is read as plain text would give ids that nobody has, and "nobody there" looks like success. */
const expectText = (path: string) => {
  const needs = {
    ".csv": "--column",
    ".tsv": "--column",
    ".jsonl": "--field",
    ".ndjson": "--field",
    ".json": "--field"
  }
  const option = needs[extname(path).toLowerCase() as keyof typeof needs]
  return option === undefined ? Effect.void : new Refused({ message: `${path}: say with ${option} where the ids are` })
}

const openFile = (path: string): Effect.Effect<FileHandle, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const file = yield* Effect.acquireRelease(
      attempt(path, () => open(path, "r")),
      (file) => Effect.promise(() => file.close())
    )
    const stats = yield* attempt(path, () => file.stat())
    if (stats.isDirectory()) {
      return yield* new Refused({ message: `${path}: it is a directory, and not a file with ids` })
    }
    // What can't be read twice, say a named pipe.
    return stats.isFile() ? file : yield* spool(path, file.createReadStream({ autoClose: false }))
  })

/** Keeps what can be read only once in a file of its own, which nobody else can open. */
const spool = (name: string, source: Readable): Effect.Effect<FileHandle, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      attempt(tmpdir(), () => mkdtemp(join(tmpdir(), "flowwise-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const path = join(folder, "ids")
    yield* attempt(name, (signal) =>
      pipeline(checkedLines(name, source), createWriteStream(path, { mode: 0o600, flags: "wx" }), { signal })
    )
    const file = yield* Effect.acquireRelease(
      attempt(path, () => open(path, "r")),
      (file) => Effect.promise(() => file.close())
    )
    // From here on the ids have no name on the disk, so that nothing stays behind, however this process ends.
    if (process.platform !== "win32") yield* attempt(folder, () => rm(folder, { recursive: true }))
    return file
  })

/** From its beginning to its end. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    position += bytesRead
  }
}

interface Source {
  readonly name: string
  readonly format: string
  readonly bytes: () => AsyncIterable<Uint8Array>
  readonly entries: (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<ReadonlyArray<Entry>>
}

/** The first pass. */
const survey = ({ bytes, entries, format, name }: Source): Effect.Effect<Input, Refused> =>
  Effect.gen(function* () {
    const found = { ids: 0, duplicates: 0, lastLine: 0, firstIds: [] as string[] }
    const repeated = makeLineSet()
    const hash = createHash("sha256")
    /** After each part. */
    const digests: Array<string> = []
    async function* hashed() {
      for await (const chunk of bytes()) {
        digests.push(hash.update(chunk).copy().digest("base64"))
        yield chunk
      }
    }
    /** What has changed since is not what was checked and confirmed. */
    async function* unchanged() {
      const changed = new Refused({ message: `${name}: it was changed while it was read` })
      const again = createHash("sha256")
      let next = 0
      for await (const chunk of bytes()) {
        if (again.update(chunk).copy().digest("base64") !== digests[next++]) throw changed
        yield chunk
      }
      if (next < digests.length) throw changed
    }
    yield* attempt(name, async (signal) => {
      const isRepeated = withinWindow()
      for await (const batch of entries(hashed())) {
        signal.throwIfAborted()
        for (const { id, line } of batch) {
          if (isRepeated(id)) {
            found.duplicates++
            repeated.add(line)
            continue
          }
          found.ids++
          found.lastLine = line
          if (found.firstIds.length < 3) found.firstIds.push(id)
        }
      }
    })
    if (found.ids === 0) {
      return yield* new Refused({ message: `${name}: there is no customer id in it` })
    }
    return {
      name,
      format,
      sha256: hash.digest("hex"),
      ...found,
      entries: async function* () {
        try {
          for await (const batch of entries(unchanged())) yield batch.filter(({ line }) => !repeated.has(line))
        } catch (error) {
          throw toRefused(name)(error)
        }
      }
    }
  })

/** Whether an id came already; remembers it. */
const withinWindow = () => {
  // Two halves: when the newer one is full, the older one is forgotten at once.
  let older = new Set<string>()
  let newer = new Set<string>()
  return (id: string): boolean => {
    if (newer.has(id) || older.has(id)) return true
    if (newer.size === DUPLICATES_WINDOW) {
      older = newer
      newer = new Set()
    }
    newer.add(id)
    return false
  }
}

/** Line numbers, a bit for each: what the second pass has to know of the first, without its ids. */
const makeLineSet = () => {
  let bytes = new Uint8Array(0)
  return {
    add: (line: number) => {
      const index = Math.floor(line / 8)
      if (index >= bytes.length) {
        const larger = new Uint8Array(2 * index + 1)
        larger.set(bytes)
        bytes = larger
      }
      bytes[index] = (bytes[index] ?? 0) | (1 << (line % 8))
    },
    has: (line: number): boolean => ((bytes[Math.floor(line / 8)] ?? 0) & (1 << (line % 8))) !== 0
  }
}

const attempt = <A>(name: string, run: (signal: AbortSignal) => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: toRefused(name) })

const toRefused = (name: string) => (error: unknown) =>
  error instanceof Refused ? error : new Refused({ message: `${name}: ${systemMessage(error)}` })
