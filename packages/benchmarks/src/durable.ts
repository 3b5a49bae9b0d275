// Durable erasures a second, and what they leave in the database, on each engine. The vendor is a stub that takes no time.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Postgres from "@effect-flowwise/examples/Postgres"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const { count } = parseArgs({ options: { count: { type: "string", default: "2000" } } }).values

/** What a process does: erase so many customers on an engine of its own or through runners, or be one of those. */
export type Role = "memory" | "memory-bare" | "sqlite-bare" | "sqlite" | "sqlite-normal" | "runner" | "client"

/** A process prints one line when it has something to tell. */
const start = (
  role: Role,
  env: Record<string, string>
): Effect.Effect<readonly [ChildProcess, string], unknown, never> =>
  Effect.tryPromise(async () => {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", fileURLToPath(new URL("durable-process.ts", import.meta.url)), role, count],
      { env: { ...process.env, NODE_NO_WARNINGS: "1", ...env }, stdio: ["ignore", "pipe", "inherit"] }
    )
    const line = new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve))
    const ended = once(child, "close").then(([code]) => {
      throw new Error(`${role} ended with ${code}, and told nothing`)
    })
    return [child, await Promise.race([line, ended])] as const
  })

const kill = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill("SIGKILL")
    await once(child, "close")
  })

interface Told {
  readonly milliseconds: number
  readonly bytes?: number
  readonly transactions?: number
}

const tell = (what: string, line: string) => {
  const { bytes, milliseconds, transactions }: Told = JSON.parse(line)
  const erasures = Number(count)
  const rate = `${Math.round((erasures / milliseconds) * 1000)}/s`
  // Ten thousand of so many bytes, as megabytes.
  const growth = bytes === undefined ? "" : `${(bytes / erasures / 100).toFixed(1)} MB per 10,000`
  const commits = transactions === undefined ? "" : `${(transactions / erasures).toFixed(1)} transactions each`
  return Console.log(`${what.padEnd(44)}${rate.padStart(8)}${growth.padStart(24)}${commits.padStart(26)}`)
}

const alone = (what: string, role: Role) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "durable-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )
    const [child, line] = yield* Effect.acquireRelease(start(role, { DATABASE_FILE: join(folder, "db") }), ([child]) =>
      kill(child)
    )
    yield* tell(what, line)
    return child
  }).pipe(Effect.scoped)

const overPostgres = (runners: number) =>
  Effect.gen(function* () {
    const { url } = yield* Postgres.make
    const env = { DATABASE_URL: Redacted.value(url), HOST: "127.0.0.1" }
    for (let number = 0; number < runners; number++) {
      const PORT = `${yield* Effect.promise(Postgres.freePort)}`
      yield* Effect.acquireRelease(start("runner", { ...env, PORT }), ([child]) => kill(child))
    }
    const [, line] = yield* Effect.acquireRelease(start("client", env), ([child]) => kill(child))
    yield* tell(`PostgreSQL, ${runners} runner${runners === 1 ? "" : "s"}`, line)
  }).pipe(Effect.scoped)

Effect.gen(function* () {
  yield* alone("memory", "memory")
  yield* alone("  the engine alone, two empty activities", "memory-bare")
  yield* alone("SQLite, one process", "sqlite")
  yield* alone("  the engine alone, two empty activities", "sqlite-bare")
  yield* alone("SQLite, one process, synchronous = NORMAL", "sqlite-normal")
  yield* overPostgres(1)
  yield* overPostgres(3)
}).pipe(NodeRuntime.runMain)
