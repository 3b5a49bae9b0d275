// Durable erasures a second, and what they leave in the database, on each engine and with what others would use. The vendor
// is a stub that takes no time. `--quick` shows that it runs; its figures mean little.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
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

const { quick, ...given } = parseArgs({ options: { count: { type: "string" }, quick: { type: "boolean" } } }).values
const count = given.count ?? (quick ? "200" : "2000")

// Versions that run on the Node.js versions that we support. They are no dependencies of this workspace.
const peers = {
  table: ["an own table, two statements", "pg@8.23.1"],
  dbos: ["DBOS, one step", "@dbos-inc/dbos-sdk@5.3.0"],
  "pg-boss": ["pg-boss", "pg-boss@10.4.2"],
  "graphile-worker": ["graphile-worker", "graphile-worker@0.16.6"]
} as const

/** What a process does: erase so many customers on an engine of its own or through runners, or be one of those. */
export type Role = "memory" | "memory-bare" | "sqlite-bare" | "sqlite" | "sqlite-normal" | "runner" | "client"

const start = (role: Role, env: Record<string, string>, flags: ReadonlyArray<string> = []) =>
  run([...flags, "--import", "tsx", fileURLToPath(new URL("durable-process.ts", import.meta.url)), role, count], env)

/** A process prints one line when it has something to tell. */
const run = (
  args: ReadonlyArray<string>,
  env: Record<string, string>
): Effect.Effect<readonly [ChildProcess, string], unknown, never> =>
  Effect.tryPromise(async () => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, NODE_NO_WARNINGS: "1", ...env },
      stdio: ["ignore", "pipe", "inherit"]
    })
    const line = new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve))
    const ended = once(child, "close").then(([code]) => {
      throw new Error(`${args.at(-2)} ended with ${code}, and told nothing`)
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

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "durable-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

const alone = (what: string, role: Role, flags?: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const env = { DATABASE_FILE: join(yield* temporaryFolder, "db") }
    const [, line] = yield* Effect.acquireRelease(start(role, env, flags), ([child]) => kill(child))
    yield* tell(what, line)
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

/** What others do for the same job, each over a PostgreSQL of its own. npm installs them into a folder of their own. */
const overPeers = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const npm = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
  yield* Effect.try(() => {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
    copyFileSync(fileURLToPath(new URL("durable-peer.mjs", import.meta.url)), join(folder, "peer.mjs"))
    const specifiers = Object.values(peers).map(([, specifier]) => specifier)
    execFileSync("npm", [...npm, ...specifiers], { cwd: folder, shell: process.platform === "win32" })
  })
  for (const [peer, [what]] of Object.entries(peers)) {
    yield* Effect.gen(function* () {
      const { url } = yield* Postgres.make
      const env = { DATABASE_URL: Redacted.value(url) }
      const [, line] = yield* Effect.acquireRelease(run([join(folder, "peer.mjs"), peer, count], env), ([child]) =>
        kill(child)
      )
      yield* tell(`PostgreSQL, ${what}`, line)
    }).pipe(Effect.scoped)
  }
}).pipe(Effect.scoped)

const large = ["--max-semi-space-size=64"]

Effect.gen(function* () {
  yield* alone("memory", "memory")
  yield* alone("  with --max-semi-space-size=64", "memory", large)
  yield* alone("  the engine alone, two empty activities", "memory-bare")
  yield* alone("SQLite, one process", "sqlite")
  yield* alone("  with --max-semi-space-size=64", "sqlite", large)
  yield* alone("  the engine alone, two empty activities", "sqlite-bare")
  yield* alone("SQLite, one process, synchronous = NORMAL", "sqlite-normal")
  yield* overPostgres(1)
  yield* overPostgres(3)
  yield* overPeers
}).pipe(NodeRuntime.runMain)
