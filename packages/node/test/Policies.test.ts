import { assert, describe, it, vi } from "@effect/vitest"
import {
  type CustomerDeleted,
  type DeleteCustomerError,
  deleteCustomer,
  ensureCustomerDeleted,
  FlowwiseClient,
  Retry
} from "@effect-flowwise/client"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
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

describe.each(Object.entries(transports))("ambiguity over %s", (_, transport) => {
  const clientFor = (...answers: ReadonlyArray<RawServer.Answer | undefined>) =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(inTurn(...answers))
      return { server, context: yield* Layer.build(clientAt(server.baseUrl, transport)) }
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

  it.live("attemptTimeout bounds each call of an attempt, also where the caller catches its time-out", () =>
    Effect.gen(function* () {
      const { context, server } = yield* clientFor(undefined)
      const call = Effect.suspend(() => deleteCustomer("cust_1"))
      const error = yield* Effect.catchAll(call, () => call).pipe(
        Retry.transient({ attemptTimeout: "100 millis", times: 0 }),
        Effect.flip,
        Effect.timeout("5 seconds"),
        Effect.provide(context)
      )
      assert.deepInclude(error, { _tag: "RequestFailed", reason: "Timeout" })
      assert.strictEqual((yield* server.heads).length, 2)
    }).pipe(Effect.scoped)
  )

  it.scoped("an attempt knows of those that a retry of another copy of this package remembers", () =>
    Effect.gen(function* () {
      const { context } = yield* clientFor(lost, notFound)
      vi.resetModules()
      const copy = yield* Effect.promise(() => import("@effect-flowwise/client"))
      assert.notStrictEqual(copy.deleteCustomer, deleteCustomer)
      const error = yield* Effect.suspend(() => deleteCustomer("cust_1")).pipe(
        Effect.retry({ times: 1 }),
        copy.Retry.transient({ times: 0 }),
        Effect.flip,
        Effect.provide(context)
      )
      assert.deepInclude(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
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
      const context = yield* Layer.build(clientAt(server.baseUrl, transport))
      const closed = yield* Effect.scoped(Effect.map(RawServer.make(inTurn(lost)), ({ baseUrl }) => baseUrl))
      const gone = yield* Layer.build(clientAt(closed, transport))
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
        Effect.provide(clientAt(closed, transport))
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
