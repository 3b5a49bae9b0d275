/**
 * What was asked, of whom, when, and what came back: the evidence of a run, and what lets it go on after a kill.
 *
 * An intent is written when its request is about to go, and is on the disk before it goes. An outcome is on the disk before
 * it is reported.
 *
 * @since 0.1.0
 */
import { constants, fstatSync, type Stats } from "node:fs"
import { type FileHandle, open as openFile, realpath, truncate } from "node:fs/promises"
import { dirname } from "node:path"
import {
  CustomerAlreadyAbsent,
  type DeletionOutcome,
  DeletionUnconfirmed,
  type FlowwiseClient,
  RequestFailed
} from "@effect-flowwise/client"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Scope from "effect/Scope"
import type { Entry } from "./Format.js"
import { encode, type Header, isTornHeader, type JournalLine, read } from "./JournalFile.js"
import * as Ledger from "./Ledger.js"
import * as Lock from "./Lock.js"
import { Refused, systemMessage } from "./Refused.js"
import * as UnderWay from "./UnderWay.js"

const SECOND_WRITER =
  "another run is writing to this journal too. Make sure that only one is left, and start that one again"
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND

/** The journal could be written when the run began, and now it can't: the run has to stop. */
export class JournalFailed extends Data.TaggedError("JournalFailed")<{ readonly message: string }> {}

export interface Journal {
  /** Writes down that a run begins. */
  readonly begin: Effect.Effect<void, Refused>
  /** How many were gone before this run. */
  readonly gone: number
  readonly isGone: (entry: Entry) => boolean
  /** Remembers the line of an id that is taken up, and gives the id. */
  readonly take: (entry: Entry) => string
  /** The client, with an intent on the disk before the first request for a line. */
  readonly announcing: (client: FlowwiseClient["Type"]) => FlowwiseClient["Type"]
  /** Before they are reported; gives the outcomes in the light of the runs before. */
  readonly outcomes: (
    outcomes: Chunk.Chunk<DeletionOutcome>
  ) => Effect.Effect<Chunk.Chunk<DeletionOutcome>, JournalFailed>
  /** The run is over: a line with an intent and no outcome had its credentials refused. */
  readonly notDeleted: Effect.Effect<void, JournalFailed>
  /** After all runs so far. */
  readonly totals: () => Totals
}

export type Totals = Pick<Ledger.Totals, "deleted" | "alreadyAbsent" | "afterAmbiguousAttempt" | "unknown">

/** Where nobody asked for one. */
export const none: Effect.Effect<Journal> = Effect.sync(() => {
  const totals = { deleted: 0, alreadyAbsent: 0, afterAmbiguousAttempt: 0, unknown: 0 }
  const add = (outcome: DeletionOutcome) => {
    if (outcome._tag === "CustomerDeleted") totals.deleted++
    else if (Ledger.mayBeDeleted(outcome)) totals.unknown++
    else if (outcome._tag === "CustomerAlreadyAbsent") {
      totals.alreadyAbsent++
      if (outcome.afterAmbiguousAttempt) totals.afterAmbiguousAttempt++
    }
  }
  return {
    begin: Effect.void,
    gone: 0,
    isGone: () => false,
    take: ({ id }) => id,
    announcing: identity,
    outcomes: (outcomes) =>
      Effect.as(
        Effect.sync(() => Chunk.forEach(outcomes, add)),
        outcomes
      ),
    notDeleted: Effect.void,
    totals: () => totals
  }
})

/** Begins a journal, or goes on with one of the same base URL, account and input. */
export const open = (path: string, header: Header): Effect.Effect<Journal, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const real = yield* attempt(path, () => realPathOf(path))
    yield* Lock.acquire(real)
    const file = yield* Effect.acquireRelease(
      attempt(path, () => openFile(real, OPEN_FLAGS, 0o600)),
      (file) => Effect.promise(() => file.close())
    )
    const ledger = Ledger.make(header.input.lastLine)
    const { append, begin } = yield* attempt(path, () => resume(path, real, file, header, ledger))
    const { alreadyAbsent, deleted } = ledger.count()
    const { host } = new URL(header.baseUrl)
    let failure: JournalFailed | undefined
    const write = (lines: ReadonlyArray<JournalLine>) =>
      Effect.tryPromise({
        try: () => append(lines.map((line) => `${encode(line)}\n`).join("")),
        catch: (error) => (failure ??= new JournalFailed({ message: `${path}: ${systemMessage(error)}` }))
      }).pipe(
        Effect.zipLeft(Effect.sync(() => lines.forEach(ledger.add))),
        // They are written in any case, so that the ledger has to know.
        Effect.uninterruptible
      )

    const underWay = UnderWay.make()
    /** A resend needs no second intent, but a journal that can still be written. */
    const intent = (id: string) =>
      Effect.flatMap(DateTime.now, (at) => {
        const taken = underWay.ask(id)
        if (failure !== undefined) return Effect.fail(failure)
        if (taken === undefined) return Effect.void
        taken.ambiguous = ledger.isAmbiguous(taken.line)
        return write([{ _tag: "Intent", line: taken.line, customerId: id, at }])
      })
    return {
      begin: attempt(path, begin),
      gone: deleted + alreadyAbsent,
      isGone: ({ line }) => ledger.isGone(line),
      take: underWay.take,
      announcing: (client) => ({
        ...client,
        deleteCustomer: (id) =>
          intent(id).pipe(
            // Nobody sees this outcome: the run stops when it comes to be written.
            Effect.mapError(({ message }) => new RequestFailed({ message, reason: "InvalidRequest", delivered: "no" })),
            Effect.zipRight(client.deleteCustomer(id))
          )
      }),
      outcomes: (results) =>
        Effect.gen(function* () {
          const at = yield* DateTime.now
          const lines = Chunk.map(results, (result) => {
            const { ambiguous, line } = underWay.end(result.customerId)
            const outcome = ambiguous ? afterAmbiguousAttempt(result) : result
            return { _tag: "Outcome" as const, line, host, outcome, at }
          })
          yield* write(Chunk.toReadonlyArray(lines))
          return Chunk.map(lines, ({ outcome }) => outcome)
        }),
      notDeleted: Effect.flatMap(DateTime.now, (at) =>
        write(underWay.asked().map((line) => ({ _tag: "NotDeleted", line, at })))
      ),
      totals: ledger.count
    }
  })

