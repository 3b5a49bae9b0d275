import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type { HttpClient } from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { deleteCustomer, FlowwiseClient } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator, FlowwiseTest } from "@effect-flowwise/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

/** What the fake and the emulator both let a test see. */
class World extends Context.Tag("World")<
  World,
  {
    readonly customers: Effect.Effect<ReadonlyArray<string>>
    /** The ids that were asked for. */
    readonly requested: Effect.Effect<ReadonlyArray<string>>
  }
>() {}

type Subject = (customers: Iterable<string>) => Layer.Layer<FlowwiseClient | World>

const fake: Subject = (customers) =>
  Layer.effect(
    World,
    Effect.map(FlowwiseTest, ({ customers, requests }) => ({ customers, requested: requests }))
  ).pipe(Layer.provideMerge(FlowwiseTest.layer({ customers })))

const emulator =
  (httpClient: Layer.Layer<HttpClient>): Subject =>
  (customers) =>
    Layer.merge(
      Layer.provide(FlowwiseClient.layer, [
        httpClient,
        FlowwiseEmulator.layerCredentials,
        FlowwiseEmulator.layerEnvironment
      ]),
      Layer.effect(
        World,
        Effect.map(FlowwiseEmulator, ({ customers, requests }) => ({
          customers,
          requested: Effect.map(requests, (all) =>
            all.map(({ target }) => decodeURIComponent(target.slice("/customer/".length)))
          )
        }))
      )
    ).pipe(Layer.provide(FlowwiseEmulator.layer({ customers })))

describe.each<readonly [string, Subject]>([
  ["the fake", fake],
  ["the emulator, over NodeFlowwise.layerHttpClient", emulator(NodeFlowwise.layerHttpClient)],
  ["the emulator, over NodeHttpClient.layerUndici", emulator(NodeHttpClient.layerUndici)],
  ["the emulator, over NodeHttpClient.layer", emulator(NodeHttpClient.layer)],
  ["the emulator, over FetchHttpClient.layer", emulator(FetchHttpClient.layer)]
])("%s", (_, subject) => {
  it.effect("deletes a customer once", () =>
    Effect.gen(function* () {
      const world = yield* World
      const deleted = yield* deleteCustomer("cust_1")
      assert.strictEqual(deleted.customerId, "cust_1")
      assert.isTrue(Option.isSome(deleted.requestId))
      assert.deepStrictEqual(yield* world.customers, ["cust_2"])
      const again = yield* Effect.flip(deleteCustomer("cust_1"))
      assert(again._tag === "CustomerNotFound")
      assert.deepStrictEqual([again.customerId, again.afterAmbiguousAttempt], ["cust_1", false])
      assert.deepStrictEqual(yield* world.requested, ["cust_1", "cust_1"])
    }).pipe(Effect.provide(subject(["cust_1", "cust_2"])))
  )

  it.effect("knows nobody unless told", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(deleteCustomer("cust_1")))._tag, "CustomerNotFound")
      assert.deepStrictEqual(yield* (yield* World).customers, [])
    }).pipe(Effect.provide(subject([])))
  )

  it.effect("rejects an unknown id with a control character in it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(deleteCustomer("cust\t1"))
      assert(error._tag === "InvalidCustomerId")
      assert.strictEqual(error.rejectedBy, "server")
      assert.isTrue(Option.isSome(error.requestId))
    }).pipe(Effect.provide(subject([])))
  )

  it.effect("never sees an id that the client refuses", () =>
    Effect.gen(function* () {
      for (const id of ["", ".", "..", "\ud800", "x".repeat(1025)]) {
        const error = yield* Effect.flip(deleteCustomer(id))
        assert(error._tag === "InvalidCustomerId")
        assert.strictEqual(error.rejectedBy, "client")
      }
      assert.deepStrictEqual(yield* (yield* World).requested, [])
    }).pipe(Effect.provide(subject(["", ".", "..", "\ud800", "x".repeat(1025)])))
  )

  const strange = [
    "a/b",
    "a%2Fb",
    "%2e%2e",
    "a?b#c",
    "a\\b",
    " a ",
    "\u0000",
    "\u{1f600}",
    "\u00e9",
    "e\u0301",
    "__proto__",
    "x".repeat(1024)
  ]

  it.effect("takes strange ids as they are", () =>
    Effect.gen(function* () {
      yield* Effect.forEach(strange, deleteCustomer)
      assert.deepStrictEqual(yield* (yield* World).requested, strange)
      assert.deepStrictEqual(yield* (yield* World).customers, [])
    }).pipe(Effect.provide(subject(strange)))
  )

  it.effect("deletes a customer for exactly one of those who ask at once", () =>
    Effect.gen(function* () {
      const results = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.either(deleteCustomer("cust_1")), {
        concurrency: "unbounded"
      })
      assert.strictEqual(results.filter(Either.isRight).length, 1)
    }).pipe(Effect.provide(subject(["cust_1"])))
  )

  it.effect("starts afresh for every build", () =>
    Effect.gen(function* () {
      const layer = subject(["cust_1"])
      yield* Effect.provide(deleteCustomer("cust_1"), layer)
      yield* Effect.provide(deleteCustomer("cust_1"), layer)
    })
  )

  it.effect("any order of deletes leaves who was not asked for", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          FastCheck.array(FastCheck.constantFrom("a", "b", "c", "d")),
          FastCheck.array(FastCheck.constantFrom("a", "b", "c", "d", "e")),
          (customers, asked) =>
            Effect.gen(function* () {
              const left = new Set(customers)
              for (const id of asked) {
                const result = yield* Effect.either(deleteCustomer(id))
                assert.strictEqual(Either.isRight(result), left.delete(id))
              }
              assert.deepStrictEqual(yield* (yield* World).customers, [...left])
            }).pipe(Effect.provide(subject(customers)), Effect.runPromise)
        ),
        { numRuns: 20 }
      )
    )
  )
})
