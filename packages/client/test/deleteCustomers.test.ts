import { assert, describe, it } from "@effect/vitest"
import { assertEquals } from "@effect/vitest/utils"
import {
  Credentials,
  CustomerAlreadyAbsent,
  CustomerDeleted,
  CustomerNotFound,
  type DeleteCustomerError,
  type DeleteCustomersOptions,
  DeletionFailed,
  DeletionOutcome,
  DeletionUnconfirmed,
  deleteCustomers,
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
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"

const after = (wait: Duration.DurationInput) => ({ retryAfter: Option.some(Duration.decode(wait)) })
const unauthorized = Effect.fail(new Unauthorized())
const lost = new RequestFailed({ reason: "Transport", delivered: "unknown" })
const oneByOne = (count: number) => Array.from({ length: count }, (_, index) => `cust_${index}`)

/**
 * A client whose requests end as the test says, which is told the id and how many requests there were for it before;
 * and what it saw: when each request started by Effect's clock, how many ran at once, and who was interrupted.
 */
const handmade = (answer: (customerId: string, earlier: number) => Effect.Effect<unknown, DeleteCustomerError>) => {
  const seen = {
    started: [] as Array<readonly [customerId: string, at: number]>,
    underWay: 0,
    atOnce: 0,
    interrupted: [] as Array<string>
  }
  const client = FlowwiseClient.of({
    environment: "test",
    deleteCustomer: (customerId) =>
      Effect.gen(function* () {
        const earlier = seen.started.filter(([id]) => id === customerId).length
        seen.started.push([customerId, yield* Clock.currentTimeMillis])
        seen.atOnce = Math.max(seen.atOnce, ++seen.underWay)
        yield* answer(customerId, earlier)
        return new CustomerDeleted({ customerId, environment: "test", deletedAt: yield* DateTime.now })
      }).pipe(
        Effect.onInterrupt(() => Effect.sync(() => seen.interrupted.push(customerId))),
        Effect.ensuring(Effect.sync(() => seen.underWay--))
      )
  })
  const starts = () => seen.started.map(([, at]) => at)
  const requested = () => seen.started.map(([id]) => id)
  return { seen, starts, requested, provide: Effect.provideService(FlowwiseClient, client) }
}

/** The real client over a vendor that takes so long for the first request for a customer, and says when each began. */
const slowAtFirst = (delay: Duration.DurationInput) => {
  const began: Array<readonly [path: string, at: number]> = []
  const transport = Transport.of({
    send: ({ path }, observer) => {
      const earlier = began.some(([before]) => before === path)
      observer.left("yes")
      const answer = Effect.gen(function* () {
        began.push([path, yield* Clock.currentTimeMillis])
        if (!earlier) yield* Effect.sleep(delay)
        observer.head(204, {})
      })
      const fiber = Runtime.runFork(
        Runtime.make({ ...Runtime.defaultRuntime, fiberRefs: observer.fiber.getFiberRefs() }),
        answer
      )
      return () => fiber.unsafeInterruptAsFork(fiber.id())
    }
  })
  const provide = Effect.provideServiceEffect(
    FlowwiseClient,
    FlowwiseClient.make().pipe(
      Effect.provideService(Transport, transport),
      Effect.provideService(Environment, { name: "test", baseUrl: "https://flowwise.test" }),
      Effect.provideService(Credentials, {
        get: Effect.succeed({ clientId: "app_1", clientSecret: Redacted.make("secret") })
      })
    )
  )
  return { starts: () => began.map(([, at]) => at), provide }
}

const says = (outcome: DeletionOutcome) =>
  `${outcome.customerId} ${outcome._tag === "DeletionUnconfirmed" ? outcome.error._tag : outcome._tag}`

/** Starts a run, and shows how far it has come. */
const begin = <E, R>(outcomes: Stream.Stream<DeletionOutcome, E, R>) =>
  Effect.gen(function* () {
    const told: Array<string> = []
    const fiber = yield* outcomes.pipe(
      Stream.runForEach((outcome) => Effect.sync(() => told.push(says(outcome)))),
      Effect.fork
    )
    // Runs whatever needs no time.
    yield* TestClock.adjust(0)
    return { told, fiber }
  })

/** Runs to the end, however long that is by Effect's clock. */
const toTheEnd = <E, R>(outcomes: Stream.Stream<DeletionOutcome, E, R>) =>
  Effect.gen(function* () {
    const { told, fiber } = yield* begin(outcomes)
    yield* TestClock.adjust("2 days")
    return { told, exit: yield* Fiber.await(fiber) }
  })

describe("outcomes", () => {
  it.effect("come as each request ends, not in the order of the ids", () => {
    const { provide } = handmade((id) => Effect.sleep(`${Number(id)} seconds`))
    return Effect.gen(function* () {
      const { told } = yield* begin(deleteCustomers(["3", "1", "2"]))
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(told, ["1 CustomerDeleted"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(told, ["1 CustomerDeleted", "2 CustomerDeleted", "3 CustomerDeleted"])
    }).pipe(provide)
  })

  it.effect("tell of a rejected id why, and go on", () => {
    const errors: Record<string, DeleteCustomerError> = {
      invalid: new InvalidCustomerId({ customerId: "invalid", rejectedBy: "server" }),
      failed: new DeletionFailed({ customerId: "failed" }),
      limited: new RateLimited(),
      unexpected: new UnexpectedResponse({ status: 403 }),
      lost,
      absent: new CustomerNotFound({ customerId: "absent" })
    }
    const { provide } = handmade((id) => (errors[id] === undefined ? Effect.void : Effect.fail(errors[id])))
    return Effect.gen(function* () {
      const outcomes = deleteCustomers([...Object.keys(errors), "last"], { concurrency: 1, retry: false })
      const { told, exit } = yield* toTheEnd(outcomes)
      assert.deepStrictEqual(told, [
        "invalid InvalidCustomerId",
        "failed DeletionFailed",
        "limited RateLimited",
        "unexpected UnexpectedResponse",
        "lost RequestFailed",
        "absent CustomerAlreadyAbsent",
        "last CustomerDeleted"
      ])
      assert.isTrue(Exit.isSuccess(exit))
    }).pipe(provide)
  })

  it.effect("of a refusal say whether an attempt before it may have deleted the customer", () =>
    Effect.gen(function* () {
      const forbidden = new UnexpectedResponse({ status: 403 })
      const unavailable = new UnexpectedResponse({ status: 503 })
      const offline = new RequestFailed({ reason: "Connection", delivered: "no" })
      const cases: ReadonlyArray<readonly [errors: ReadonlyArray<DeleteCustomerError>, mayBeDeleted: boolean]> = [
        [[forbidden], false],
        [[new RateLimited(), forbidden], false],
        [[offline, offline, offline, offline], false],
        [[lost, forbidden], true],
        [[unavailable, new RateLimited(), new InvalidCustomerId({ customerId: "a", rejectedBy: "server" })], true],
        [[new DeletionFailed({ customerId: "a" }), new RateLimited(after("1 hour"))], true],
        [[lost, offline, offline, offline], true],
        [[offline, offline, offline, lost], true],
        [[lost, lost, lost, lost], true]
      ]
      for (const [errors, mayBeDeleted] of cases) {
        const { provide } = handmade((_, earlier) => Effect.fail(errors[earlier]!))
        const fiber = yield* Effect.fork(Stream.runCollect(deleteCustomers(["a"])).pipe(provide))
        yield* TestClock.adjust("1 day")
        for (const outcome of yield* Fiber.join(fiber)) {
          assert(outcome._tag === "DeletionUnconfirmed")
          assert.deepStrictEqual([outcome.error._tag, outcome.mayBeDeleted], [errors.at(-1)!._tag, mayBeDeleted])
        }
      }
    })
  )

  it.effect("know of the attempts of a retry within the client, also where the last one is a 401", () =>
    Effect.gen(function* () {
      for (const [last, expected] of [
        [new UnexpectedResponse({ status: 403 }), ["UnexpectedResponse", true]],
        [new Unauthorized(), ["RequestFailed", true]]
      ] as const) {
        const { provide } = handmade((_, earlier) => Effect.fail(earlier === 0 ? lost : last))
        const retrying = Effect.updateService(FlowwiseClient, (client) => ({
          ...client,
          deleteCustomer: (customerId: string) => Retry.transient({ baseDelay: 0 })(client.deleteCustomer(customerId))
        }))
        const outcomes = yield* deleteCustomers(["a"], { retry: false }).pipe(
          Stream.catchAll(() => Stream.empty),
          Stream.runCollect,
          retrying,
          provide
        )
        const told = Array.from(outcomes, (outcome) => {
          assert(outcome._tag === "DeletionUnconfirmed")
          return [outcome.error._tag, outcome.mayBeDeleted]
        })
        assert.deepStrictEqual(told, [[...expected]])
      }
    })
  )

  it.effect("survive JSON there and back", () =>
    Effect.gen(function* () {
      const customerId = "cust_1"
      const line = Schema.parseJson(DeletionOutcome)
      for (const outcome of [
        new CustomerDeleted({ customerId, environment: "test", deletedAt: DateTime.unsafeMake(1) }),
        new CustomerAlreadyAbsent({ customerId, environment: "test", observedAt: DateTime.unsafeMake(1) }),
        new DeletionUnconfirmed({ customerId, error: new RateLimited(after("3 seconds")), mayBeDeleted: true })
      ]) {
        const back = yield* Effect.flatMap(Schema.encode(line)(outcome), Schema.decode(line))
        assertEquals(back, outcome)
        assert.strictEqual(back._tag, outcome._tag)
      }
    })
  )

  it.effect(
    "are what a vendor that forgets each customer once would give, for any ids, errors and chunks",
    () => {
      const customerId = FastCheck.constantFrom("a", "b", "c", "d", "e", "f", "g", "h")
      const fate = FastCheck.record({
        // One more for each request, whoever's.
        transient: FastCheck.array(FastCheck.constantFrom(lost, new UnexpectedResponse({ status: 503 })), {
          maxLength: 5
        }),
        permanent: FastCheck.option(
          FastCheck.constantFrom(
            new UnexpectedResponse({ status: 403 }),
            new RequestFailed({ reason: "InvalidRequest", delivered: "no" })
          )
        )
      })
      const run = FastCheck.record({
        ids: FastCheck.array(customerId, { maxLength: 30 }),
        fates: FastCheck.array(fate, { minLength: 8, maxLength: 8 }),
        concurrency: FastCheck.integer({ min: 1, max: 20 }),
        chunk: FastCheck.option(FastCheck.integer({ min: 1, max: 10 }))
      })
      return Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(run, ({ ids, fates, concurrency, chunk }) => {
            const fateOf = (id: string) => fates["abcdefgh".indexOf(id)]!
            const gone = new Set<string>()
            const { provide, seen } = handmade((id, earlier) =>
              Effect.suspend((): Effect.Effect<unknown, DeleteCustomerError> => {
                const fault = fateOf(id).transient[earlier] ?? fateOf(id).permanent
                if (fault !== null) {
                  return Effect.fail(fault)
                }
                return gone.has(id) ? new CustomerNotFound({ customerId: id }) : Effect.sync(() => gone.add(id))
              })
            )
            const model = ids.map((id, index) => {
              const first = ids.indexOf(id) === index ? "CustomerDeleted" : "CustomerAlreadyAbsent"
              return `${id} ${fateOf(id).permanent?._tag ?? first}`
            })
            const source = chunk === null ? ids : Stream.rechunk(Stream.fromIterable(ids), chunk)
            return deleteCustomers(source, { concurrency, retry: { times: 5, baseDelay: 0 } }).pipe(
              Stream.map(says),
              Stream.runCollect,
              Effect.flatMap((told) =>
                Effect.sync(() => {
                  assert.sameMembers(Array.from(told), model)
                  assert.isAtMost(seen.atOnce, concurrency)
                })
              ),
              provide,
              Effect.runPromise
            )
          })
        )
      )
    },
    60_000
  )
})

describe("back-pressure", () => {
  it.effect("16 requests are under way at once unless told otherwise", () =>
    Effect.gen(function* () {
      for (const [options, expected] of [
        [{}, 16],
        [{ concurrency: 1 }, 1],
        [{ concurrency: 3 }, 3]
      ] as const) {
        const { seen, provide } = handmade(() => Effect.sleep("1 second"))
        yield* toTheEnd(deleteCustomers(oneByOne(50), options)).pipe(provide)
        assert.strictEqual(seen.atOnce, expected)
        assert.strictEqual(seen.started.length, 50)
      }
    })
  )

  it.effect("no id is taken before there is room for its request, out of an iterable or a stream", () =>
    Effect.gen(function* () {
      for (const source of [
        (ids: Iterable<string>) => ids,
        (ids: Iterable<string>) => Stream.fromIteratorSucceed(ids[Symbol.iterator]() as IterableIterator<string>, 1)
      ]) {
        const { provide } = handmade(() => Effect.sleep("1 second"))
        let pulled = 0
        const ids = (function* () {
          for (const id of oneByOne(10)) {
            pulled++
            yield id
          }
        })()
        const { fiber } = yield* begin(deleteCustomers(source(ids), { concurrency: 3 })).pipe(provide)
        assert.strictEqual(pulled, 3)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(pulled, 6)
        yield* Fiber.interrupt(fiber)
      }
    })
  )

  it.effect("a consumer that takes nothing stops the requests", () => {
    const { seen, provide } = handmade(() => Effect.void)
    return Effect.gen(function* () {
      const outcomes = deleteCustomers(oneByOne(100), { concurrency: 3 })
      const fiber = yield* Effect.fork(Stream.runForEach(outcomes, () => Effect.never))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(seen.started.length, 3)
      yield* Fiber.interrupt(fiber)
    }).pipe(provide)
  })

  it.effect("13.5 a place is free when the consumer pulls again, and outcomes that are ready come as one chunk", () => {
    let written = 0
    let mostUnwritten = 0
    const { seen, provide } = handmade(() => {
      mostUnwritten = Math.max(mostUnwritten, seen.started.length - written)
      return Effect.sleep("10 millis")
    })
    return Effect.gen(function* () {
      const sizes: Array<number> = []
      const fiber = yield* deleteCustomers(oneByOne(40), { concurrency: 4 }).pipe(
        Stream.runForEachChunk((outcomes) =>
          Effect.sleep("1 second").pipe(
            Effect.zipRight(
              Effect.sync(() => {
                sizes.push(outcomes.length)
                written += outcomes.length
              })
            )
          )
        ),
        Effect.fork
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.strictEqual(mostUnwritten, 4)
      assert.strictEqual(written, 40)
      // All four end at the same time, and share what the consumer does for a chunk.
      assert.isAtMost(sizes.length, 20)
    }).pipe(provide)
  })

  it.effect(
    "an endless source is never further ahead of the outcomes taken than that",
    () => {
      const { provide } = handmade(() => Effect.void)
      return Effect.gen(function* () {
        let pulled = 0
        let furthest = 0
        let taken = 0
        const ids = (function* () {
          for (;;) {
            yield `cust_${pulled++}`
          }
        })()
        yield* deleteCustomers(ids, { concurrency: 4 }).pipe(
          Stream.take(2_000),
          Stream.runForEach(() =>
            Effect.sync(() => {
              taken++
              furthest = Math.max(furthest, pulled - taken)
            })
          )
        )
        assert.strictEqual(taken, 2_000)
        assert.isAtMost(furthest, 5)
      }).pipe(provide)
    },
    30_000
  )
})

describe("pace", () => {
  it.effect("spreads requests evenly, resends among them", () => {
    const { starts, provide } = handmade((id, earlier) =>
      id === "cust_1" && earlier === 0 ? Effect.fail(lost) : Effect.sleep("5 seconds")
    )
    return Effect.gen(function* () {
      const rateLimit = { limit: 30, interval: "1 minute" } as const
      yield* toTheEnd(deleteCustomers(oneByOne(4), { rateLimit, retry: { baseDelay: 0 } }))
      assert.deepStrictEqual(starts(), [0, 2000, 4000, 6000, 8000])
    }).pipe(provide)
  })

  it.effect("holds after the ids have kept it waiting", () => {
    const { starts, provide } = handmade(() => Effect.void)
    return Effect.gen(function* () {
      const ids = yield* Queue.unbounded<string>()
      const outcomes = deleteCustomers(Stream.fromQueue(ids), { rateLimit: { limit: 1, interval: "1 second" } })
      const { fiber } = yield* begin(outcomes)
      yield* TestClock.adjust("10 seconds")
      yield* Queue.offerAll(ids, oneByOne(3))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(starts(), [10_000, 11_000, 12_000])
      yield* Fiber.interrupt(fiber)
    }).pipe(provide)
  })

  it.effect("an interval longer than any timer is waited for all the same", () => {
    const { starts, provide } = handmade(() => Effect.void)
    return Effect.gen(function* () {
      const { fiber } = yield* begin(deleteCustomers(oneByOne(2), { rateLimit: { limit: 1, interval: "30 days" } }))
      const day = 24 * 60 * 60 * 1000
      assert.deepStrictEqual(Array.from(yield* TestClock.sleeps()), [day])
      yield* TestClock.adjust("40 days")
      assert.deepStrictEqual(starts(), [0, 30 * day])
      yield* Fiber.join(fiber)
    }).pipe(provide)
  })

  it.effect.each([new RateLimited(after("7 seconds")), new UnexpectedResponse({ status: 503, ...after("7 seconds") })])(
    "where one is told by %s to wait, all wait, then start one after the other, faster with each success",
    (error) => {
      const { starts, provide } = handmade((id, earlier) =>
        id === "cust_0" && earlier === 0 ? Effect.zipRight(Effect.yieldNow(), Effect.fail(error)) : Effect.sleep(1)
      )
      return Effect.gen(function* () {
        yield* toTheEnd(deleteCustomers(oneByOne(6), { concurrency: 2 }))
        const [first, second, ...others] = starts()
        assert.deepStrictEqual([first, second], [0, 0])
        // 100 ms at first; 90, 81, 72.9 … after each success, in whole milliseconds.
        assert.deepStrictEqual(others, [7000, 7100, 7190, 7271, 7344])
      }).pipe(provide)
    }
  )

  it.effect("what was under way together slows down once, and what is told so again twice", () => {
    const { starts, provide } = handmade((id) =>
      Number(id.slice("cust_".length)) < 5 ? Effect.delay(Effect.fail(new RateLimited()), 1) : Effect.never
    )
    return Effect.gen(function* () {
      const { fiber } = yield* begin(deleteCustomers(oneByOne(9), { concurrency: 4, retry: false }))
      yield* TestClock.adjust("1 minute")
      // Four at once, the fifth 100 ms after their answers, and one each 200 ms from its answer on.
      assert.deepStrictEqual(starts(), [0, 0, 0, 0, 101, 302, 502, 702, 902])
      yield* Fiber.interrupt(fiber)
    }).pipe(provide)
  })

  it.effect("is a minute between two at the slowest, and back to what rateLimit says in the end", () => {
    const { starts, provide } = handmade((_, earlier) => (earlier < 20 ? Effect.fail(new RateLimited()) : Effect.void))
    return Effect.gen(function* () {
      const rateLimit = { limit: 10, interval: "1 second" } as const
      const retry = { times: 20, baseDelay: 0 }
      const ids = ["cust_0", ...Array.from({ length: 200 }, () => "cust_0")]
      yield* toTheEnd(deleteCustomers(ids, { concurrency: 1, rateLimit, retry }))
      const gaps = starts().map((at, index, all) => at - (all[index - 1] ?? at))
      assert.deepStrictEqual(
        gaps.slice(0, 12),
        [0, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]
      )
      assert.deepStrictEqual(new Set(gaps.slice(-50)), new Set([100]))
    }).pipe(provide)
  })

  it.effect("an id that is given up, since it would have to wait too long, makes the others wait", () => {
    const { starts, provide } = handmade((id) =>
      id === "cust_0" ? Effect.fail(new RateLimited(after("1 hour"))) : Effect.void
    )
    return Effect.gen(function* () {
      const { told, fiber } = yield* begin(deleteCustomers(oneByOne(2), { concurrency: 1 }))
      assert.deepStrictEqual(told, ["cust_0 RateLimited"])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(told, ["cust_0 RateLimited", "cust_1 CustomerDeleted"])
      assert.deepStrictEqual(starts(), [0, 60 * 60 * 1000])
      yield* Fiber.join(fiber)
    }).pipe(provide)
  })

  it.effect("works between two milliseconds, where a test's clock may stand", () => {
    const { starts, provide } = handmade(() => Effect.sleep(8.2))
    return Effect.gen(function* () {
      const outcomes = deleteCustomers(oneByOne(2), {
        concurrency: 1,
        rateLimit: { limit: 100, interval: "1 second" }
      })
      const { exit } = yield* toTheEnd(outcomes)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(starts(), [0, 10.2])
    }).pipe(provide)
  })

  it.effect("errors without a wait slow nobody down", () => {
    const { starts, provide } = handmade((id) => Effect.fail(new DeletionFailed({ customerId: id })))
    return Effect.gen(function* () {
      yield* toTheEnd(deleteCustomers(oneByOne(5), { concurrency: 1, retry: false }))
      assert.deepStrictEqual(starts(), [0, 0, 0, 0, 0])
    }).pipe(provide)
  })
})

describe("retry", () => {
  it.effect("is Retry.transient unless told otherwise", () => {
    const { seen, provide } = handmade(() => Effect.fail(lost))
    return Effect.gen(function* () {
      const { told } = yield* toTheEnd(deleteCustomers(["cust_0"]))
      assert.deepStrictEqual(told, ["cust_0 RequestFailed"])
      assert.strictEqual(seen.started.length, 4)
    }).pipe(provide)
  })

  it.effect("false sends each request once", () => {
    const { seen, provide } = handmade(() => Effect.fail(lost))
    return Effect.gen(function* () {
      yield* toTheEnd(deleteCustomers(["cust_0"], { retry: false }))
      assert.strictEqual(seen.started.length, 1)
    }).pipe(provide)
  })

  it.effect("attemptTimeout ends an attempt, and doesn't count the wait for its start", () => {
    const { provide, starts } = slowAtFirst("1 minute")
    return Effect.gen(function* () {
      const { told } = yield* toTheEnd(
        deleteCustomers(oneByOne(2), {
          rateLimit: { limit: 1, interval: "10 seconds" },
          retry: { attemptTimeout: "1 second", times: 1, baseDelay: 0 }
        })
      )
      assert.deepStrictEqual(starts(), [0, 10_000, 20_000, 30_000])
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted", "cust_1 CustomerDeleted"])
    }).pipe(provide)
  })
})

describe("Unauthorized", () => {
  it.effect("ends the stream, after the outcomes of what is under way, and starts nothing more", () => {
    const { requested, provide } = handmade((id) =>
      id === "cust_3" ? Effect.delay(unauthorized, "1 second") : Effect.sleep("5 seconds")
    )
    return Effect.gen(function* () {
      const ids = oneByOne(100).values()
      const { told, fiber } = yield* begin(deleteCustomers(ids, { concurrency: 4 }))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(told, [])
      yield* TestClock.adjust("1 second")
      assert.sameMembers(told, ["cust_0 CustomerDeleted", "cust_1 CustomerDeleted", "cust_2 CustomerDeleted"])
      assertEquals(yield* Fiber.await(fiber), Exit.fail(new Unauthorized()))
      assert.deepStrictEqual(requested(), oneByOne(4))
      assert.strictEqual(ids.next().value, "cust_4")
    }).pipe(provide)
  })

  it.effect("lets nothing be sent again that fails after it", () => {
    const { requested, provide } = handmade((id) =>
      id === "cust_1" ? Effect.delay(unauthorized, "1 second") : Effect.delay(Effect.fail(lost), "2 seconds")
    )
    return Effect.gen(function* () {
      const { told } = yield* toTheEnd(deleteCustomers(["cust_1", "cust_0"], { retry: { baseDelay: 0 } }))
      assert.deepStrictEqual(told, ["cust_0 RequestFailed"])
      assert.deepStrictEqual(requested(), ["cust_1", "cust_0"])
    }).pipe(provide)
  })

  it.effect("ends a stream whose next id is not there yet, or has to wait for its start", () =>
    Effect.gen(function* () {
      const oneAndThenNone = Stream.concat(Stream.make("cust_0"), Stream.never)
      const options = { rateLimit: { limit: 1, interval: "1 hour" } } as const
      for (const outcomes of [deleteCustomers(oneAndThenNone), deleteCustomers(oneByOne(3), options)]) {
        const { requested, provide } = handmade(() => Effect.delay(unauthorized, "1 second"))
        const { fiber } = yield* begin(outcomes).pipe(provide)
        yield* TestClock.adjust("1 second")
        assertEquals(yield* Fiber.poll(fiber), Option.some(Exit.fail(new Unauthorized())))
        assert.deepStrictEqual(requested(), ["cust_0"])
      }
    })
  )

  it.effect("ends a wait for a resend at once, with the error of the attempt before", () => {
    const { requested, provide } = handmade((id) =>
      id === "cust_1" ? Effect.delay(unauthorized, "1 second") : Effect.fail(new RateLimited(after("20 seconds")))
    )
    return Effect.gen(function* () {
      const { told, fiber } = yield* begin(deleteCustomers(["cust_1", "cust_0"]))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, ["cust_0 RateLimited"])
      assertEquals(yield* Fiber.poll(fiber), Option.some(Exit.fail(new Unauthorized())))
      assert.deepStrictEqual(requested(), ["cust_1", "cust_0"])
    }).pipe(provide)
  })

  it.effect("ends no resend that is under way", () => {
    const { requested, provide } = handmade((id, earlier) => {
      if (id === "cust_1") {
        return Effect.delay(unauthorized, "1 second")
      }
      return earlier === 0 ? Effect.fail(lost) : Effect.sleep("9 seconds")
    })
    return Effect.gen(function* () {
      const outcomes = deleteCustomers(["cust_1", "cust_0"], { retry: { baseDelay: 0 } })
      const { told, exit } = yield* toTheEnd(outcomes)
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted"])
      assertEquals(exit, Exit.fail(new Unauthorized()))
      assert.deepStrictEqual(requested(), ["cust_1", "cust_0", "cust_0"])
    }).pipe(provide)
  })

  it.effect("of a resend leaves the outcome of the attempt before, which may have deleted the customer", () => {
    const { provide } = handmade((_, earlier) => (earlier === 0 ? Effect.fail(lost) : unauthorized))
    return Effect.gen(function* () {
      const { told, exit } = yield* toTheEnd(deleteCustomers(["cust_0"]))
      assert.deepStrictEqual(told, ["cust_0 RequestFailed"])
      assertEquals(exit, Exit.fail(new Unauthorized()))
    }).pipe(provide)
  })
})

describe("haltWhen", () => {
  const halting = Effect.map(Deferred.make<void>(), (deferred) => ({
    halt: Deferred.succeed(deferred, undefined),
    haltWhen: Deferred.await(deferred)
  }))

  it.effect("lets what is under way come to its end, and nothing else be sent", () => {
    const { requested, provide } = handmade((id) => Effect.sleep(`${id === "cust_0" ? 1 : 3} seconds`))
    return Effect.gen(function* () {
      const { halt, haltWhen } = yield* halting
      const ids = oneByOne(100).values()
      const { told, fiber } = yield* begin(deleteCustomers(ids, { concurrency: 2, haltWhen }))
      yield* halt
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted", "cust_1 CustomerDeleted"])
      assertEquals(yield* Fiber.poll(fiber), Option.some(Exit.void))
      assert.deepStrictEqual(requested(), oneByOne(2))
      assert.strictEqual(ids.next().value, "cust_2")
    }).pipe(provide)
  })

  it.effect("drops the id that waits for its start, by rateLimit or since the server asked for a wait", () =>
    Effect.gen(function* () {
      for (const [answer, options] of [
        [Effect.void, { rateLimit: { limit: 1, interval: "1 hour" } }],
        [Effect.fail(new RateLimited(after("1 hour"))), {}]
      ] as const) {
        const { requested, provide } = handmade(() => answer)
        const { halt, haltWhen } = yield* halting
        const outcomes = deleteCustomers(oneByOne(100), { concurrency: 1, ...options, haltWhen })
        const { told, fiber } = yield* begin(outcomes).pipe(provide)
        yield* halt
        yield* TestClock.adjust(0)
        assertEquals(yield* Fiber.poll(fiber), Option.some(Exit.void))
        yield* TestClock.adjust("1 day")
        assert.deepStrictEqual([requested().length, told.length], [1, 1])
      }
    })
  )

  it.effect("ends a wait for a resend at once, with the outcome of the attempt before", () => {
    const { requested, provide } = handmade((_, earlier) =>
      Effect.fail(earlier === 0 ? lost : new RateLimited(after("20 seconds")))
    )
    return Effect.gen(function* () {
      const { halt, haltWhen } = yield* halting
      const outcomes = deleteCustomers(["cust_0"], { retry: { baseDelay: 0 }, haltWhen })
      const fiber = yield* Effect.fork(Stream.runCollect(outcomes))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requested(), ["cust_0", "cust_0"])
      yield* halt
      yield* TestClock.adjust(0)
      const [outcome] = Array.from(yield* Fiber.join(fiber))
      assert(outcome?._tag === "DeletionUnconfirmed")
      assert.deepStrictEqual([outcome.error._tag, outcome.mayBeDeleted], ["RateLimited", true])
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(requested(), ["cust_0", "cust_0"])
    }).pipe(provide)
  })

  it.effect("ends no resend that is under way", () => {
    const { requested, provide } = handmade((_, earlier) =>
      earlier === 0 ? Effect.fail(lost) : Effect.sleep("9 seconds")
    )
    return Effect.gen(function* () {
      const { halt, haltWhen } = yield* halting
      const { told, fiber } = yield* begin(deleteCustomers(["cust_0"], { retry: { baseDelay: 0 }, haltWhen }))
      yield* TestClock.adjust("1 second")
      yield* halt
      yield* TestClock.adjust("9 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted"])
      assert.deepStrictEqual(requested(), ["cust_0", "cust_0"])
    }).pipe(provide)
  })

  it.effect("waits for no next id, and sends nothing where it is complete from the start", () => {
    const { requested, provide } = handmade(() => Effect.void)
    return Effect.gen(function* () {
      const { halt, haltWhen } = yield* halting
      const ids = Stream.concat(Stream.make("cust_0"), Stream.never)
      const { told, fiber } = yield* begin(deleteCustomers(ids, { haltWhen }))
      yield* halt
      yield* TestClock.adjust(0)
      assertEquals(yield* Fiber.poll(fiber), Option.some(Exit.void))
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted"])

      assert.deepStrictEqual((yield* toTheEnd(deleteCustomers(oneByOne(3), { haltWhen: Effect.void }))).told, [])
      assert.deepStrictEqual(requested(), ["cust_0"])
    }).pipe(provide)
  })

  it.effect("that dies is a defect, after the outcomes of what is under way", () => {
    const { provide } = handmade(() => Effect.sleep("2 seconds"))
    return Effect.gen(function* () {
      const haltWhen = Effect.delay(Effect.die("bug"), "1 second")
      const { told, exit } = yield* toTheEnd(deleteCustomers(oneByOne(9), { concurrency: 2, haltWhen }))
      assertEquals(exit, Exit.die("bug"))
      assert.sameMembers(told, ["cust_0 CustomerDeleted", "cust_1 CustomerDeleted"])
    }).pipe(provide)
  })
})

