import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import { assert, describe, it, vi } from "@effect/vitest"
import { DeletionFailed } from "@effect-flowwise/client"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer, ErasureStorage } from "@effect-flowwise/workflow"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { embedded } from "./fixtures/Embedded.js"
import { forgetsAndTells } from "./fixtures/storage.js"

// A machine that is busy with other tests takes its time.
vi.setConfig({ testTimeout: 60_000 })

describe("EraseCustomer, over a SQLite file", () => {
  /** A folder for the test, gone behind it. */
  const inFolder = <A, E>(body: (filename: string) => Effect.Effect<A, E>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "erasure-"))),
      (folder) => body(join(folder, "erasures.db")),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )

  it.live("keeps an outcome over a restart, and sends nothing again", () =>
    inFolder((filename) =>
      Effect.gen(function* () {
        const run = EraseCustomer.execute({ erasureId: "dsr-1", customerId: "cust_1" }).pipe(
          Effect.zip(Effect.flatMap(FlowwiseTest, ({ requests }) => requests))
        )
        const life = Layer.provideMerge(embedded(filename), FlowwiseTest.layer({ customers: ["cust_1"] }))
        const [first, sent] = yield* Effect.provide(run, life)
        const [second, sentAgain] = yield* Effect.provide(run, life)
        assert.strictEqual(first.receipt._tag, "CustomerDeleted")
        assert.strictEqual(sent.length, 1)
        assert.deepStrictEqual(second, first)
        assert.strictEqual(sentAgain.length, 0)
      })
    )
  )

  it.live("forgets whose erasures are over, and tells what waits", () =>
    inFolder((filename) =>
      Effect.provide(
        forgetsAndTells,
        Layer.provideMerge(embedded(filename), FlowwiseTest.layer({ customers: ["cust_whose_id_must_go"] }))
      )
    )
  )

  it.live("goes on by itself when the process starts again, and nobody has to ask", () =>
    inFolder((filename) =>
      Effect.gen(function* () {
        const vendor = yield* Layer.build(FlowwiseTest.layer({ customers: ["cust_1"] }))
        const fake = Context.get(vendor, FlowwiseTest)
        yield* fake.fail(new DeletionFailed({ customerId: "cust_1" }), { times: 1 })
        const life = Layer.provide(
          embedded(filename, { patience: { baseDelay: "1 second" }, retry: { times: 0 } }),
          Layer.succeedContext(vendor)
        )
        yield* Effect.provide(EraseCustomer.start({ erasureId: "dsr-1", customerId: "cust_1" }), life)
        assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
        const over = Effect.flatten(EraseCustomer.poll("dsr-1")).pipe(
          Effect.filterOrFail(({ _tag }) => _tag === "ErasureOutcome"),
          Effect.retry(Schedule.spaced("50 millis"))
        )
        const { attempts } = yield* Effect.provide(over, life)
        assert.deepStrictEqual(
          attempts.map(({ result }) => result),
          ["DeletionFailed", "CustomerDeleted"]
        )
        assert.deepStrictEqual(yield* fake.customers, [])
      }).pipe(Effect.scoped)
    )
  )

  it.live("keeps an approval and a cancellation over a restart", () =>
    inFolder((filename) =>
      Effect.gen(function* () {
        const vendor = yield* Layer.build(FlowwiseTest.layer({ customers: ["cust_1", "cust_2"] }))
        const life = Layer.provide(embedded(filename, { approval: true }), Layer.succeedContext(vendor))
        yield* Effect.provide(
          Effect.all([
            EraseCustomer.start({ erasureId: "dsr-1", customerId: "cust_1" }),
            EraseCustomer.start({ erasureId: "dsr-2", customerId: "cust_2" })
          ]),
          life
        )
        yield* Effect.provide(
          Effect.all([EraseCustomer.approve("dsr-1", "Data protection officer"), EraseCustomer.cancel("dsr-2")]),
          life
        )
        const [approved, cancelled] = yield* Effect.provide(
          Effect.all([
            EraseCustomer.execute({ erasureId: "dsr-1", customerId: "cust_1" }),
            Effect.flip(EraseCustomer.execute({ erasureId: "dsr-2", customerId: "cust_2" }))
          ]),
          life
        )
        assert.strictEqual(Option.getOrThrow(approved.approval).by, "Data protection officer")
        assert.strictEqual(cancelled._tag === "ErasureFailed" && cancelled.reason, "Cancelled")
        assert.deepStrictEqual(yield* Context.get(vendor, FlowwiseTest).customers, ["cust_2"])
      }).pipe(Effect.scoped)
    )
  )

  it.live("ends as cancelled, with what was sent, where the engine interrupts it", () =>
    inFolder((filename) =>
      Effect.gen(function* () {
        const erasure = { erasureId: "dsr-1", customerId: "cust_1" }
        yield* (yield* FlowwiseTest).loseAnswer({ times: 1 })
        yield* EraseCustomer.start(erasure)
        const receivedAt = yield* DateTime.now
        yield* EraseCustomer.workflow.interrupt(yield* EraseCustomer.workflow.executionId({ ...erasure, receivedAt }))
        const failed = yield* Effect.flip(EraseCustomer.execute(erasure))
        assert.strictEqual(failed._tag, "ErasureFailed")
        if (failed._tag !== "ErasureFailed") return
        assert.strictEqual(failed.reason, "Cancelled")
        assert.isTrue(failed.mayBeGone)
        assert.strictEqual(failed.attempts.length, 1)
        assert.deepStrictEqual(yield* EraseCustomer.poll("dsr-1"), Option.some(failed))
      }).pipe(
        Effect.provide(
          Layer.provideMerge(embedded(filename, { retry: { times: 0 } }), FlowwiseTest.layer({ customers: ["cust_1"] }))
        )
      )
    )
  )

  for (const [change, options] of Object.entries<EraseCustomer.EraseCustomerOptions>({
    "an approval": { approval: true },
    "a shorter deadline": { deadline: "30 minutes" }
  })) {
    it.live(`keeps what was sent before a restart that asks for ${change}`, () =>
      inFolder((filename) =>
        Effect.gen(function* () {
          const vendor = yield* Layer.build(FlowwiseTest.layer({ customers: ["cust_1"] }))
          const fake = Context.get(vendor, FlowwiseTest)
          yield* fake.loseAnswer({ times: 1 })
          const patience = { baseDelay: "1 second" } as const
          const receivedAt = DateTime.subtract(yield* DateTime.now, { hours: 1 })
          const life = (more: EraseCustomer.EraseCustomerOptions) =>
            Layer.provide(embedded(filename, { patience, retry: { times: 0 }, ...more }), Layer.succeedContext(vendor))
          yield* Effect.provide(EraseCustomer.start({ erasureId: "dsr-1", customerId: "cust_1", receivedAt }), life({}))
          const failed = yield* Effect.gen(function* () {
            yield* Effect.flatten(EraseCustomer.poll("dsr-1")).pipe(
              Effect.filterOrFail(
                (state) =>
                  state._tag === "ErasureFailed" || (state._tag === "ErasureWaiting" && state.for === "Approval")
              ),
              Effect.retry(Schedule.spaced("50 millis"))
            )
            yield* EraseCustomer.cancel("dsr-1")
            return yield* Effect.flip(EraseCustomer.execute({ erasureId: "dsr-1", customerId: "cust_1" }))
          }).pipe(Effect.provide(life(options)))
          assert.strictEqual(failed._tag, "ErasureFailed")
          if (failed._tag !== "ErasureFailed") return
          assert.deepStrictEqual(
            failed.attempts.map(({ result }) => result),
            ["RequestFailed"]
          )
          assert.isTrue(failed.mayBeGone)
        }).pipe(Effect.scoped)
      )
    )
  }

  it.live("names the customer in no span, log or metric", () =>
    inFolder((filename) =>
      Effect.gen(function* () {
        const exporter = new InMemorySpanExporter()
        const sdk = yield* Layer.build(
          NodeSdk.layer(() => ({
            resource: { serviceName: "erasures" },
            spanProcessor: new SimpleSpanProcessor(exporter)
          }))
        )
        const seen: Array<string> = []
        const logger = Logger.map(Logger.jsonLogger, (line) => void seen.push(line))
        const customerId = "cust_not_to_be_named"
        yield* Effect.gen(function* () {
          const fake = yield* FlowwiseTest
          yield* fake.fail(new DeletionFailed({ customerId }), { times: 1 })
          yield* fake.loseAnswer({ times: 1 })
          yield* EraseCustomer.execute({ erasureId: "dsr-1", customerId })
          yield* Effect.flip(EraseCustomer.execute({ erasureId: "dsr-1", customerId: "cust_2" }))
          yield* ErasureStorage.purge({ olderThan: 0 })
          yield* Effect.log("The end")
        }).pipe(
          Logger.withMinimumLogLevel(LogLevel.All),
          Effect.provide(
            Layer.provideMerge(
              embedded(filename, { patience: { baseDelay: "100 millis" }, retry: { times: 0 } }),
              FlowwiseTest.layer({ customers: [customerId] })
            )
          ),
          Effect.provide(Layer.merge(Layer.succeedContext(sdk), Logger.add(logger)))
        )
        const spans = exporter.getFinishedSpans()
        assert.include(
          spans.map(({ name }) => name),
          "DELETE /customer/{customer_id}"
        )
        assert.isNotEmpty(seen)
        const parts = spans.map(({ attributes, events, name, status }) => ({ attributes, events, name, status }))
        const rendered = inspect([parts, seen, yield* Metric.snapshot], { depth: null })
        assert.include(rendered, "EraseCustomer.execute")
        assert.notInclude(rendered, customerId)
      }).pipe(Effect.scoped)
    )
  )
})
