import { assert, describe, it, vi } from "@effect/vitest"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import { DeletionFailed, Unauthorized } from "@effect-flowwise/client"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer, ErasureStorage } from "@effect-flowwise/workflow"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { embedded } from "./fixtures/Embedded.js"
import { collecting, temporaryFile } from "./fixtures/temporary.js"

vi.setConfig({ testTimeout: 60_000 })

const request = { erasureId: "dsr-1", customerId: "cust_1" }

describe("14.3 what waits", () => {
  /** Lets an hour pass, in steps, until the erasure has ended. */
  const toTheEnd = TestClock.adjust("10 seconds").pipe(
    Effect.zipRight(Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))),
    Effect.zipRight(Effect.flatten(EraseCustomer.poll(request.erasureId))),
    Effect.filterOrFail(({ _tag }) => _tag !== "ErasureWaiting"),
    Effect.retry(Schedule.recurs(2000))
  )

  const begin = Effect.gen(function* () {
    const fiber = yield* Effect.fork(EraseCustomer.start(request))
    yield* TestClock.adjust("1 second").pipe(
      Effect.zipRight(Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))),
      Effect.repeat({ until: () => fiber.unsafePoll() !== null })
    )
  })

  const lines = (options: EraseCustomer.EraseCustomerOptions, body: Effect.Effect<unknown, unknown, never>) => {
    const { layer, logged } = collecting()
    const life = EraseCustomer.layerWith({ retry: { times: 0 }, ...options }).pipe(
      Layer.provideMerge(WorkflowEngine.layerMemory),
      Layer.provideMerge(FlowwiseTest.layer({ customers: ["cust_1"] }))
    )
    return body.pipe(Effect.provide(life), Effect.provide(layer), Effect.as(logged))
  }

  it.effect("14.3 one line when a wait begins, and one when its cause changes", () =>
    Effect.gen(function* () {
      const logged = yield* lines(
        {},
        Effect.gen(function* () {
          const fake = yield* FlowwiseTest
          yield* fake.fail(new DeletionFailed({ customerId: "cust_1" }), { times: 2 })
          yield* begin
          yield* TestClock.adjust("90 seconds")
          yield* fake.fail(new Unauthorized(), { times: 3 })
          yield* toTheEnd
        }) as never
      )
      assert.deepStrictEqual(
        logged.map(({ annotations, level, message }) => [level, message.split(":")[0], annotations.attempts]),
        [
          ["WARN", "An erasure waits for the vendor", 1],
          ["WARN", "An erasure waits for credentials that work", 3]
        ]
      )
      for (const { annotations } of logged) {
        assert.strictEqual(annotations.erasureId, "dsr-1")
        assert.match(String(annotations.until), /^1970-01-01T/)
      }
      assert.notInclude(JSON.stringify(logged), "cust_1")
    })
  )

  it.effect("14.3 an approval is a line of its own, and an erasure that doesn't wait has none", () =>
    Effect.gen(function* () {
      const approval = yield* lines({ approval: true }, begin as never)
      assert.deepStrictEqual(
        approval.map(({ level, message }) => [level, message]),
        [["INFO", "An erasure waits for an approval"]]
      )
      assert.deepStrictEqual(yield* lines({}, begin as never), [])
    })
  )

  it.scopedLive("14.3 gauges tell how many erasures wait for what, and the age of the oldest", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        const now = yield* DateTime.now
        yield* fake.fail(new Unauthorized(), { customerId: "cust_1" })
        yield* fake.fail(new Unauthorized(), { customerId: "cust_2" })
        yield* fake.fail(new DeletionFailed({ customerId: "cust_3" }), { customerId: "cust_3" })
        for (const [number, hours] of [5, 3, 1].entries()) {
          const receivedAt = DateTime.subtract(now, { hours })
          yield* EraseCustomer.start({ erasureId: `dsr-${number + 1}`, customerId: `cust_${number + 1}`, receivedAt })
        }
        const gauge = (name: string, cause: string) =>
          Effect.map(Metric.snapshot, (all) => {
            const found = all.find(({ metricKey }) => metricKey.name === name && metricKey.tags[0]?.value === cause)
            return Number((found?.metricState as { value?: number } | undefined)?.value)
          })
        const counts = Effect.all(
          ["Approval", "Credentials", "Vendor", "Upgrade"].map((cause) => gauge("flowwise.erasures.waiting", cause))
        )
        yield* Layer.build(ErasureStorage.layerMetrics({ interval: "50 millis" }))
        yield* counts.pipe(
          Effect.filterOrFail((counts) => counts.join() === "0,2,1,0"),
          Effect.retry(Schedule.spaced("20 millis")),
          Effect.timeout("20 seconds")
        )
        const age = yield* gauge("flowwise.erasures.waiting.oldest", "Credentials")
        assert.isAtLeast(age, 5 * 3600)
        assert.isBelow(age, 5 * 3600 + 60)
        // An erasure that has ended is not counted any more.
        yield* EraseCustomer.cancel("dsr-3")
        yield* counts.pipe(
          Effect.filterOrFail((counts) => counts.join() === "0,2,0,0"),
          Effect.retry(Schedule.spaced("20 millis")),
          Effect.timeout("20 seconds")
        )
        assert.strictEqual(yield* gauge("flowwise.erasures.waiting.oldest", "Vendor"), 0)
      }).pipe(
        Effect.provide(
          Layer.provideMerge(
            embedded(filename, { retry: { times: 0 } }),
            FlowwiseTest.layer({ customers: ["cust_1", "cust_2", "cust_3"] })
          )
        ),
        Effect.provide(collecting().layer)
      )
    })
  )
})
