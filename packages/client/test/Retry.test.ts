import { assert, describe, it } from "@effect/vitest"
import {
  Credentials,
  CustomerDeleted,
  CustomerNotFound,
  type DeleteCustomerError,
  DeletionFailed,
  Environment,
  FlowwiseClient,
  InvalidCustomerId,
  RateLimited,
  RequestFailed,
  Retry,
  Transport,
  Unauthorized,
  UnexpectedResponse
} from "@effect-flowwise/client"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"

const customerId = "cust_1"
const deleted = new CustomerDeleted({ customerId, environment: "test", deletedAt: DateTime.unsafeMake(0) })
const notFound = new CustomerNotFound({ customerId })
const lost = new RequestFailed({ reason: "Transport", delivered: "unknown" })
const unsent = new RequestFailed({ reason: "Connection", delivered: "no" })
const failed = new DeletionFailed({ customerId })
const after = (wait: Duration.DurationInput) => ({ retryAfter: Option.some(Duration.decode(wait)) })
const unexpected = (status: number) => new UnexpectedResponse({ status })

/** Fails with one error after the other, then succeeds; and says by Effect's clock when it was run. */
const scripted = <E>(...errors: ReadonlyArray<E>) => {
  const times: Array<number> = []
  const run = Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<CustomerDeleted, E> => {
    const attempt = times.push(now) - 1
    return attempt < errors.length ? Effect.fail(errors[attempt] as E) : Effect.succeed(deleted)
  })
  return { run, times }
}

/** A call of the real client to a vendor that never answers. */
const silentFor = (options: Parameters<typeof FlowwiseClient.make>[0]) =>
  Effect.gen(function* () {
    const sent: Array<string> = []
    const letGo: Array<string> = []
    const client = yield* FlowwiseClient.make(options).pipe(
      Effect.provideService(Transport, {
        send: ({ path }, observer) => {
          sent.push(path)
          observer.left("yes")
          return () => letGo.push(path)
        }
      }),
      Effect.provideService(Environment, { name: "test", baseUrl: "https://flowwise.test" }),
      Effect.provideService(Credentials, {
        get: Effect.succeed({ clientId: "app_1", clientSecret: Redacted.make("secret") })
      })
    )
    return { call: client.deleteCustomer(customerId), sent, letGo }
  })

const silent = silentFor({})

/** Runs to the end, however long that is by Effect's clock. */
const patiently = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(self)
    yield* TestClock.adjust("30 days")
    return yield* Fiber.join(fiber)
  })

// The greatest chance there is, so that each wait is its longest.
const longest = Effect.withRandom(Random.fixed([1]))
const never = Effect.withRandom(Random.fixed([0]))

describe("Retry.isTransient", () => {
  it.each<readonly [string, unknown, boolean]>([
    ["no connection", unsent, true],
    ["a time-out", new RequestFailed({ reason: "Timeout", delivered: "unknown" }), true],
    ["a lost answer", lost, true],
    ["an invalid request", new RequestFailed({ reason: "InvalidRequest", delivered: "no" }), false],
    ["500 in the vendor's words", failed, true],
    ["429", new RateLimited(), true],
    ["400", new InvalidCustomerId({ customerId, rejectedBy: "server" }), false],
    ["an id that can't be sent", new InvalidCustomerId({ customerId, rejectedBy: "client" }), false],
    ["401", new Unauthorized(), false],
    ["404", notFound, false],
    ...[408, 425, 502, 503, 504].map((status) => [`${status}`, unexpected(status), true] as const),
    ...[200, 202, 302, 400, 401, 403, 404, 409, 500, 501, 505].map(
      (status) => [`${status} in other words`, unexpected(status), false] as const
    ),
    ["another library's RateLimited", { _tag: "RateLimited", message: "m" }, false],
    ["undefined", undefined, false]
  ])("%s", (_, error, transient) => {
    assert.strictEqual(Retry.isTransient(error), transient)
  })
})

