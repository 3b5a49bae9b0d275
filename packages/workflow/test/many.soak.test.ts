import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it, vi } from "@effect/vitest"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import { Unauthorized } from "@effect-flowwise/client"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer, ErasureStorage } from "@effect-flowwise/workflow"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import { embedded } from "./fixtures/Embedded.js"
import { multiply, purgesMany } from "./fixtures/storage.js"
import { collecting, temporaryFile } from "./fixtures/temporary.js"

vi.setConfig({ testTimeout: 120_000 })

/** The statements that an effect runs. */
const statementsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const tracer = yield* Effect.tracer
    const spans: Array<Tracer.Span> = []
    const recording = Tracer.make({
      span: (...args) => {
        const span = tracer.span(...args)
        spans.push(span)
        return span
      },
      context: (evaluate) => evaluate()
    })
    yield* Effect.withTracer(effect, recording)
    return spans.flatMap(({ attributes }) => attributes.get("db.query.text") ?? []).map(String)
  })

const onFile = <A, E>(body: Effect.Effect<A, E, Layer.Layer.Success<typeof life>>) =>
  Effect.flatMap(temporaryFile, (filename) =>
    body.pipe(
      Effect.provide(Layer.provideMerge(embedded(filename), FlowwiseTest.layer({ customers }))),
      Effect.provide(collecting().layer)
    )
  )
const customers = ["cust_whose_id_must_go", "cust_who_waits"]
const life = Layer.provideMerge(embedded(""), FlowwiseTest.layer())

describe("14.6 many stored erasures", () => {
  it.scopedLive("14.6 a purge goes over sets, in transactions of 500", () => onFile(purgesMany))

  it.scopedLive("14.6 a purge takes as many statements for 400 erasures as for one", () =>
    onFile(
      Effect.gen(function* () {
        yield* EraseCustomer.execute({ erasureId: "dsr-1", customerId: "cust_whose_id_must_go" })
        const purge = (olderThan: Duration.DurationInput) => statementsOf(ErasureStorage.purge({ olderThan }))
        // The first one makes the index.
        yield* purge("1000 days")
        yield* multiply(400, (copy) => `customer ${copy}`)
        // Copy 400 is 400 hours old, copy 1 an hour.
        const one = yield* purge(Duration.hours(399.5))
        const many = yield* purge(Duration.hours(0.5))
        assert.isAbove(one.length, 0)
        assert.strictEqual(many.length, one.length)
      })
    )
  )

  it.scopedLive("14.6 what waits is found by an index, however many are stored", () =>
    onFile(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* (yield* FlowwiseTest).fail(new Unauthorized(), { customerId: "cust_who_waits" })
        yield* EraseCustomer.start({ erasureId: "dsr-2", customerId: "cust_who_waits" })
        yield* ErasureStorage.waiting
        const statements = yield* statementsOf(ErasureStorage.waiting)
        const query = statements.find((statement) => statement.includes("cluster_replies"))
        const plan = yield* sql.unsafe<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ["Workflow/EraseCustomer"])
        const steps = plan.map(({ detail }) => detail)
        assert.isTrue(
          steps.some((step) => step.includes("erasure_waiting")),
          steps.join("; ")
        )
        assert.deepStrictEqual(
          steps.filter((step) => step.startsWith("SCAN") && !step.includes("INDEX erasure_waiting")),
          []
        )
      })
    )
  )

  it.effect("14.6 an erasure that ends without a wait is not looked up", () => {
    let polls = 0
    const counting = Layer.map(WorkflowEngine.layerMemory, (context) => {
      const engine = Context.get(context, WorkflowEngine.WorkflowEngine)
      const { poll } = engine
      // In place, since the engine hands itself to its executions.
      Object.assign(engine, {
        poll: (...args: Parameters<typeof poll>) => {
          polls++
          return poll(...args)
        }
      })
      return context
    })
    const request = { erasureId: "dsr-1", customerId: "cust_whose_id_must_go" }
    const ended = <A, E>(fiber: Fiber.RuntimeFiber<A, E>) =>
      TestClock.adjust("5 seconds").pipe(
        Effect.zipRight(Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))),
        Effect.repeat({ until: () => fiber.unsafePoll() !== null })
      )
    return Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.delay("20 seconds")
      const fiber = yield* Effect.fork(EraseCustomer.execute(request))
      yield* ended(fiber)
      yield* Fiber.join(fiber)
      assert.strictEqual(polls, 0)
      yield* fake.delay(0)
      yield* fake.fail(new Unauthorized(), { customerId: "cust_who_waits" })
      yield* EraseCustomer.start({ erasureId: "dsr-2", customerId: "cust_who_waits" }).pipe(
        Effect.fork,
        Effect.flatMap(ended)
      )
      const other = yield* Effect.fork(Effect.flip(EraseCustomer.execute({ ...request, erasureId: "dsr-2" })))
      yield* ended(other)
      assert.strictEqual((yield* Fiber.join(other))._tag, "ErasureIdTaken")
    }).pipe(
      Effect.provide(
        EraseCustomer.layer.pipe(Layer.provideMerge(counting), Layer.provideMerge(FlowwiseTest.layer({ customers })))
      ),
      Effect.provide(collecting().layer)
    )
  })
})
