import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it, vi } from "@effect/vitest"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer, SqliteEngine } from "@effect-flowwise/workflow"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { embedded } from "./fixtures/Embedded.js"
import { collecting, temporaryFile } from "./fixtures/temporary.js"

vi.setConfig({ testTimeout: 60_000 })

/** Another process at the file: runs a statement, and succeeds when it is done. */
const otherProcess = (filename: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [fileURLToPath(new URL("fixtures/writer.mjs", import.meta.url)), filename], {
          stdio: ["pipe", "pipe", "inherit"]
        })
      ),
      (child) =>
        Effect.promise(async () => {
          const closed = once(child, "close")
          child.stdin.end()
          await closed
        })
    ),
    (child) => {
      const lines = createInterface(child.stdout)
      return (sql: string) =>
        Effect.promise(async () => {
          const done = once(lines, "line")
          child.stdin.write(`${sql}\n`)
          await done
        })
    }
  )

describe("14.1 another process at the SQLite file", () => {
  const count = 60
  const customers = Array.from({ length: count }, (_, index) => `cust_${index}`)
  const eraseAll = Effect.forEach(
    customers,
    (customerId) => EraseCustomer.execute({ erasureId: `dsr-${customerId}`, customerId }),
    { concurrency: 8, discard: true }
  )

  it.scopedLive("14.1 erases everybody while another process writes, and reports no failure", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { layer, logged } = collecting(LogLevel.Warning)
      yield* Effect.gen(function* () {
        const query = yield* otherProcess(filename)
        yield* query("CREATE TABLE theirs (value TEXT)")
        const writing = yield* Effect.fork(Effect.forever(query("INSERT INTO theirs VALUES ('x')")))
        yield* eraseAll
        yield* Fiber.interrupt(writing)
        assert.deepStrictEqual(yield* (yield* FlowwiseTest).customers, [])
      }).pipe(
        Effect.provide(Layer.provideMerge(embedded(filename), FlowwiseTest.layer({ customers }))),
        Effect.provide(layer)
      )
      assert.deepStrictEqual(logged, [])
    })
  )

  it.scopedLive("14.1 waits while another process holds the lock, and goes on by itself afterwards", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.gen(function* () {
        const query = yield* otherProcess(filename)
        yield* query("CREATE TABLE theirs (value TEXT)")
        const erasing = yield* Effect.fork(eraseAll)
        const { customers: left } = yield* FlowwiseTest
        yield* left.pipe(
          Effect.filterOrFail(({ length }) => length < count),
          Effect.retry(Schedule.spaced("10 millis"))
        )
        for (let round = 0; round < 5; round++) {
          yield* query("BEGIN IMMEDIATE; INSERT INTO theirs VALUES ('x')")
          // Long enough for the engine to be refused: its own statements, and its look for messages.
          yield* Effect.sleep("300 millis")
          yield* query("COMMIT")
        }
        yield* Fiber.join(erasing)
        assert.deepStrictEqual(yield* left, [])
      }).pipe(Effect.provide(Layer.provideMerge(embedded(filename), FlowwiseTest.layer({ customers }))))
    })
  )

  it.scoped("14.1 tells every 10 seconds that another process keeps the file locked", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { layer, logged } = collecting(LogLevel.Warning)
      const context = yield* Layer.build(SqliteEngine.layerClient({ filename }))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE ours (value TEXT)`
        const query = yield* otherProcess(filename)
        yield* query("BEGIN IMMEDIATE")
        const writing = yield* Effect.fork(sql`INSERT INTO ours VALUES ('x')`)
        yield* TestClock.adjust("25 seconds")
        assert.strictEqual(logged.length, 2)
        assert.include(logged[0]!.message, filename)
        yield* query("COMMIT")
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(writing)
        assert.deepStrictEqual(yield* sql`SELECT value FROM ours`, [{ value: "x" }])
      }).pipe(Effect.provide(context), Effect.provide(layer))
    })
  )

  it.scoped("14.1 ends a transaction that is interrupted while it waits for the lock", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const context = yield* Layer.build(SqliteEngine.layerClient({ filename }))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE ours (value TEXT)`
        const query = yield* otherProcess(filename)
        yield* query("BEGIN IMMEDIATE")
        for (const write of [sql`DELETE FROM ours`, sql.withTransaction(sql`DELETE FROM ours`)]) {
          const writing = yield* Effect.fork(write)
          yield* TestClock.adjust("1 second")
          assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(writing)))
        }
        yield* query("COMMIT")
        yield* sql.withTransaction(sql`INSERT INTO ours VALUES ('x')`)
        assert.deepStrictEqual(yield* sql`SELECT value FROM ours`, [{ value: "x" }])
      }).pipe(Effect.provide(context))
    })
  )
})

describe("14.1 a file that an engine can't have", () => {
  const start = (filename: string) => Effect.scoped(Layer.build(SqliteEngine.layer({ filename })))

  it.scopedLive("14.1 tells a second engine at its start, and lets the next one in when the first has ended", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.gen(function* () {
        yield* Layer.build(SqliteEngine.layer({ filename }))
        const error = yield* Effect.flip(start(filename))
        assert.strictEqual(error._tag, "StorageUnavailable")
        assert.include(error.message, "Another engine runs erasures on")
        // Whoever only reads and reports needs no engine.
        yield* Layer.build(SqliteEngine.layerClient({ filename }))
      }).pipe(Effect.scoped)
      yield* start(filename)
    })
  )

  it.scopedLive("14.1 also tells a second engine in another process", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const query = yield* otherProcess(`${filename}.lock`)
      yield* query("BEGIN EXCLUSIVE")
      const error = yield* Effect.flip(start(filename))
      assert.include(error.message, "Another engine runs erasures on")
      yield* query("COMMIT")
      yield* start(filename)
    })
  )

  it.scopedLive("14.1 names a file that can't be opened, and leaves one alone that is no database", () =>
    Effect.gen(function* () {
      const here = dirname(yield* temporaryFile)
      const text = join(here, "ids.txt")
      writeFileSync(text, "cust_1\n".repeat(1000))
      for (const filename of [join(here, "no such folder", "erasures.db"), text]) {
        const error = yield* Effect.flip(start(filename))
        assert.strictEqual(error._tag, "StorageUnavailable")
        assert.include(error.message, filename)
      }
      assert.strictEqual(readFileSync(text, "utf8").length, 7000)
    })
  )
})