describe("Retry.transient", () => {
  it.effect("sends three times more, and waits up to 500 ms, 1 s and 2 s before", () =>
    Effect.gen(function* () {
      const { run, times } = scripted(failed, failed, failed, failed)
      const error = yield* run.pipe(Retry.transient(), longest, patiently, Effect.flip)
      assert.strictEqual(error, failed)
      assert.deepStrictEqual(times, [0, 500, 1500, 3500])
    })
  )

  it.effect("succeeds as soon as an attempt does", () =>
    Effect.gen(function* () {
      const { run, times } = scripted<DeleteCustomerError>(unsent, failed)
      assert.strictEqual(yield* run.pipe(Retry.transient(), longest, patiently), deleted)
      assert.strictEqual(times.length, 3)
    })
  )

  it.effect("waits no longer than maxDelay, and takes any number of times", () =>
    Effect.gen(function* () {
      const { run, times } = scripted(...Array.from({ length: 40 }, () => failed))
      yield* run.pipe(Retry.transient({ times: 40, baseDelay: "1 second", maxDelay: "4 seconds" }), longest, patiently)
      assert.deepStrictEqual(times.slice(0, 5), [0, 1000, 3000, 7000, 11_000])
      assert.strictEqual(times.length, 41)
    })
  )

  it.effect("draws each wait at random between nothing and its longest", () =>
    Effect.gen(function* () {
      const waits = yield* Effect.forEach(Array.from({ length: 200 }), (_, seed) => {
        const { run, times } = scripted(failed)
        return run.pipe(
          Retry.transient({ baseDelay: "1 second" }),
          Effect.withRandom(Random.make(seed)),
          patiently,
          Effect.map(() => times[1]! - times[0]!)
        )
      })
      assert.isAtLeast(Math.min(...waits), 0)
      assert.isAtMost(Math.max(...waits), 1000)
      for (const quarter of [0, 250, 500, 750]) {
        assert.isTrue(
          waits.some((wait) => wait >= quarter && wait < quarter + 250),
          `none from ${quarter} ms on`
        )
      }
    })
  )

  it.effect("a maxDelay that no timer can wait for still comes to an end", () =>
    Effect.gen(function* () {
      const { run, times } = scripted(failed)
      yield* run.pipe(Retry.transient({ baseDelay: "60 days", maxDelay: "90 days" }), longest, patiently)
      assert.deepStrictEqual(times, [0, 24 * 60 * 60 * 1000])
    })
  )

  it.effect("goes on beyond what a power of two can say", () =>
    Effect.gen(function* () {
      const { run, times } = scripted(...Array.from({ length: 1100 }, () => failed))
      yield* run.pipe(Retry.transient({ times: 1100, maxDelay: 0 }), longest)
      assert.strictEqual(times.length, 1101)
      const infinite = scripted(failed)
      yield* infinite.run.pipe(
        Retry.transient({ baseDelay: Duration.infinity, maxDelay: "4 seconds" }),
        longest,
        patiently
      )
      assert.deepStrictEqual(infinite.times, [0, 4000])
    })
  )

  it.effect.each(["soon", Number.NaN, -5, 0])(
    "an attemptTimeout of %s is a typed error, and nothing is sent",
    (limit) =>
      Effect.gen(function* () {
        const { call, sent } = yield* silent
        const error = yield* call.pipe(Retry.transient({ attemptTimeout: limit as "5 seconds" }), Effect.flip)
        assert.deepInclude(error, { _tag: "RequestFailed", reason: "InvalidRequest" })
        assert.match(error.message, /attemptTimeout/)
        assert.deepStrictEqual(sent, [])
      })
  )

  it.effect("waits at least as long as the server asks", () =>
    Effect.gen(function* () {
      const { run, times } = scripted<DeleteCustomerError>(
        new RateLimited(after("7 seconds")),
        new UnexpectedResponse({ status: 503, ...after("20 seconds") }),
        new RateLimited(after(0))
      )
      yield* run.pipe(Retry.transient(), longest, patiently)
      assert.deepStrictEqual(times, [0, 7000, 27_000, 29_000])
    })
  )

  it.effect("gives up at once where the server asks for more than maxDelay, with the true wait", () =>
    Effect.gen(function* () {
      const long = new RateLimited(after("31 seconds"))
      const { run, times } = scripted(long)
      assert.strictEqual(yield* Effect.flip(Retry.transient()(run)), long)
      assert.deepStrictEqual(times, [0])

      const just = scripted(new RateLimited(after("30 seconds")))
      assert.strictEqual(yield* just.run.pipe(Retry.transient(), never, patiently), deleted)
      assert.deepStrictEqual(just.times, [0, 30_000])
    })
  )

  it.effect.each([
    notFound,
    new Unauthorized(),
    new InvalidCustomerId({ customerId, rejectedBy: "server" }),
    new RequestFailed({ reason: "InvalidRequest", delivered: "no" }),
    unexpected(403),
    unexpected(404)
  ])("never sends again after %s", (error) =>
    Effect.gen(function* () {
      const { run, times } = scripted<DeleteCustomerError>(error)
      assert.strictEqual(yield* Effect.flip(Retry.transient({ times: 10 })(run)), error)
      assert.strictEqual(times.length, 1)
    })
  )

  it.effect("lets errors of another kind through as they are", () =>
    Effect.gen(function* () {
      class RateLimited extends Data.TaggedError("RateLimited")<{ readonly retryAfter: string }> {}
      const other = new RateLimited({ retryAfter: "soon" })
      const { run, times } = scripted<DeleteCustomerError | RateLimited>(lost, other)
      assert.strictEqual(yield* run.pipe(Retry.transient({ times: 10 }), patiently, Effect.flip), other)
      assert.strictEqual(times.length, 2)
    })
  )

  it.effect("a call that takes longer than attemptTimeout is a time-out, and the next one may succeed", () =>
    Effect.gen(function* () {
      const { call, sent, letGo } = yield* silent
      let attempts = 0
      const run = Effect.suspend(() => (++attempts === 1 ? call : Effect.fail(notFound)))
      const error = yield* run.pipe(Retry.transient({ attemptTimeout: "5 seconds" }), patiently, Effect.flip)
      // The one that was cut off may have deleted the customer.
      assert(error._tag === "CustomerNotFound")
      assert.isTrue(error.afterAmbiguousAttempt)
      assert.deepStrictEqual([sent.length, letGo.length], [1, 1])
    })
  )

  it.effect.each([
    ["5 seconds", "1 hour", "5s"],
    ["1 hour", "30 seconds", "30s"]
  ] as const)("attemptTimeout %s and timeout %s: each call ends at the shorter", ([attemptTimeout, timeout, limit]) =>
    Effect.gen(function* () {
      const { call, sent } = yield* silentFor({ timeout })
      const error = yield* Effect.uninterruptible(call).pipe(
        Retry.transient({ times: 1, attemptTimeout }),
        patiently,
        Effect.flip
      )
      assert(error._tag === "RequestFailed")
      assert.deepStrictEqual([error.reason, error.delivered], ["Timeout", "unknown"])
      assert.match(error.message, new RegExp(`within ${limit}: .*may or may not`))
      assert.strictEqual(sent.length, 2)
    })
  )

  it.effect("nested retries: the shortest attemptTimeout holds", () =>
    Effect.gen(function* () {
      const { call } = yield* silent
      const error = yield* call.pipe(
        Retry.transient({ times: 0, attemptTimeout: "9 seconds" }),
        Retry.transient({ times: 0, attemptTimeout: "5 seconds" }),
        patiently,
        Effect.flip
      )
      assert.match(error.message, /within 5s/)
    })
  )

  it.effect("effects that are no calls are the caller's to bound", () =>
    Effect.gen(function* () {
      const run = Effect.delay(Effect.succeed("done"), "1 hour")
      const outcome = yield* run.pipe(Retry.transient({ attemptTimeout: "5 seconds" }), patiently)
      assert.strictEqual(outcome, "done")
    })
  )

  it.effect("an interrupted wait sends nothing more", () =>
    Effect.gen(function* () {
      const { run, times } = scripted(failed, failed)
      const fiber = yield* run.pipe(Retry.transient(), longest, Effect.fork)
      yield* TestClock.adjust("100 millis")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(times, [0])
    })
  )

  it.effect("Effect.timeout around it bounds all attempts and waits", () =>
    Effect.gen(function* () {
      const { run, times } = scripted(...Array.from({ length: 100 }, () => failed))
      const outcome = yield* run.pipe(
        Retry.transient({ times: 100 }),
        longest,
        Effect.timeoutOption("5 seconds"),
        patiently
      )
      assert.deepStrictEqual([outcome, times], [Option.none(), [0, 500, 1500, 3500]])
    })
  )

  it.effect("each run of the same effect begins afresh", () =>
    Effect.gen(function* () {
      let attempts = 0
      const retried = Effect.suspend(() => Effect.fail(++attempts % 2 === 1 ? lost : notFound)).pipe(
        Retry.transient(),
        patiently,
        Effect.flip
      )
      const second = Effect.zipRight(retried, retried)
      assert.isTrue(((yield* second) as CustomerNotFound).afterAmbiguousAttempt)
      assert.strictEqual(attempts, 4)
    })
  )
})

