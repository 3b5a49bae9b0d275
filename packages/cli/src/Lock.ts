/**
 * One run at a time on one file: `FILE.lock` names the process that holds it.
 *
 * A killed process leaves its lock behind. The lock is stale only if it was taken in this boot of the machine and in this
 * PID namespace, and its process has ended. Every other lock counts as held, since a process number means nothing elsewhere.
 *
 * @since 0.1.0
 */
import { randomUUID } from "node:crypto"
import { link, readFile, readlink, rename, rm, writeFile } from "node:fs/promises"
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
    /** For messages: two machines or containers can have one name. */
    host: Schema.String,
    /** Where `pid` means something: the boot and the PID namespace. Null where the system doesn't tell. */
    where: Schema.NullOr(Schema.String),
    /** Tells the process from a later one with the same number. Null where the system doesn't tell. */
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
  // Not the process number: in another container another process can have the same.
  const own = `${lock}.${randomUUID()}`
  const me = await identity()
  const content = Schema.encodeSync(Owner)(me)
  try {
    await writeFile(own, content, { mode: 0o600 })
    // A link appears with all its content, and only where there is none yet.
    for (let tries = 0; !(await linked(own, lock)); tries++) {
      const found = await contentOf(lock)
      if (found === undefined) continue
      const owner = Option.getOrUndefined(Schema.decodeUnknownOption(Owner)(found))
      if (owner === undefined) {
        throw new Refused({
          message: `${lock}: this lock is damaged and names no process. ${sure(lock)}`
        })
      }
      const state = await stateOf(owner, me)
      if (tries === 3 || state !== "ended") throw new Refused({ message: heldBy(path, lock, owner, state) })
      await removeStale(lock, found, `${own}.stale`)
    }
    return content
  } finally {
    await rm(own, { force: true })
  }
}

const sure = (lock: string) => `If you are sure that no run uses this journal, delete ${lock}`

const heldBy = (path: string, lock: string, { host, pid }: Owner, state: State) =>
  state === "unknown"
    ? `${path}: another run may have this journal (process ${pid} on ${host}). It began on another machine, in another ` +
      `container or before a restart, so it can't be seen from here. ${sure(lock)}`
    : `${path}: another run has this journal (process ${pid} on ${host}). Wait until it ends. ${sure(lock)}`

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

const identity = async (): Promise<Owner> => ({
  pid: process.pid,
  host: hostname(),
  where: await placeOfPids(),
  startedAt: await startOf(process.pid)
})

type State = "running" | "ended" | "unknown"

const stateOf = async (owner: Owner, me: Owner): Promise<State> => {
  if (owner.where === null || owner.where !== me.where) return "unknown"
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "ended"
  }
  const startedAt = await startOf(owner.pid)
  return owner.startedAt === null || startedAt === null || startedAt === owner.startedAt ? "running" : "ended"
}

/** macOS and Windows have no PID namespaces and give no number to a boot: there the name of the machine has to do. */
const placeOfPids = async (): Promise<string | null> => {
  if (process.platform !== "linux") return hostname()
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8")
    return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`
  } catch {
    return null
  }
}

/** When a process started, in ticks since the boot, or that it has ended. Null where the system doesn't tell. */
const startOf = async (pid: number): Promise<string | null> => {
  try {
    // In a container that sees the processes of its host, `/proc` has other numbers than the system calls.
    if ((await readlink("/proc/self")) !== String(process.pid)) return null
    const stat = await readFile(`/proc/${pid}/stat`, "utf8")
    // The name of the program, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return fields[0] === "Z" || fields[0] === "X" ? "ended" : (fields[19] ?? null)
  } catch {
    return null
  }
}
