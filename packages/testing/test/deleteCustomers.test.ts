import { assert, describe, it } from "@effect/vitest"
import { type DeletionOutcome, deleteCustomers } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator, FlowwiseTest, type ScriptedResponse } from "@effect-flowwise/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"

const everybody = Array.from({ length: 1_000 }, (_, index) => `cust_${index}`)
const few = everybody.slice(0, 60)

const whatBecame = (outcome: DeletionOutcome) =>
  `${outcome._tag}${outcome._tag === "CustomerAlreadyAbsent" && outcome.afterAmbiguousAttempt ? " after all" : ""}`

/** One outcome for each customer, and all of them say that the customer is gone. */
const assertAllGone = (
  asked: ReadonlyArray<string>,
  outcomes: Iterable<DeletionOutcome>,
  left: ReadonlyArray<string>
) => {
  const all = Array.from(outcomes)
  assert.deepStrictEqual(all.map(({ customerId }) => customerId).sort(), Array.from(asked).sort())
  assert.sameMembers(Array.from(new Set(all.map(whatBecame))), ["CustomerDeleted", "CustomerAlreadyAbsent after all"])
  assert.deepStrictEqual(left, [])
}

describe("deleteCustomers over the fake", () => {
  const rates = { lostAnswer: 0.1, noConnection: 0.1, deletionFailed: 0.05, unavailable: 0.05 }

  it.live.each(["one", "two"])(
    "everybody is gone in the end, with one outcome each, in chaos %s",
    (seed) =>
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.chaos({ seed, rates })
        const outcomes = deleteCustomers(everybody, { retry: { times: 20, baseDelay: "1 millis" } })
        assertAllGone(everybody, yield* Stream.runCollect(outcomes), yield* fake.customers)
      }).pipe(Effect.provide(FlowwiseTest.layer({ customers: everybody }))),
    30_000
  )

  it.effect(
    "everybody is gone in the end, with one outcome each, where the vendor limits the rate too",
    () =>
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.chaos({ seed: "three", rates: { ...rates, rateLimited: 0.1 } })
        const outcomes = deleteCustomers(few, { retry: { times: 20 } })
        const fiber = yield* Effect.fork(Stream.runCollect(outcomes))
        yield* TestClock.adjust("1 hour")
        assertAllGone(few, yield* Fiber.join(fiber), yield* fake.customers)
      }).pipe(Effect.provide(FlowwiseTest.layer({ customers: few }))),
    30_000
  )

  it.effect("an id that the client refuses is rejected, and so is what is no string, with an empty one", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      const ids = ["..", 7 as unknown as string, undefined as unknown as string, "cust_0"]
      const outcomes = yield* Stream.runCollect(deleteCustomers(ids, { concurrency: 1 }))
      assert.deepStrictEqual(
        Array.from(outcomes, (outcome) => [outcome.customerId, "error" in outcome ? outcome.error._tag : outcome._tag]),
        [
          ["..", "InvalidCustomerId"],
          ["", "InvalidCustomerId"],
          ["", "InvalidCustomerId"],
          ["cust_0", "CustomerDeleted"]
        ]
      )
      assert.strictEqual((yield* fake.requests).length, 1)
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_0"] })))
  )

  it.effect("a customer who is absent after a lost answer is so after all, whatever bounds an attempt", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.loseAnswer({ times: 1 })
      const retry = { attemptTimeout: "5 seconds", baseDelay: 0 } as const
      const outcomes = yield* Stream.runCollect(deleteCustomers(["cust_0"], { retry }))
      assert.deepStrictEqual(Array.from(outcomes, whatBecame), ["CustomerAlreadyAbsent after all"])
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_0"] })))
  )

  it.effect("an id that comes twice is deleted, then already absent", () =>
    Effect.gen(function* () {
      const outcomes = yield* Stream.runCollect(deleteCustomers(["cust_0", "cust_0"]))
      assert.deepStrictEqual(Array.from(outcomes, whatBecame), ["CustomerDeleted", "CustomerAlreadyAbsent"])
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_0"] })))
  )
})

describe("deleteCustomers over the emulator", () => {
  const overHttp = Layer.provideMerge(
    NodeFlowwise.layer,
    Layer.merge(FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment)
  ).pipe(Layer.provideMerge(FlowwiseEmulator.layer({ customers: everybody })))

  it.live(
    "everybody is gone in the end, with one outcome each, whatever goes wrong on the way",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const faults: ReadonlyArray<ScriptedResponse> = [
          { drop: "afterDeletion" },
          { drop: "beforeDeletion" },
          { status: 500, body: { message: "m", code: "deletion_failed", type: "t" } },
          { status: 503, body: "<h1>Sorry</h1>" }
        ]
        const random = Random.make("emulator")
        for (const customerId of everybody) {
          const fault = faults[yield* random.nextIntBetween(0, 4 * faults.length)]
          if (fault !== undefined) {
            yield* emulator.respondWith(fault, { customerId, times: 1 })
          }
        }
        yield* emulator.respondWith(
          { status: 429, headers: { "retry-after": "0" } },
          { customerId: "cust_900", times: 1 }
        )
        const outcomes = yield* Stream.runCollect(deleteCustomers(everybody, { retry: { baseDelay: "10 millis" } }))
        assertAllGone(everybody, outcomes, yield* emulator.customers)
      }).pipe(Effect.provide(overHttp)),
    60_000
  )

  it.live(
    "ids that are ended leave no request without an outcome",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        yield* emulator.delay("20 millis")
        const stop = yield* Deferred.make<void>()
        const ids = Stream.fromIterable(everybody).pipe(Stream.rechunk(1), Stream.haltWhenDeferred(stop))
        const outcomes = yield* deleteCustomers(ids, { concurrency: 8 }).pipe(
          Stream.tap(() => Deferred.succeed(stop, undefined)),
          Stream.runCollect
        )
        const left = new Set(yield* emulator.customers)
        assert.sameMembers(
          Array.from(outcomes, ({ customerId }) => customerId),
          everybody.filter((customerId) => !left.has(customerId))
        )
        // Those under way when the first one ended, and those that took its place meanwhile.
        assert.isAtLeast(outcomes.length, 8)
        assert.isAtMost(outcomes.length, 24)
      }).pipe(Effect.provide(overHttp)),
    30_000
  )
})