describe("ambiguity", () => {
  /** Each transient error, and whether a deletion may lie behind it. */
  const transients: ReadonlyArray<readonly [DeleteCustomerError, boolean]> = [
    [lost, true],
    [new RequestFailed({ reason: "Timeout", delivered: "unknown" }), true],
    [new RequestFailed({ reason: "Timeout", delivered: "no" }), false],
    [unsent, false],
    [failed, true],
    [new RateLimited(), false],
    [unexpected(408), true],
    [unexpected(425), false],
    [unexpected(502), true],
    [unexpected(503), true],
    [unexpected(504), true]
  ]

  it.effect("a 404 says that it comes after an ambiguous attempt, whatever came between, and only then", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(FastCheck.array(FastCheck.constantFrom(...transients), { maxLength: 6 }), (script) =>
          Effect.gen(function* () {
            const { run } = scripted<DeleteCustomerError>(...script.map(([error]) => error), notFound)
            const error = yield* run.pipe(Retry.transient({ times: 10, baseDelay: 0 }), Effect.flip)
            assert(error._tag === "CustomerNotFound")
            assert.strictEqual(
              error.afterAmbiguousAttempt,
              script.some(([, ambiguous]) => ambiguous)
            )
          }).pipe(Effect.runPromise)
        )
      )
    )
  )

  it.effect("the other fields of that 404 stay as they were", () =>
    Effect.gen(function* () {
      const said = new CustomerNotFound({
        customerId: "cust_7",
        message: "gone",
        code: "c",
        type: "t",
        requestId: Option.some("req_7")
      })
      const error = yield* scripted<DeleteCustomerError>(lost, said).run.pipe(
        Retry.transient({ baseDelay: 0 }),
        patiently,
        Effect.flip
      )
      assert(error instanceof CustomerNotFound)
      const { customerId, message, code, type, requestId, afterAmbiguousAttempt } = error
      assert.deepStrictEqual(
        { customerId, message, code, type, requestId, afterAmbiguousAttempt },
        {
          customerId: "cust_7",
          message: "gone",
          code: "c",
          type: "t",
          requestId: Option.some("req_7"),
          afterAmbiguousAttempt: true
        }
      )
    })
  )
})

