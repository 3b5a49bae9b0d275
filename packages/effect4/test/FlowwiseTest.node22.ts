import {
  CustomerDeleted,
  DeletionFailed,
  deleteCustomer,
  deleteCustomers,
  ensureCustomerDeleted,
  RateLimited,
  Retry
} from "@effect-flowwise/effect4"
import { FlowwiseTest } from "@effect-flowwise/effect4/testing"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { assert, describe, it } from "vitest"

type Needs = Effect.Services<ReturnType<typeof deleteCustomer>> | FlowwiseTest

/** Over the fake, by a clock that stands still until a test moves it. */
const run = <A, E>(test: Effect.Effect<A, E, Needs>, ...customers: ReadonlyArray<string>) =>
  Effect.runPromise(test.pipe(Effect.provide(FlowwiseTest.layer({ customers })), Effect.provide(TestClock.layer())))

/** Lets other fibers run until there have been so many requests. */
const requested = (count: number) =>
  Effect.flatMap(FlowwiseTest, (fake) =>
    Effect.yieldNow.pipe(
      Effect.andThen(fake.requests),
      Effect.repeat({ until: (requests) => requests.length >= count })
    )
  )

const ids = (count: number) => Array.from({ length: count }, (_, at) => `cust_${at}`)

describe("FlowwiseTest", () => {
  it("deletes once, and keeps every request with its outcome", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        assert.instanceOf(yield* deleteCustomer("cust_1"), CustomerDeleted)
        assert.include(yield* Effect.flip(deleteCustomer("cust_1")), { _tag: "CustomerNotFound" })
        assert.include(yield* Effect.flip(deleteCustomer("a\tb")), { rejectedBy: "server" })
        assert.include(yield* Effect.flip(deleteCustomer("..")), { rejectedBy: "client" })
        assert.deepStrictEqual(yield* fake.customers, ["cust_2"])
        assert.deepStrictEqual(
          (yield* fake.requests).map(({ outcome }) => Option.getOrThrow(outcome)._tag),
          ["CustomerDeleted", "CustomerNotFound", "InvalidCustomerId"]
        )
      }),
      "cust_1",
      "cust_2"
    ))

  it("fails as scripted, so many times and for whom", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.fail(new DeletionFailed({ customerId: "x" }), { customerId: "cust_2", times: 1 })
        assert.strictEqual((yield* deleteCustomer("cust_1"))._tag, "CustomerDeleted")
        assert.strictEqual((yield* Effect.flip(deleteCustomer("cust_2")))._tag, "DeletionFailed")
        assert.strictEqual((yield* deleteCustomer("cust_2"))._tag, "CustomerDeleted")
        for (const times of [-1, 0, 1.5]) {
          assert.strictEqual((yield* Effect.flip(fake.fail(new RateLimited(), { times })))._tag, "InvalidScript")
        }
      }),
      "cust_1",
      "cust_2"
    ))

  it("loses an answer, so that the retry's 404 is its own success", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.loseAnswer({ times: 1 })
        const receipt = yield* ensureCustomerDeleted("cust_1").pipe(Retry.transient({ baseDelay: 0 }))
        assert.include(receipt, { _tag: "CustomerAlreadyAbsent", afterAmbiguousAttempt: true })
      }),
      "cust_1"
    ))

  it("is slow by the test's clock, and the client's time-out strikes by it too", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.delay("31 seconds")
        const fiber = yield* Effect.forkChild(Effect.flip(deleteCustomer("cust_1")))
        yield* TestClock.adjust("30 seconds")
        assert.include(yield* Fiber.join(fiber), { _tag: "RequestFailed", reason: "Timeout", delivered: "unknown" })
      }),
      "cust_1"
    ))

  it("the time-out also works in uninterruptible code", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.delay("1 hour")
        const fiber = yield* Effect.forkChild(Effect.uninterruptible(Effect.flip(deleteCustomer("cust_1"))))
        yield* TestClock.adjust("30 seconds")
        assert.include(yield* Fiber.join(fiber), { reason: "Timeout" })
      })
    ))

  it("goes wrong in the same way for the same seed", () => {
    const outcomes = run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.chaos({ seed: "a", rates: { lostAnswer: 0.2, deletionFailed: 0.3, unavailable: 0.2 } })
        return yield* Effect.forEach(ids(50), (id) =>
          Effect.match(deleteCustomer(id), { onFailure: ({ _tag }) => _tag, onSuccess: ({ _tag }) => _tag })
        )
      }),
      ...ids(50)
    )
    return outcomes.then(async (first) => {
      assert.strictEqual(new Set(first).size, 4)
      assert.deepStrictEqual(
        await run(
          Effect.gen(function* () {
            const fake = yield* FlowwiseTest
            yield* fake.chaos({ seed: "a", rates: { lostAnswer: 0.2, deletionFailed: 0.3, unavailable: 0.2 } })
            return yield* Effect.forEach(ids(50), (id) =>
              Effect.match(deleteCustomer(id), { onFailure: ({ _tag }) => _tag, onSuccess: ({ _tag }) => _tag })
            )
          }),
          ...ids(50)
        ),
        first
      )
    })
  })
})

