/**
 * One run at a time on one file: `FILE.lock` names the process that has it.
 *
 * A process that was killed leaves its lock behind, so that a lock counts only while its process runs. The time at which
 * that process started tells it from a later one with the same number.
 *
 * @since 0.1.0
 */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { say } from "./Output.js"
import { Refused, systemMessage } from "./Refused.js"

const Owner = Schema.parseJson(
  Schema.Struct({
    pid: Schema.Int.pipe(Schema.positive()),
    host: Schema.String,
    startedAt: Schema.NullOr(Schema.String)
  })
)

/** Holds the lock until the scope is closed. */
export const acquire = (path: string): Effect.Effect<void, Refused, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => take(`${path}.lock`, path),
      catch: (error) =>
        error instanceof Refused ? error : new Refused({ message: `${path}: ${systemMessage(error)}` })
    }),
    (content) =>
      Effect.tryPromise(() => release(`${path}.lock`, content)).pipe(
        Effect.catchAll(({ error }) => say(`${path}.lock: the lock can't be removed: ${systemMessage(error)}`))
      )
  ).pipe(Effect.asVoid)

/** Gives what is in the lock. */
const take = async (lock: string, path: string): Promise<string> => {
  const own = `${lock}.${process.pid}`
  const content = Schema.encodeSync(Owner)(await identity(process.pid))
  // An earlier process with this number may have left it, as another name of a lock.
  await rm(own, { force: true })
  try {
    await writeFile(own, content, { mode: 0o600 })
    // A link appears with all its content, and only where there is none yet.
    for (let tries = 0; !(await linked(own, lock)); tries++) {
      const found = await contentOf(lock)
      if (found === undefined) continue
      const owner = Option.getOrUndefined(Schema.decodeUnknownOption(Owner)(found))
      if (owner === undefined) {
        throw new Refused({
          message: `${lock}: this lock is damaged, and doesn't tell which run has the journal; if none is going on for certain, remove it`
        })
      }
      if (tries === 3 || (await isRunning(owner))) {
        throw new Refused({
          message: `${path}: another run has this journal (process ${owner.pid} on ${owner.host}); if that one is gone for certain, remove ${lock}`
        })
      }
      await removeStale(lock, found, `${own}.stale`)
    }
    return content
  } finally {
    await rm(own, { force: true })
  }
}

/** Somebody may have removed the lock by hand, and another run may have taken it since. */
const release = async (lock: string, content: string) => {
  if ((await contentOf(lock)) === content) await rm(lock, { force: true })
}

const linked = (from: string, to: string) =>
  link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false
      throw error
    }
  )

const contentOf = (lock: string) =>
  readFile(lock, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined
    if (error.code === "EISDIR") return ""
    throw error
  })

/** Takes it aside first: another run may have replaced the stale one by its own in the meantime, which is put back. */
const removeStale = async (lock: string, stale: string, aside: string) => {
  await rename(lock, aside).catch(() => {})
  const moved = await contentOf(aside)
  if (moved !== undefined && moved !== stale) await linked(aside, lock)
  await rm(aside, { force: true })
}

type Owner = typeof Owner.Type

const identity = async (pid: number): Promise<Owner> => ({ pid, host: hostname(), startedAt: await startOf(pid) })

/** What can't be told, since it is another machine's, counts as running. */
const isRunning = async (owner: Owner): Promise<boolean> => {
  if (owner.host !== hostname()) return true
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false
  }
  return owner.startedAt === null || owner.startedAt === (await startOf(owner.pid))
}

/** The boot, and the time since then at which the process started. None where it is over, or the system doesn't tell. */
const startOf = async (pid: number): Promise<string | null> => {
  try {
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim()
    const stat = await readFile(`/proc/${pid}/stat`, "utf8")
    // The name of the program, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return fields[0] === "Z" || fields[0] === "X" ? null : `${boot} ${fields[19]}`
  } catch {
    return null
  }
}
