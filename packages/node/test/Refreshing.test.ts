import { assert, describe, it } from "@effect/vitest"
import { type ClientCredentials, Credentials, Environment, FlowwiseClient } from "@effect-flowwise/client"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/TestClock"
import { transports } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

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
        Layer.effect(FlowwiseClient, FlowwiseClient.make()).pipe(
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
