import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { deleteCustomer, deleteCustomers, Retry } from "@effect-flowwise/client"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { summary } from "./edition.js"
import { clientAt, transports } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http } from "./RawServer.js"

afterEach(() => void vi.useRealTimers())

/** Ten seconds of faked time, a tenth of a second after each of the network's turns. */
const tenSeconds = Effect.promise(async () => {
  for (let tenths = 0; tenths < 100; tenths++) {
    await vi.advanceTimersByTimeAsync(100)
    await new Promise((resolve) => realSetImmediate(resolve))
  }
})
const realSetImmediate = globalThis.setImmediate

describe.each(Object.entries(transports))("under vi.useFakeTimers, over %s", (_, transport) => {
  it.live("the pace of deleteCustomers goes on", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      vi.useFakeTimers()
      const began = Date.now()
      const fiber = yield* deleteCustomers(["1", "2", "3"], { rateLimit: { limit: 1, interval: "3 seconds" } }).pipe(
        Stream.map(() => Date.now() - began),
        Stream.runCollect,
        Effect.provide(clientAt(server.baseUrl, transport)),
        Effect.fork
      )
      yield* tenSeconds
      assert.strictEqual((yield* server.heads).length, 3)
      assert.isAtLeast(Array.from(yield* Fiber.join(fiber)).at(-1)!, 6000)
    }).pipe(Effect.scoped)
  )

  it.live("a wait between two attempts goes on", () =>
    Effect.gen(function* () {
      let requests = 0
      const server = yield* RawServer.make(() => (++requests === 1 ? http(429, { "retry-after": "5" }) : http(204)))
      vi.useFakeTimers()
      const fiber = yield* deleteCustomer("1").pipe(
        Retry.transient(),
        Effect.provide(clientAt(server.baseUrl, transport)),
        Effect.fork
      )
      yield* tenSeconds
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "CustomerDeleted")
    }).pipe(Effect.scoped)
  )

  it.live("the time-out strikes", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => undefined)
      vi.useFakeTimers()
      const fiber = yield* Effect.either(deleteCustomer("1")).pipe(
        Effect.provide(clientAt(server.baseUrl, transport, { timeout: "5 seconds" })),
        Effect.fork
      )
      yield* tenSeconds
      assert.strictEqual(summary(Either.merge(yield* Fiber.join(fiber))), "RequestFailed Timeout unknown")
    }).pipe(Effect.scoped)
  )
})
