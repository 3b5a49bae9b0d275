import { assert, describe, it } from "@effect/vitest"
import {
  type ClientCredentials,
  Credentials,
  type CustomerDeleted,
  type DeleteCustomerError,
  deleteCustomer,
  Environment,
  ensureCustomerDeleted,
  FlowwiseClient,
  Retry
} from "@effect-flowwise/client"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import { clientAt, transports } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

const lost: RawServer.Answer = { bytes: "", close: true }
const notFound = json(404, { message: "no", code: "customer_not_found", type: "t" })

/** Answers one request after the other from the list, and goes on with its last. */
const inTurn = (...answers: ReadonlyArray<RawServer.Answer | undefined>) => {
  let requests = 0
  return () => answers[Math.min(requests++, answers.length - 1)]
}

describe.each(Object.entries(transports))("ambiguity over %s", (_, httpClient) => {
  const clientFor = (...answers: ReadonlyArray<RawServer.Answer | undefined>) =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(inTurn(...answers))
      return { server, context: yield* Layer.build(clientAt(server.baseUrl, httpClient)) }
    })

  const ways: ReadonlyArray<
    readonly [string, (id: string) => Effect.Effect<CustomerDeleted, DeleteCustomerError, FlowwiseClient>]
  > = [
    ["Retry.transient", (id) => deleteCustomer(id).pipe(Retry.transient({ baseDelay: 0 }))],
    [
      "Retry.transient around a call that is made anew",
      (id) => Effect.suspend(() => deleteCustomer(id)).pipe(Retry.transient({ baseDelay: 0 }))
    ],
    [
      "a user's own Effect.retry",
      (id) => deleteCustomer(id).pipe(Effect.retry({ times: 3, while: Retry.isTransient }))
    ],
    [
      "Effect.retry around the service's method",
      (id) => Effect.flatMap(FlowwiseClient, (client) => Effect.retry(client.deleteCustomer(id), { times: 1 }))
    ]
  ]

  it.scoped.each(ways)("a 404 after a lost answer says so through %s", ([, way]) =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(lost, notFound)
      const error = yield* Effect.flip(Effect.provide(way("cust_1"), context))
      assert.deepInclude(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
      assert.strictEqual((yield* server.heads).length, 2)
    })
  )

  it.scoped.each(ways)("a 404 after a 429 does not, through %s", ([, way]) =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(http(429), notFound)
      const error = yield* Effect.flip(Effect.provide(way("cust_1"), context))
      assert.deepInclude(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: false })
    })
  )

  it.scoped("an attempt that Effect.timeout cut off is one that may have deleted the customer", () =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(undefined, notFound)
      const fiber = yield* deleteCustomer("cust_1").pipe(
        Effect.timeout("5 seconds"),
        Effect.retry({ times: 1 }),
        Effect.flip,
        Effect.provide(context),
        Effect.fork
      )
      yield* server.received(1)
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
    })
  )

  it.scoped("one that attemptTimeout cut off is too, and its socket is closed", () =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(undefined)
      const fiber = yield* deleteCustomer("cust_1").pipe(
        Retry.transient({ attemptTimeout: "5 seconds", times: 0 }),
        Effect.flip,
        Effect.provide(context),
        Effect.fork
      )
      yield* server.received(1)
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "RequestFailed", reason: "Timeout", delivered: "unknown" })
      yield* server.openAtMost(0)
    })
  )

  it.scoped("what stands between attemptTimeout and the call sees a time-out, and no interruption", () =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(undefined)
      const seen: Array<unknown> = []
      const fiber = yield* deleteCustomer("cust_1").pipe(
        Effect.tapErrorCause((cause) => Effect.sync(() => seen.push(Cause.squash(cause)))),
        Retry.transient({ attemptTimeout: "5 seconds", times: 0 }),
        Effect.flip,
        Effect.provide(context),
        Effect.fork
      )
      yield* server.received(1)
      yield* TestClock.adjust("5 seconds")
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, [error])
      assert.match(error.message, /^No complete answer from 127\.0\.0\.1:\d+ within 5s/)
    })
  )

  it.live("attemptTimeout ends what holds on to the time-out of the call in it", () =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(undefined)
      const holders: ReadonlyArray<Effect.Effect<unknown, DeleteCustomerError, FlowwiseClient>> = [
        deleteCustomer("cust_1").pipe(Effect.retry({ times: 1000 })),
        deleteCustomer("cust_1").pipe(Effect.catchAll(() => Effect.never)),
        deleteCustomer("cust_1").pipe(Effect.tapError(() => Effect.never)),
        Effect.race(deleteCustomer("cust_1"), Effect.never)
      ]
      for (const holder of holders) {
        const error = yield* holder.pipe(
          Retry.transient({ attemptTimeout: "100 millis", times: 0 }),
          Effect.flip,
          Effect.timeout("5 seconds"),
          Effect.provide(context)
        )
        assert.deepInclude(error, { _tag: "RequestFailed", reason: "Timeout" })
      }
    }).pipe(Effect.scoped)
  )

  it.scoped("an attempt knows of those that a retry of another version of this package remembers", () =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(notFound)
      const currentMemories = globalValue("@effect-flowwise/client/Attempt/currentMemories", () =>
        FiberRef.unsafeMake<ReadonlyArray<object>>([])
      )
      const memory = { attempts: 1, doubts: new Map([["cust_1", 1]]), told: false }
      const error = yield* Effect.flip(deleteCustomer("cust_1")).pipe(
        Effect.locally(currentMemories, [memory]),
        Effect.provide(context)
      )
      assert.deepInclude(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
      assert.deepStrictEqual(memory, { attempts: 1, doubts: new Map([["cust_1", 1]]), told: true })
    })
  )

  it.scoped("another call for the same customer knows nothing of it", () =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(lost, notFound)
      const [first, second] = yield* Effect.all([
        Effect.flip(deleteCustomer("cust_1")),
        Effect.flip(deleteCustomer("cust_1"))
      ]).pipe(Effect.provide(context))
      assert.deepInclude(first, { _tag: "RequestFailed", delivered: "unknown" })
      assert.deepInclude(second, { _tag: "CustomerNotFound", afterAmbiguousAttempt: false })
    })
  )

  it.scoped("a call that goes on after its own deletion says so, since its caller may never have had the receipt", () =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(http(204), notFound)
      const error = yield* deleteCustomer("cust_1").pipe(
        Effect.zipLeft(Effect.fail("the receipt can't be kept" as const)),
        Effect.retry({ times: 1 }),
        Effect.flip,
        Effect.provide(context)
      )
      assert.deepInclude(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
    })
  )

  const retry = Retry.transient({ times: 1, baseDelay: 0 })
  const anew = Effect.suspend(() => deleteCustomer("cust_1"))
  const nested: Record<string, Effect.Effect<unknown, DeleteCustomerError, FlowwiseClient>> = {
    "one in the other": anew.pipe(retry, retry),
    "a user's own in ours": Effect.suspend(() => deleteCustomer("cust_1").pipe(Effect.retry({ times: 1 }))).pipe(retry),
    "a fallback in ours": anew.pipe(
      Effect.catchTag("RequestFailed", () => anew),
      retry
    )
  }

  it.scoped.each(Object.entries(nested))("retries within retries lose nothing: %s", ([, effect]) =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(lost, http(429), notFound)
      const error = yield* Effect.flip(Effect.provide(effect, context))
      assert.deepInclude(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
    })
  )

  it.scoped("one customer's doubt is not another's", () =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(notFound, lost, notFound, http(204))
      const [first] = yield* Effect.suspend(() =>
        Effect.all([ensureCustomerDeleted("cust_1"), ensureCustomerDeleted("cust_2")])
      ).pipe(Retry.transient({ baseDelay: 0 }), Effect.provide(context))
      assert.deepInclude(first, { _tag: "CustomerAlreadyAbsent", afterAmbiguousAttempt: false })
    })
  )

  it.scoped("a run that is under way beside another is a doubt as long as it is", () =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(undefined, notFound, http(204))
      const call = deleteCustomer("cust_1")
      yield* Effect.gen(function* () {
        yield* Effect.fork(call)
        yield* server.received(1)
        assert.deepInclude(yield* Effect.flip(call), { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
      }).pipe(Effect.provide(context))
    })
  )

  it.scoped("after a lost answer no later error claims that nothing was delivered", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => lost)
      const context = yield* Layer.build(clientAt(server.baseUrl, httpClient))
      const closed = yield* Effect.scoped(Effect.map(RawServer.make(inTurn(lost)), ({ baseUrl }) => baseUrl))
      const gone = yield* Layer.build(clientAt(closed, httpClient))
      let attempts = 0
      const error = yield* Effect.suspend(() =>
        Effect.provide(deleteCustomer("cust_1"), attempts++ === 0 ? context : gone)
      ).pipe(Retry.transient({ times: 1, baseDelay: 0 }), Effect.flip)
      assert.deepInclude(error, { _tag: "RequestFailed", reason: "Connection", delivered: "unknown" })
      assert.include(error.message, "An earlier attempt may have deleted the customer")
    })
  )

  it.scoped("certificates apart, a refused connection is tried again and proves nothing", () =>
    Effect.gen(function* () {
      const closed = yield* Effect.scoped(Effect.map(RawServer.make(inTurn(lost)), ({ baseUrl }) => baseUrl))
      const error = yield* deleteCustomer("cust_1").pipe(
        Retry.transient({ baseDelay: 0 }),
        Effect.flip,
        Effect.provide(clientAt(closed, httpClient))
      )
      assert.deepInclude(error, { _tag: "RequestFailed", reason: "Connection", delivered: "no" })
    })
  )

  it.scoped("an interrupted wait between two attempts sends nothing more", () =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(http(503))
      const waiting = yield* Deferred.make<void>()
      const fiber = yield* deleteCustomer("cust_1").pipe(
        Effect.tapError(() => Deferred.succeed(waiting, undefined)),
        Retry.transient(),
        Effect.provide(context),
        Effect.fork
      )
      yield* Deferred.await(waiting)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* server.heads).length, 1)
    })
  )

  it.scoped("closing the scope of a fiber aborts its request and frees the socket", () =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(undefined)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Effect.forkScoped(Effect.provide(deleteCustomer("cust_1"), context))
          yield* server.received(1)
        })
      )
      yield* server.openAtMost(0)
    })
  )

  describe("ensureCustomerDeleted", () => {
    it.scoped("takes a deletion and a 404 for success, and tells them apart", () =>
      Effect.gen(function* () {
        const { context } = yield* clientFor(http(204), notFound)
        const receipts = yield* Effect.all([ensureCustomerDeleted("cust_1"), ensureCustomerDeleted("cust_1")]).pipe(
          Effect.provide(context)
        )
        assert.deepInclude(receipts[0], { _tag: "CustomerDeleted", customerId: "cust_1", environment: "raw" })
        assert.deepInclude(receipts[1], {
          _tag: "CustomerAlreadyAbsent",
          customerId: "cust_1",
          environment: "raw",
          afterAmbiguousAttempt: false
        })
      })
    )

    it.scoped.each([
      ["Retry.transient", Retry.transient({ baseDelay: 0 })(ensureCustomerDeleted("cust_1"))],
      ["Effect.retry", Effect.retry(ensureCustomerDeleted("cust_1"), { times: 3 })]
    ] as const)("says through %s that an earlier attempt may have been the deletion", ([, ensured]) =>
      Effect.gen(function* () {
        const { context } = yield* clientFor(lost, http(429), notFound)
        const receipt = yield* Effect.provide(ensured, context)
        assert.deepInclude(receipt, { _tag: "CustomerAlreadyAbsent", afterAmbiguousAttempt: true })
      })
    )

    it.scoped("fails as deleteCustomer does with everything else", () =>
      Effect.gen(function* () {
        const { context } = yield* clientFor(http(404, {}, "<h1>no route</h1>"))
        const error = yield* Effect.flip(Effect.provide(ensureCustomerDeleted("cust_1"), context))
        assert.strictEqual(error._tag, "UnexpectedResponse")
      })
    )
  })
})