describe("a budget", () => {
  const times = Number.POSITIVE_INFINITY

  it.effect("of 500 pays for 35 resends of one call, or of many", () =>
    Effect.gen(function* () {
      const always = Array.from({ length: 1000 }, () => failed)
      const budget = yield* Retry.makeBudget
      const one = scripted(...always)
      yield* one.run.pipe(Retry.transient({ times, baseDelay: 0, budget }), Effect.either)
      assert.strictEqual(one.times.length, 36)

      const shared = yield* Retry.makeBudget
      const many = scripted(...always)
      yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => many.run.pipe(Retry.transient({ baseDelay: 0, budget: shared }), Effect.either),
        { concurrency: 10 }
      )
      assert.strictEqual(many.times.length, 100 + 35)
    })
  )

  it.effect("pays for 100 resends after 429", () =>
    Effect.gen(function* () {
      const budget = yield* Retry.makeBudget
      const { run, times: attempts } = scripted(...Array.from({ length: 1000 }, () => new RateLimited()))
      const error = yield* run.pipe(Retry.transient({ times, baseDelay: 0, budget }), Effect.flip)
      assert.strictEqual(error._tag, "RateLimited")
      assert.strictEqual(attempts.length, 101)
      assert.strictEqual(yield* Ref.get(budget), 0)
    })
  )

  it.effect("gets one back for each success, up to 500, and nothing for an error", () =>
    Effect.gen(function* () {
      const budget = yield* Retry.makeBudget
      yield* Retry.transient({ budget })(Effect.succeed(deleted))
      assert.strictEqual(yield* Ref.get(budget), 500)
      yield* Effect.either(Retry.transient({ budget, times: 2, baseDelay: 0 })(Effect.fail(failed)))
      assert.strictEqual(yield* Ref.get(budget), 500 - 2 * 14)
      yield* Retry.transient({ budget })(Effect.succeed(deleted))
      assert.strictEqual(yield* Ref.get(budget), 500 - 2 * 14 + 1)
    })
  )

  it.effect("pays for no resend that is not made", () =>
    Effect.gen(function* () {
      const budget = yield* Retry.makeBudget
      for (const error of [new Unauthorized(), notFound, new RateLimited(after("1 hour"))]) {
        yield* Effect.either(Retry.transient({ budget })(Effect.fail(error)))
      }
      assert.strictEqual(yield* Ref.get(budget), 500)
    })
  )
})

describe("Retry.schedule", () => {
  it.effect("is what Effect.retry takes, and composes with other schedules", () =>
    Effect.gen(function* () {
      const { run, times } = scripted(...Array.from({ length: 100 }, () => failed))
      const outcome = yield* run.pipe(Effect.retry(Retry.schedule({ times: 2 })), longest, patiently, Effect.either)
      assert.isTrue(Either.isLeft(outcome))
      assert.deepStrictEqual(times, [0, 500, 1500])
    })
  )

  it.effect.each<unknown>([{ maxDelay: "30 secs" }, { times: Number.NaN }, "often"])(
    "sends nothing again with the options %o",
    (options) =>
      Effect.gen(function* () {
        const { run, times } = scripted(failed)
        const schedule = Retry.schedule(options as Retry.ScheduleOptions)
        assert.strictEqual(yield* run.pipe(Effect.retry(schedule), Effect.flip), failed)
        assert.deepStrictEqual(times, [0])
      })
  )
})