describe("ids", () => {
  const slow = () => handmade(() => Effect.sleep("1 second"))

  it.effect("that fail do so after the outcomes of those before", () => {
    const { provide } = slow()
    return Effect.gen(function* () {
      const ids = Stream.concat(Stream.fromIterable(oneByOne(2)), Stream.fail("disk" as const))
      const { told, exit } = yield* toTheEnd(deleteCustomers(ids))
      assert.sameMembers(told, ["cust_0 CustomerDeleted", "cust_1 CustomerDeleted"])
      assertEquals(exit, Exit.fail("disk" as const))
    }).pipe(provide)
  })

  it.effect("that throw are a defect, after the outcomes of those before", () => {
    const { provide } = slow()
    return Effect.gen(function* () {
      const defect = new Error("no more")
      const ids = (function* () {
        yield "cust_0"
        throw defect
      })()
      const { told, exit } = yield* toTheEnd(deleteCustomers(ids))
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted"])
      assertEquals(exit, Exit.die(defect))
    }).pipe(provide)
  })

  it.effect("that are ended let what is under way come to its end, resends included, and nothing else be sent", () => {
    const { requested, provide } = handmade((_, earlier) =>
      earlier === 0 ? Effect.delay(Effect.fail(lost), "1 second") : Effect.void
    )
    return Effect.gen(function* () {
      const stop = yield* Deferred.make<void>()
      const ids = Stream.fromIterable(oneByOne(100)).pipe(Stream.rechunk(1), Stream.haltWhenDeferred(stop))
      const { told, fiber } = yield* begin(deleteCustomers(ids, { concurrency: 2, retry: { baseDelay: 0 } }))
      yield* Deferred.succeed(stop, undefined)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.sameMembers(requested(), ["cust_0", "cust_1", "cust_0", "cust_1"])
      assert.sameMembers(told, ["cust_0 CustomerDeleted", "cust_1 CustomerDeleted"])
    }).pipe(provide)
  })

  it.effect("that are ended while one waits for its start let that one be sent, and no other", () => {
    const { requested, provide } = handmade(() => Effect.void)
    return Effect.gen(function* () {
      const stop = yield* Deferred.make<void>()
      const ids = Stream.fromIterable(oneByOne(100)).pipe(Stream.rechunk(1), Stream.haltWhenDeferred(stop))
      const { fiber } = yield* begin(deleteCustomers(ids, { rateLimit: { limit: 1, interval: "1 second" } }))
      yield* Deferred.succeed(stop, undefined)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(requested(), oneByOne(2))
    }).pipe(provide)
  })

  it.effect("that have no next one yet are ended by interruptWhen", () => {
    const { provide } = slow()
    return Effect.gen(function* () {
      const stop = yield* Deferred.make<void>()
      const ids = Stream.concat(Stream.make("cust_0"), Stream.never)
      const { told, fiber } = yield* begin(
        deleteCustomers(ids.pipe(Stream.interruptWhenDeferred(stop), Stream.haltWhenDeferred(stop)))
      )
      yield* Deferred.succeed(stop, undefined)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told, ["cust_0 CustomerDeleted"])
    }).pipe(provide)
  })

  it.effect("that have ended are not waited for, however long the pace", () => {
    const { provide } = handmade(() => Effect.fail(new RateLimited(after("1 hour"))))
    return Effect.gen(function* () {
      const outcomes = deleteCustomers(["cust_0"], { rateLimit: { limit: 1, interval: "1 hour" } })
      const { told, fiber } = yield* begin(outcomes)
      assert.deepStrictEqual(told, ["cust_0 RateLimited"])
      assert.isTrue(Option.isSome(yield* Fiber.poll(fiber)))
    }).pipe(provide)
  })

  it.effect("are released, and requests under way aborted, when the stream is interrupted", () => {
    const { seen, requested, provide } = slow()
    return Effect.gen(function* () {
      let released = false
      const ids = (function* () {
        try {
          yield* oneByOne(100)
        } finally {
          released = true
        }
      })()
      const { told, fiber } = yield* begin(deleteCustomers(ids, { concurrency: 2 }))
      yield* Fiber.interrupt(fiber)
      assert.sameMembers(seen.interrupted, oneByOne(2))
      assert.deepStrictEqual([requested(), told], [oneByOne(2), []])
      assert.isTrue(released)
    }).pipe(provide)
  })

  it.effect("in a Set, and an effect that gives one, are ids too", () => {
    const { provide } = slow()
    return Effect.gen(function* () {
      assert.deepStrictEqual((yield* toTheEnd(deleteCustomers(new Set(["a", "b"])))).told.length, 2)
      assert.deepStrictEqual((yield* toTheEnd(deleteCustomers(Effect.succeed("a")))).told, ["a CustomerDeleted"])
    }).pipe(provide)
  })

  it.effect("are gone through anew for each run of the stream", () => {
    const { provide } = slow()
    return Effect.gen(function* () {
      const outcomes = deleteCustomers(["a"], { rateLimit: { limit: 1, interval: "1 hour" } })
      for (const _ of [1, 2]) {
        assert.deepStrictEqual((yield* toTheEnd(outcomes)).told, ["a CustomerDeleted"])
      }
    }).pipe(provide)
  })
})