describe("Credentials.layerRefreshing", () => {
  const pair = (key: number): ClientCredentials => ({
    clientId: "app_1",
    clientSecret: Redacted.make(`key_${key}`)
  })
  const unauthorized = json(401, { message: "no", code: "unauthorized", type: "t" })

  /** A vendor who takes one key only, and a secret manager who has one; each can be changed. */
  const world = (options: {
    readonly vendor: number
    readonly manager: number
    readonly load?: (read: Effect.Effect<ClientCredentials>) => Effect.Effect<ClientCredentials, string>
  }) =>
    Effect.gen(function* () {
      const vendor = yield* Ref.make(options.vendor)
      const manager = yield* Ref.make(options.manager)
      const loads = yield* Ref.make(0)
      const server = yield* RawServer.make((_, head) =>
        /key_(\d+)/.exec(head)?.[1] === String(Effect.runSync(Ref.get(vendor))) ? http(204) : unauthorized
      )
      const read = Effect.zipRight(
        Ref.update(loads, (count) => count + 1),
        Effect.map(Ref.get(manager), pair)
      )
      const context = yield* Layer.build(
        FlowwiseClient.layer.pipe(
          Layer.provide([
            transports["NodeFlowwise.layerTransport"],
            Environment.layer(server.baseUrl),
            Credentials.layerRefreshing({
              load: options.load === undefined ? read : options.load(read),
              timeToLive: "1 minute"
            })
          ])
        )
      )
      const keys = Effect.map(server.heads, (heads) => heads.map((head) => /key_\d+/.exec(head)?.[0]))
      return { client: Context.get(context, FlowwiseClient), keys, loads: Ref.get(loads), manager, server, vendor }
    })

  it.scoped("loads once when the layer is built, and again when the pair is older than its time to live", () =>
    Effect.gen(function* () {
      const { client, keys, loads } = yield* world({ vendor: 1, manager: 1 })
      yield* client.deleteCustomer("a")
      yield* TestClock.adjust("59 seconds")
      yield* client.deleteCustomer("b")
      assert.strictEqual(yield* loads, 1)
      yield* TestClock.adjust("1 second")
      yield* client.deleteCustomer("c")
      assert.strictEqual(yield* loads, 2)
      assert.deepStrictEqual(yield* keys, ["key_1", "key_1", "key_1"])
    })
  )

  it.scoped("a key that was reset is loaded anew, and the request sent once more", () =>
    Effect.gen(function* () {
      const { client, keys, loads, manager, vendor } = yield* world({ vendor: 1, manager: 1 })
      yield* Ref.set(vendor, 2)
      yield* Ref.set(manager, 2)
      assert.strictEqual((yield* client.deleteCustomer("a"))._tag, "CustomerDeleted")
      assert.deepStrictEqual([yield* keys, yield* loads], [["key_1", "key_2"], 2])
      yield* client.deleteCustomer("b")
      assert.deepStrictEqual(yield* keys, ["key_1", "key_2", "key_2"])
    })
  )

  it.scoped("the same pair is not sent a second time", () =>
    Effect.gen(function* () {
      const { client, keys, loads } = yield* world({ vendor: 2, manager: 1 })
      assert.strictEqual((yield* Effect.flip(client.deleteCustomer("a")))._tag, "Unauthorized")
      assert.deepStrictEqual([yield* keys, yield* loads], [["key_1"], 2])
    })
  )

  it.scoped("a second refusal is final", () =>
    Effect.gen(function* () {
      const { client, keys, manager } = yield* world({ vendor: 3, manager: 1 })
      yield* Ref.set(manager, 2)
      assert.strictEqual((yield* Effect.flip(client.deleteCustomer("a")))._tag, "Unauthorized")
      assert.deepStrictEqual(yield* keys, ["key_1", "key_2"])
    })
  )

  it.scoped("fifty fibers that are refused at once share one load", () =>
    Effect.gen(function* () {
      const { client, keys, loads, manager, vendor } = yield* world({ vendor: 1, manager: 1 })
      yield* Ref.set(vendor, 2)
      yield* Ref.set(manager, 2)
      const ids = Array.from({ length: 50 }, (_, index) => `cust_${index}`)
      yield* Effect.forEach(ids, client.deleteCustomer, { concurrency: "unbounded" })
      assert.strictEqual(yield* loads, 2)
      assert.strictEqual((yield* keys).filter((key) => key === "key_2").length, 50)
    })
  )

  it.scoped("so they do where the key is still wrong, or can't be loaded", () =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 50 }, (_, index) => `cust_${index}`)
      let loads = 0
      const failing = yield* world({
        vendor: 2,
        manager: 1,
        load: (read) => Effect.suspend(() => (++loads === 1 ? read : Effect.fail("the manager is down")))
      })
      const outcomes = yield* Effect.forEach(ids, (id) => Effect.flip(failing.client.deleteCustomer(id)), {
        concurrency: "unbounded"
      })
      assert.isTrue(outcomes.every(({ _tag }) => _tag === "Unauthorized"))
      assert.strictEqual(loads, 2)
      assert.strictEqual((yield* failing.keys).length, 50)
    })
  )

  it.scoped("the last pair stays in use while the secret manager is down, or throws", () =>
    Effect.gen(function* () {
      let loads = 0
      const { client, keys } = yield* world({
        vendor: 1,
        manager: 1,
        load: (read) =>
          Effect.suspend(() => {
            loads++
            return loads === 1 ? read : loads === 2 ? Effect.fail("down") : Effect.die("a bug")
          })
      })
      for (const id of ["a", "b", "c"]) {
        yield* client.deleteCustomer(id)
        yield* TestClock.adjust("2 minutes")
      }
      assert.deepStrictEqual([yield* keys, loads], [["key_1", "key_1", "key_1"], 3])
    })
  )

  it.scoped("a load that hangs holds a request up for two seconds, and then the last pair is sent", () =>
    Effect.gen(function* () {
      let loads = 0
      const { client, keys } = yield* world({
        vendor: 1,
        manager: 1,
        load: (read) => Effect.suspend(() => (++loads === 1 ? read : Effect.never))
      })
      yield* TestClock.adjust("1 minute")
      for (const id of ["a", "b"]) {
        const fiber = yield* Effect.fork(client.deleteCustomer(id))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "CustomerDeleted")
      }
      assert.deepStrictEqual([yield* keys, loads], [["key_1", "key_1"], 2])
    })
  )

  it.scoped("a load outlives the request that began it, and the next one has its pair", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      let slow = false
      const { client, keys, loads, manager, vendor } = yield* world({
        vendor: 1,
        manager: 1,
        load: (read) => Effect.zipLeft(read, Deferred.await(arrived).pipe(Effect.when(() => slow)))
      })
      slow = true
      yield* Ref.set(vendor, 2)
      yield* Ref.set(manager, 2)
      yield* TestClock.adjust("1 minute")
      const fiber = yield* Effect.fork(client.deleteCustomer("a"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      yield* Deferred.succeed(arrived, undefined)
      assert.strictEqual((yield* client.deleteCustomer("b"))._tag, "CustomerDeleted")
      assert.deepStrictEqual([yield* keys, yield* loads], [["key_2"], 2])
    })
  )

  it.scoped("a renewal that hangs ends as the refusal that it is", () =>
    Effect.gen(function* () {
      let loads = 0
      const { client, server } = yield* world({
        vendor: 2,
        manager: 1,
        load: (read) => Effect.suspend(() => (++loads === 1 ? read : Effect.never))
      })
      const fiber = yield* Effect.fork(Effect.flip(client.deleteCustomer("a")))
      yield* server.received(1)
      yield* Effect.repeat(Effect.yieldNow(), { until: () => loads === 2 })
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Unauthorized")
    })
  )

  it.effect("the layer fails as the first load does, or names what no header can carry", () =>
    Effect.gen(function* () {
      const build = (load: Effect.Effect<ClientCredentials, string>, timeToLive: string) =>
        Credentials.layerRefreshing({ load, timeToLive: timeToLive as "1 minute" }).pipe(
          Layer.build,
          Effect.scoped,
          Effect.flip
        )
      assert.strictEqual(yield* build(Effect.fail("down"), "1 minute"), "down")
      const broken = yield* build(
        Effect.succeed({ clientId: "app_1", clientSecret: Redacted.make("a\nb") }),
        "1 minute"
      )
      assert.isTrue(ConfigError.isConfigError(broken))
      assert.match(String(broken), /clientSecret/)
      assert.notMatch(String(broken), /a\nb/)
      assert.match(String(yield* build(Effect.succeed(pair(1)), "soon")), /timeToLive/)
    })
  )
})
