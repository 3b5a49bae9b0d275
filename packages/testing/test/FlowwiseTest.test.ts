import { assert, describe, it } from "@effect/vitest"
import {
  CustomerNotFound,
  type DeleteCustomerError,
  DeletionFailed,
  deleteCustomer,
  InvalidCustomerId,
  RateLimited,
  RequestFailed,
  Unauthorized,
  UnexpectedResponse
} from "@effect-flowwise/client"
import { FlowwiseTest } from "@effect-flowwise/testing"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"

const everyError: ReadonlyArray<DeleteCustomerError> = [
  new InvalidCustomerId({ customerId: "cust_1", rejectedBy: "server", message: "no good" }),
  new InvalidCustomerId({ customerId: "cust_1", rejectedBy: "client" }),
  new Unauthorized({ code: "wrong_credentials" }),
  new CustomerNotFound({ customerId: "cust_1", afterAmbiguousAttempt: true }),
  new DeletionFailed({ customerId: "cust_1", requestId: Option.some("req_7") }),
  new RateLimited({ retryAfter: Option.some(Duration.millis(1500)) }),
  new UnexpectedResponse({ status: 502, body: "<h1>Bad gateway</h1>" }),
  new RequestFailed({ reason: "Connection", delivered: "no" }),
  new RequestFailed({ reason: "Timeout", delivered: "unknown" }),
  new RequestFailed({ reason: "InvalidRequest", delivered: "no" })
]

describe("FlowwiseTest", () => {
  it.effect.each(everyError)("fails with the very error that was asked for (%#)", (error) =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.fail(error, { times: 1 })
      assert.strictEqual(yield* Effect.flip(deleteCustomer("cust_1")), error)
      assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
      yield* deleteCustomer("cust_1")
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("logs every request with its outcome, and none for an id that the client refuses", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      const error = new DeletionFailed({ customerId: "cust_1" })
      yield* fake.fail(error, { times: 1 })
      yield* Effect.flip(deleteCustomer(".."))
      yield* Effect.flip(deleteCustomer("cust_1"))
      const deleted = yield* deleteCustomer("cust_1")
      yield* fake.delay("1 minute")
      yield* Effect.fork(deleteCustomer("cust_2"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* fake.requests, [
        { customerId: "cust_1", outcome: Option.some(error) },
        { customerId: "cust_1", outcome: Option.some(deleted) },
        { customerId: "cust_2", outcome: Option.none() }
      ])
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("answers late by Effect's clock, and the client's time-out applies", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.delay("10 seconds")
      const slow = yield* Effect.fork(deleteCustomer("cust_1"))
      yield* TestClock.adjust("9 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(slow)))
      assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(slow))._tag, "CustomerDeleted")

      yield* fake.delay("31 seconds")
      const late = yield* Effect.fork(Effect.flip(deleteCustomer("cust_1")))
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(late)
      assert(error._tag === "RequestFailed")
      assert.strictEqual(error.reason, "Timeout")
      // The answer that comes too late changes nothing.
      yield* fake.create("cust_1")
      yield* TestClock.adjust("1 hour")
      const outcome = (yield* fake.requests).at(-1)!.outcome
      assert.strictEqual(Option.getOrThrow(outcome), error)
      assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  it.effect("the client's time-out also works in uninterruptible code", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.delay("1 hour")
      const fiber = yield* Effect.fork(Effect.uninterruptible(Effect.flip(deleteCustomer("cust_1"))))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "RequestFailed")
    }).pipe(Effect.provide(FlowwiseTest.layer()))
  )

  it.effect("an interrupted request leaves the customer as it was", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.delay("10 seconds")
      const fiber = yield* Effect.fork(deleteCustomer("cust_1"))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
      assert.deepStrictEqual(yield* fake.requests, [{ customerId: "cust_1", outcome: Option.none() }])
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )

  const story = (seed: number) =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      const rates = { lostAnswer: 0.2, noConnection: 0.1, deletionFailed: 0.1, rateLimited: 0.1, unavailable: 0.1 }
      yield* fake.chaos({ seed, rates })
      const outcomes = yield* Effect.forEach(Array.from({ length: 300 }), (_, index) =>
        Effect.map(Effect.either(deleteCustomer(`cust_${index}`)), (result) => ({
          index,
          tag: Either.merge(result)._tag,
          delivered: Either.isLeft(result) && "delivered" in result.left ? result.left.delivered : undefined
        }))
      )
      return { outcomes, left: new Set(yield* fake.customers) }
    }).pipe(
      Effect.provide(FlowwiseTest.layer({ customers: Array.from({ length: 300 }, (_, index) => `cust_${index}`) }))
    )

  it.effect("chaos is the same for the same seed, and another for another", () =>
    Effect.gen(function* () {
      const first = yield* story(1)
      assert.deepStrictEqual(yield* story(1), first)
      assert.notDeepEqual((yield* story(2)).outcomes, first.outcomes)
    })
  )

  it.effect("in chaos, exactly who was deleted or lost is gone", () =>
    Effect.gen(function* () {
      const { outcomes, left } = yield* story(3)
      for (const { delivered, index, tag } of outcomes) {
        assert.strictEqual(left.has(`cust_${index}`), !(tag === "CustomerDeleted" || delivered === "unknown"), tag)
      }
      const tags = new Set(outcomes.map(({ tag }) => tag))
      assert.sameMembers(
        [...tags],
        ["CustomerDeleted", "RequestFailed", "DeletionFailed", "RateLimited", "UnexpectedResponse"]
      )
      const lost = outcomes.filter(({ delivered }) => delivered === "unknown").length
      assert.isAtLeast(lost, 30)
      assert.isAtMost(lost, 90)
    })
  )

  it.effect("takes an option that is undefined for one that is not given", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.fail(new RateLimited(), { customerId: undefined, times: undefined })
      yield* fake.chaos({ seed: 1, rates: { lostAnswer: undefined, unavailable: 1 } })
      assert.strictEqual((yield* Effect.flip(deleteCustomer("cust_1")))._tag, "RateLimited")
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: undefined })))
  )

  it.effect("refuses what makes no sense, in words", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      const refused = [
        fake.fail(new Error("boom") as unknown as DeleteCustomerError),
        fake.fail(undefined as unknown as DeleteCustomerError),
        fake.delay(-1),
        fake.delay(Number.NaN),
        fake.delay("soon" as "1 second"),
        fake.chaos({ seed: 1, rates: { lostAnswer: -0.1 } }),
        fake.chaos({ seed: 1, rates: { lostAnswer: 0.6, rateLimited: 0.6 } }),
        fake.chaos({ seed: 1, rates: { lostAnswer: Number.NaN } }),
        fake.chaos({ seed: 1, rates: { meteorites: 1 } as object })
      ]
      for (const script of refused) {
        const error = yield* Effect.flip(script)
        assert.strictEqual(error._tag, "InvalidScript")
        assert.match(error.message, /must be|takes one of|knows no/)
      }
      yield* deleteCustomer("cust_1")
    }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
  )
})
