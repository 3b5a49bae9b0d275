import { assert, describe, it } from "@effect/vitest"
import { DeletionFailed, deleteCustomer, RateLimited, Unauthorized } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator, FlowwiseTest } from "@effect-flowwise/testing"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { Accounts, MailingList, OffboardingService } from "../src/OffboardingService.js"

/** The two systems that are ours, as lists of who was erased there. */
const ours = () => {
  const erased = { accounts: [] as string[], mailingList: [] as string[] }
  return {
    erased,
    layer: Layer.merge(
      Layer.succeed(Accounts, { erase: (id) => Effect.sync(() => void erased.accounts.push(id)) }),
      Layer.succeed(MailingList, { unsubscribe: (id) => Effect.sync(() => void erased.mailingList.push(id)) })
    )
  }
}

const report = (what: string, began: number) =>
  console.log(`${what}: ${(performance.now() - began).toFixed(1)} ms of real time`)

const offboard = (customerId: string) => Effect.flatMap(OffboardingService, (service) => service.offboard(customerId))

describe("OffboardingService, with the fake", () => {
  it.effect("erases a person in all three systems", () =>
    Effect.gen(function* () {
      const { erased, layer } = ours()
      const outcome = yield* offboard("cust_1").pipe(Effect.provide(OffboardingService.layer), Effect.provide(layer))
      assert.strictEqual(outcome, "Erased")
      assert.deepStrictEqual(erased, { accounts: ["cust_1"], mailingList: ["cust_1"] })
      assert.deepStrictEqual(yield* (yield* FlowwiseTest).customers, [])
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("keeps asking for a quarter of an hour, which passes in an instant", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.fail(new DeletionFailed({ customerId: "cust_1" }), { times: 10 })
      const began = performance.now()
      const fiber = yield* Effect.fork(
        offboard("cust_1").pipe(Effect.provide(OffboardingService.layer), Effect.provide(ours().layer))
      )
      yield* TestClock.adjust("1023 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "Erased")
      report("ten scripted retries, 1,023 seconds of backoff by TestClock", began)
      assert.strictEqual((yield* fake.requests).length, 11)
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("ten retries without a wait", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.fail(new DeletionFailed({ customerId: "cust_1" }), { times: 10 })
      const began = performance.now()
      yield* deleteCustomer("cust_1").pipe(Effect.retry({ times: 10 }))
      report("ten scripted retries, without a wait", began)
      assert.strictEqual((yield* fake.requests).length, 11)
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("waits as long as the server asks for", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.fail(new RateLimited({ retryAfter: Option.some(Duration.minutes(5)) }), { times: 1 })
      const fiber = yield* Effect.fork(
        offboard("cust_1").pipe(Effect.provide(OffboardingService.layer), Effect.provide(ours().layer))
      )
      yield* TestClock.adjust("299 seconds")
      assert.strictEqual((yield* fake.requests).length, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "Erased")
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("asks again after a lost answer, and takes the 404 for gone", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.loseAnswer({ times: 1 })
      const fiber = yield* Effect.fork(
        offboard("cust_1").pipe(Effect.provide(OffboardingService.layer), Effect.provide(ours().layer))
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "Erased")
      const outcomes = (yield* fake.requests).map(({ outcome }) => Option.getOrThrow(outcome)._tag)
      assert.deepStrictEqual(outcomes, ["RequestFailed", "CustomerNotFound"])
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("leaves what is ours alone where the credentials are wrong", () =>
    Effect.gen(function* () {
      const { erased, layer } = ours()
      yield* (yield* FlowwiseTest).fail(new Unauthorized())
      const error = yield* offboard("cust_1").pipe(
        Effect.flip,
        Effect.provide(OffboardingService.layer),
        Effect.provide(layer)
      )
      assert.strictEqual(error._tag, "Unauthorized")
      assert.deepStrictEqual(erased, { accounts: [], mailingList: [] })
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )
})

describe("OffboardingService, over real HTTP", () => {
  const overHttp = Layer.provide(NodeFlowwise.layer, [
    FlowwiseEmulator.layerCredentials,
    FlowwiseEmulator.layerEnvironment
  ])

  it.effect("survives a gateway that hiccups", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      yield* emulator.respondWith({ status: 503, body: "<h1>Back soon</h1>" }, { times: 1 })
      const { erased, layer } = ours()
      const fiber = yield* offboard("cust_1").pipe(
        Effect.provide(OffboardingService.layer),
        Effect.provide([layer, overHttp]),
        Effect.fork
      )
      // The network has its own time: only once the 503 is in does the service wait for its second by Effect's clock.
      const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* Effect.repeat(Effect.zipRight(turn, TestClock.sleeps()), { until: Chunk.some((at) => at <= 1000) })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "Erased")
      assert.deepStrictEqual(erased, { accounts: ["cust_1"], mailingList: ["cust_1"] })
      assert.deepStrictEqual(yield* emulator.customers, [])
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )
})