describe("Retry", () => {
  it("waits as long as the server asks, and no less", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.fail(new RateLimited({ retryAfter: Option.some(Duration.seconds(7)) }), { times: 1 })
        const fiber = yield* Effect.forkChild(deleteCustomer("cust_1").pipe(Retry.transient({ baseDelay: 0 })))
        yield* TestClock.adjust("6999 millis")
        assert.strictEqual((yield* fake.requests).length, 1)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "CustomerDeleted")
      }),
      "cust_1"
    ))

  it("as a schedule, sends as often as told and counts from the first", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.fail(new DeletionFailed({ customerId: "x" }))
        for (const times of [0, 1, 3]) {
          const before = (yield* fake.requests).length
          yield* Effect.exit(deleteCustomer("cust_1").pipe(Effect.retry(Retry.schedule({ times, baseDelay: 0 }))))
          assert.strictEqual((yield* fake.requests).length - before, times + 1)
        }
      })
    ))

  it("ends where the budget is empty", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        const budget = yield* Retry.makeBudget
        yield* fake.fail(new DeletionFailed({ customerId: "x" }))
        yield* Effect.exit(deleteCustomer("cust_1").pipe(Retry.transient({ budget, baseDelay: 0, times: 1000 })))
        // 500 tokens at 14 for each resend, and the first attempt.
        assert.strictEqual((yield* fake.requests).length, 36)
      })
    ))
})

describe("deleteCustomers", () => {
  it("gives one outcome for each id, whatever becomes of it", () =>
    run(
      Effect.gen(function* () {
        const outcomes = yield* Stream.runCollect(deleteCustomers([...ids(100), "cust_0", ".."]))
        const count = (tag: string) => outcomes.filter(({ _tag }) => _tag === tag).length
        assert.deepStrictEqual(
          [count("CustomerDeleted"), count("CustomerAlreadyAbsent"), count("DeletionUnconfirmed")],
          [100, 1, 1]
        )
      }),
      ...ids(100)
    ))

  it("never has more under way than told, and takes no id before there is a place", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.delay("1 second")
        let taken = 0
        const endless = (function* () {
          for (;;) yield `cust_${taken++}`
        })()
        const pulled = yield* Effect.forkChild(
          deleteCustomers(endless, { concurrency: 3 }).pipe(Stream.take(1), Stream.runDrain)
        )
        yield* requested(3)
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(pulled)
        // The outcome that was pulled frees no place, since nobody pulled again.
        assert.isAtMost(taken, 4)
        assert.strictEqual((yield* fake.requests).length, 3)
      })
    ))

  it("keeps to its rate", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        const fiber = yield* Effect.forkChild(
          Stream.runDrain(deleteCustomers(ids(10), { rateLimit: { limit: 1, interval: "1 second" } }))
        )
        for (let sent = 1; sent < 10; sent++) {
          yield* requested(sent)
          yield* TestClock.adjust("999 millis")
          assert.strictEqual((yield* fake.requests).length, sent)
          yield* TestClock.adjust("1 millis")
        }
        yield* Fiber.join(fiber)
        assert.strictEqual(yield* Clock.currentTimeMillis, 9000)
      })
    ))

  it("stops gracefully: what is under way comes to its end, and nothing more is sent", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        yield* fake.delay("1 second")
        const stop = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          Stream.runCollect(deleteCustomers(ids(100), { concurrency: 4, haltWhen: Deferred.await(stop) }))
        )
        yield* requested(4)
        yield* TestClock.adjust("1 second")
        yield* requested(8)
        yield* Deferred.succeed(stop, undefined)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(fiber)).length, 8)
        assert.strictEqual((yield* fake.requests).length, 8)
      }),
      ...ids(100)
    ))

  it("fails as the ids do, after the outcomes of those before", () =>
    run(
      Effect.gen(function* () {
        const seen: Array<string> = []
        const broken = Stream.concat(Stream.fromIterable(ids(3)), Stream.fail("broken" as const))
        const error = yield* deleteCustomers(broken).pipe(
          Stream.runForEach(({ customerId }) => Effect.sync(() => seen.push(customerId))),
          Effect.flip
        )
        assert.strictEqual(error, "broken")
        assert.deepStrictEqual(seen.sort(), ids(3))
      }),
      ...ids(3)
    ))

  it("says what is wrong with its options, and sends nothing", () =>
    run(
      Effect.gen(function* () {
        const fake = yield* FlowwiseTest
        const wrong = [
          { concurrency: 0 },
          { concurrency: 1001 },
          { rateLimit: { limit: 0, interval: "1 second" } },
          { rateLimit: { limit: 1, interval: 0 } }
        ] as const
        for (const options of wrong) {
          const [outcome] = yield* Stream.runCollect(deleteCustomers(["cust_1"], options))
          assert(outcome?._tag === "DeletionUnconfirmed" && outcome.error._tag === "RequestFailed")
          assert.match(outcome.error.message, /Nothing was sent$/)
        }
        assert.deepStrictEqual(yield* fake.requests, [])
      }),
      "cust_1"
    ))
})