describe("what makes no sense", () => {
  it.effect.each<DeleteCustomersOptions>([
    ...[0, -1, Number.NaN, 1.5, Number.POSITIVE_INFINITY, 1001].map((concurrency) => ({ concurrency })),
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((limit) => ({
      rateLimit: { limit, interval: "1 second" } as const
    })),
    ...[0, -1, Number.NaN, Duration.infinity].map((interval) => ({ rateLimit: { limit: 1, interval } })),
    { haltWhen: new AbortController().signal as object as Effect.Effect<void> },
    { retry: { baseDelay: "soon" } as object }
  ])("as options (%o) rejects each id and sends nothing", (options) => {
    const { requested, provide } = handmade(() => Effect.void)
    return Effect.gen(function* () {
      const outcomes = yield* Stream.runCollect(deleteCustomers(["a", "b"], options))
      const told = Array.from(outcomes, (outcome) => {
        assert(outcome._tag === "DeletionUnconfirmed" && outcome.error._tag === "RequestFailed")
        assert.match(outcome.error.message, /^options[.a-zA-Z]* must .* Nothing was sent$/)
        return [outcome.customerId, outcome.error.reason, outcome.error.delivered]
      })
      assert.deepStrictEqual(told, [
        ["a", "InvalidRequest", "no"],
        ["b", "InvalidRequest", "no"]
      ])
      assert.deepStrictEqual(requested(), [])
    }).pipe(provide)
  })

  // From JavaScript; but that a string is an iterable of its characters, TypeScript lets through too.
  it.effect.each(["cust_1", new String("cust_1"), undefined, null, 1, {}])(
    "as ids (%o) is one rejection, and sends nothing",
    (ids) => {
      const { requested, provide } = handmade(() => Effect.void)
      return Effect.gen(function* () {
        const { told } = yield* toTheEnd(deleteCustomers(ids as Iterable<string>))
        assert.deepStrictEqual(told, [`${typeof ids === "string" ? ids : ""} RequestFailed`])
        assert.deepStrictEqual(requested(), [])
      }).pipe(provide)
    }
  )

  it.effect("a client that dies is a defect, after the outcomes of what is under way", () => {
    const { requested, provide } = handmade((id) => (id === "cust_0" ? Effect.die("bug") : Effect.sleep("1 second")))
    return Effect.gen(function* () {
      const { told, exit } = yield* toTheEnd(deleteCustomers(oneByOne(100), { concurrency: 2 }))
      assertEquals(exit, Exit.die("bug"))
      assert.strictEqual(told.length, requested().length - 1)
    }).pipe(provide)
  })
})