/** Its one name, whatever links lead to it: the lock stands beside it. Only what exists has one. */
const realPathOf = async (path: string) => {
  const file = await openFile(path, OPEN_FLAGS, 0o600)
  await file.close()
  return realpath(path)
}

/** Takes in what the runs before have written, puts the end of it right, and gives what begins another run and what appends. */
const resume = async (path: string, real: string, file: FileHandle, header: Header, ledger: Ledger.Ledger) => {
  const stats = await file.stat()
  if (!stats.isFile()) throw new Refused({ message: `${path}: a journal has to be a file` })
  if (isOutput(stats)) {
    throw new Refused({ message: `${path}: what this command prints goes to this file too; send it to another one` })
  }
  if (stats.nlink > 1) {
    throw new Refused({
      message: `${path}: this journal has more than one name (hard links), and a lock for each; remove the others`
    })
  }
  let found: Header | undefined
  const { end, size } = await read(path, file, (line) => {
    ledger.add(line)
    if (line._tag === "Header") {
      found = line
      sameRun(path, line, header)
    }
  })
  if (end === 0 && !(await isTornHeader(file, size))) {
    throw new Refused({ message: `${path}: it is a file, but not a journal` })
  }
  await file.chmod(0o600)
  // By its path: on Windows a file that is open for appending can't be cut.
  if (end < size) await truncate(real, end)
  const append = groupCommit(file, end)
  const begin = async () => {
    await append(`${encode(found === undefined ? header : { _tag: "Resumed", at: header.at })}\n`)
    // The name of a new file is on the disk only with its folder, which Windows doesn't let anyone open.
    if (found === undefined && process.platform !== "win32") {
      const folder = await openFile(dirname(real), "r")
      await folder.sync().finally(() => folder.close())
    }
  }
  return { append, begin }
}

/** Whether stdout or stderr goes to the file: it would overwrite the journal. */
const isOutput = ({ dev, ino }: Stats) =>
  [1, 2].some((output) => {
    try {
      const stats = fstatSync(output)
      return stats.dev === dev && stats.ino === ino
    } catch {
      return false // it is closed
    }
  })

const sameRun = (path: string, found: Header, header: Header) => {
  const differs = (what: string, was: string, is: string) =>
    new Refused({ message: `${path}: this journal is of another ${what} (${was}, and not ${is}); begin a new one` })
  if (found.baseUrl !== header.baseUrl || found.environment !== header.environment) {
    throw differs(
      "environment",
      `${found.environment} at ${found.baseUrl}`,
      `${header.environment} at ${header.baseUrl}`
    )
  }
  if (found.clientIdSha256 !== header.clientIdSha256) {
    throw differs("account", `client id hash ${short(found.clientIdSha256)}`, short(header.clientIdSha256))
  }
  if (found.input.sha256 !== header.input.sha256 || found.input.format !== header.input.format) {
    const named = ({ input }: Header) => `${input.format} with hash ${short(input.sha256)}`
    throw differs("input", named(found), named(header))
  }
}

const short = (hash: string) => hash.slice(0, 12)

const afterAmbiguousAttempt = (outcome: DeletionOutcome): DeletionOutcome => {
  switch (outcome._tag) {
    case "CustomerDeleted":
      return outcome
    case "CustomerAlreadyAbsent":
      return new CustomerAlreadyAbsent({ ...outcome, afterAmbiguousAttempt: true })
    case "DeletionUnconfirmed":
      return new DeletionUnconfirmed({ ...outcome, mayBeDeleted: true })
  }
}

/**
 * Appends lines and waits until they are on the disk; whoever comes during a flush shares the next one.
 *
 * The file must have the size that we know of: if the lock failed, as it can on shared storage, two runs find each other
 * here. Each write is of whole lines, so the journal can be read even where they wrote at the same moment.
 */
const groupCommit = (file: FileHandle, end: number) => {
  let size = end
  let flushing: Promise<unknown> = Promise.resolve()
  let next: { text: string; readonly flushed: Promise<void> } | undefined

  const flushNext = async () => {
    const bytes = Buffer.from(next?.text ?? "")
    next = undefined
    const stats = await file.stat()
    if (stats.nlink === 0) throw new Error("somebody has deleted it")
    if (stats.size !== size) throw new Error(SECOND_WRITER)
    const { bytesWritten } = await file.write(bytes)
    // On a full disk a part is written; to write the rest fails with the reason.
    if (bytesWritten < bytes.length) await file.appendFile(bytes.subarray(bytesWritten))
    size += bytes.length
    await file.datasync()
  }
  return (lines: string): Promise<void> => {
    if (next === undefined) {
      // After a failure nothing follows: half a line may be on the disk, which only an end of the file can heal.
      next = { text: "", flushed: flushing.then(flushNext) }
      flushing = next.flushed
    }
    next.text += lines
    return next.flushed
  }
}

const attempt = <A>(path: string, run: () => Promise<A>) =>
  Effect.tryPromise({
    try: run,
    catch: (error) => (error instanceof Refused ? error : new Refused({ message: `${path}: ${systemMessage(error)}` }))
  })
