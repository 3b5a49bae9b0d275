import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as SingleRunner from "@effect/cluster/SingleRunner"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { FlowwiseEmulator, FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer } from "@effect-flowwise/workflow"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { forgetsAndTells, purgesMany } from "../../workflow/test/fixtures/storage.js"
import * as Postgres from "../src/Postgres.js"
import { account, type Stage, startRunner, trial } from "../src/Trial.js"

// PostgreSQL's binaries come for these; elsewhere it is yours to provide, and the SQLite tests have to do.
const has = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"].includes(`${process.platform}-${process.arch}`)

describe.runIf(has)("one process over PostgreSQL", () => {
  const programs = {
    "forgets whose erasures are over, and tells what waits": forgetsAndTells,
    "14.6 purges over sets, in transactions of 500": purgesMany
  }
  for (const [title, program] of Object.entries(programs)) {
    it.scopedLive(
      title,
      () =>
        Effect.gen(function* () {
          const { url } = yield* Postgres.make
          const engine = ClusterWorkflowEngine.layer.pipe(
            Layer.provideMerge(SingleRunner.layer({ runnerStorage: "memory" })),
            Layer.provideMerge(PgClient.layer({ url }))
          )
          yield* Effect.provide(
            program,
            EraseCustomer.layer.pipe(
              Layer.provideMerge(engine),
              Layer.provideMerge(FlowwiseTest.layer({ customers: ["cust_whose_id_must_go"] }))
            )
          )
        }),
      60_000
    )
  }
})

describe.runIf(has)("three runners over PostgreSQL", () => {
  const survives = (what: string, halfWay: (stage: Stage) => Effect.Effect<void, unknown>) =>
    it.scopedLive(
      `erase every customer, and report each once, ${what}`,
      () =>
        Effect.gen(function* () {
          const customers = 600
          const ended = yield* trial({ customers, concurrency: 50, halfWay })
          const figures = account(ended)
          console.log(what, figures)
          assert.deepStrictEqual(ended.left, [])
          assert.strictEqual(new Set(ended.outcomes.map(({ erasureId }) => erasureId)).size, customers)
          assert.strictEqual(figures.deleted + figures.absent, customers)
          assert.strictEqual(figures.unexplained, 0)
        }),
      180_000
    )

  survives("although one is killed", ({ killARunner }) => killARunner)

  survives("while one is drained", ({ drainARunner }) => drainARunner)

  survives("although the database is gone for ten seconds", ({ postgres, say }) =>
    Effect.gen(function* () {
      yield* postgres.stop
      yield* say("PostgreSQL is stopped")
      yield* Effect.sleep("10 seconds")
      yield* postgres.start
      yield* say("PostgreSQL runs again")
    })
  )

  survives("although the credentials change under them", ({ handOver, rotate, say }) =>
    Effect.gen(function* () {
      yield* rotate
      yield* say("the vendor takes another secret")
      yield* Effect.sleep("5 seconds")
      yield* handOver
      yield* say("the runners have it")
    })
  )
})

describe.runIf(has)("the health command", () => {
  it.scopedLive(
    "prints who answers, and fails where one doesn't",
    () =>
      Effect.gen(function* () {
        const { url } = yield* Postgres.make
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "health-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
        )
        writeFileSync(join(folder, "secret"), "a secret")
        const env = { DATABASE_URL: Redacted.value(url), FLOWWISE_CLIENT_SECRET_FILE: join(folder, "secret") }
        const health = Effect.promise(async () => {
          const command = fileURLToPath(new URL("../src/erasure-health.ts", import.meta.url))
          const options = { cwd: dirname(command), env: { ...process.env, ...env } }
          const child = spawn(process.execPath, ["--import", "tsx", command], options)
          const [lines, [code]] = await Promise.all([child.stdout.toArray(), once(child, "close")])
          return { code, lines: Buffer.concat(lines).toString().trim().split("\n").sort() }
        })
        assert.deepStrictEqual(yield* health, { code: 1, lines: ["There is no runner"] })
        const one = yield* startRunner(1, env)
        const other = yield* startRunner(2, env)
        const answers = [one, other].map(({ port }) => `127.0.0.1:${port} answers`).sort()
        assert.deepStrictEqual(yield* health, { code: 0, lines: answers })
        other.child.kill("SIGKILL")
        const { code, lines } = yield* health
        assert.strictEqual(code, 1)
        assert.include(lines, `127.0.0.1:${other.port} does not answer`)
      }),
    180_000
  )
})

describe.runIf(has)("the start command", () => {
  it.scopedLive(
    "14.5 starts an erasure on a runner, and prints what has become of it",
    () =>
      Effect.gen(function* () {
        const { url } = yield* Postgres.make
        const folder = yield* temporaryFolder
        writeFileSync(join(folder, "secret"), "emulator-client-secret")
        const { baseUrl, customers } = yield* FlowwiseEmulator
        const env = {
          DATABASE_URL: Redacted.value(url),
          FLOWWISE_BASE_URL: baseUrl,
          FLOWWISE_CLIENT_SECRET_FILE: join(folder, "secret")
        }
        yield* startRunner(1, env)
        const start = run("erasure-start.ts", ["dsr-1", "cust_1"], env)
        assert.include(yield* start, "ErasureOutcome")
        assert.deepStrictEqual(yield* customers, [])
        assert.include(yield* start, "ErasureOutcome")
      }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] }))),
    120_000
  )
})

it.scopedLive(
  "14.5 the embedded example erases, and leaves no file in the clone",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { baseUrl, customers } = yield* FlowwiseEmulator
      const here = fileURLToPath(new URL("..", import.meta.url))
      const before = readdirSync(here)
      const printed = yield* run("erasure-embedded.ts", ["dsr-1", "cust_1"], {
        TMPDIR: folder,
        TEMP: folder,
        FLOWWISE_BASE_URL: baseUrl,
        FLOWWISE_CLIENT_ID: "emulator-client-id",
        FLOWWISE_CLIENT_SECRET: "emulator-client-secret"
      })
      assert.include(printed, "CustomerDeleted")
      assert.deepStrictEqual(yield* customers, [])
      assert.deepStrictEqual(readdirSync(here), before)
      assert.include(readdirSync(folder), "flowwise-erasures.db")
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] }))),
  60_000
)

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "example-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** Runs an example as its script does, in this package's folder, and gives what it printed. */
const run = (file: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.promise(async () => {
    const cwd = fileURLToPath(new URL("..", import.meta.url))
    const options = { cwd, env: { ...process.env, ...env } }
    const child = spawn(process.execPath, ["--import", "tsx", join("src", file), ...args], options)
    const [chunks, [code]] = await Promise.all([child.stdout.toArray(), once(child, "close")])
    const printed = Buffer.concat(chunks).toString()
    assert.strictEqual(code, 0, printed)
    return printed
  })
