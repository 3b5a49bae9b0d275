import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import {
  Credentials,
  CustomerId,
  deleteCustomer,
  Environment,
  FlowwiseClient,
  Retry,
  type Transport
} from "@effect-flowwise/client"
import { documented } from "@effect-flowwise/core/cases"
import * as Arbitrary from "effect/Arbitrary"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { clientAt, httpClients, overWrapped, transports } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

describe.each(Object.entries(transports))("deleteCustomer over %s", (_, transport) => {
  it.scoped("a deletion says of whom, where and when", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204, { "x-request-id": "req_1" }))
      const deleted = yield* deleteCustomer("cust_1").pipe(Effect.provide(clientAt(server.baseUrl, transport)))
      assert.strictEqual(deleted._tag, "CustomerDeleted")
      assert.strictEqual(deleted.customerId, "cust_1")
      assert.strictEqual(deleted.environment, "raw")
      assert.deepStrictEqual(deleted.requestId, Option.some("req_1"))
      // TestClock starts at the epoch: the time is Effect's.
      assert.strictEqual(deleted.deletedAt.epochMillis, 0)
    })
  )

  describe("ids", () => {
    it.scoped("a refused id sends nothing", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        const refused: ReadonlyArray<unknown> = [
          "",
          ".",
          "..",
          "\ud800",
          "a\udc00b",
          "x".repeat(1025),
          "\u20ac".repeat(342),
          undefined,
          null,
          42,
          {},
          ["a"],
          Symbol("a")
        ]
        for (const id of refused) {
          const error = yield* deleteCustomer(id as string).pipe(
            Effect.flip,
            Effect.provide(clientAt(server.baseUrl, transport))
          )
          assert(error._tag === "InvalidCustomerId", error._tag)
          assert.strictEqual(error.rejectedBy, "client")
          assert.strictEqual(error.customerId, typeof id === "string" ? id : "")
        }
        assert.strictEqual(yield* server.connections, 0)
      })
    )

    const strange = [
      "a/b",
      "a?b",
      "a#b",
      "a%2Fb",
      "%2e%2e",
      "%2E",
      "a\\b",
      " a ",
      "a\nb",
      "a\tb",
      "\u0000",
      "\u{1f600}",
      "\u00e9",
      "e\u0301",
      "__proto__",
      "...",
      "a&b=c",
      "*'()!~",
      "\u202e",
      "x".repeat(1024),
      "\u20ac".repeat(341)
    ]

    it.scoped("a strange id is exactly one segment, encoded once, as given", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        yield* Effect.forEach(strange, deleteCustomer).pipe(
          Effect.provide(clientAt(`${server.baseUrl}/router/`, transport))
        )
        assert.deepStrictEqual(
          yield* server.targets,
          strange.map((id) => `/router/customer/${encodeURIComponent(id)}`)
        )
      })
    )

    it.scoped("any id goes over the wire byte for byte", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        const ids = FastCheck.sample(Arbitrary.make(CustomerId), { numRuns: 100, seed: 1 })
        yield* Effect.forEach(ids, deleteCustomer).pipe(Effect.provide(clientAt(server.baseUrl, transport)))
        const segments = (yield* server.targets).map((target) => target.split("/").slice(2))
        assert.deepStrictEqual(
          segments.map((segment) => segment.map(decodeURIComponent)),
          ids.map((id) => [id])
        )
      })
    )
  })

  describe("no answer", () => {
    it.scoped.each([
      ["no head", ""],
      ["no end of the body", "HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\n{"]
    ])("%s in time is a time-out, which closes the socket, even where the caller can't be interrupted", ([, bytes]) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => ({ bytes: bytes! }))
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.uninterruptible,
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, transport, { timeout: "5 seconds" })),
          Effect.fork
        )
        yield* server.received(1)
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(fiber)
        assert(error._tag === "RequestFailed", error._tag)
        assert.strictEqual(error.reason, "Timeout")
        assert.strictEqual(error.delivered, "unknown")
        yield* server.openAtMost(0)
      })
    )

    it.scoped("is a time-out, too, by a clock whose sleeps end at once", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => undefined)
        const clock: Clock.Clock = Object.assign(Object.create(yield* Effect.clock), { sleep: () => Effect.void })
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, transport)),
          Effect.withClock(clock)
        )
        assert.deepInclude(error, { _tag: "RequestFailed", reason: "Timeout" })
        yield* server.openAtMost(0)
      })
    )

    it.live("a time-out that is too long for a timer is none", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => ({ bytes: "", later: [20, http(204)] }))
        for (const timeout of [2 ** 31 - 0.5, 2 ** 31, "40 days", Number.POSITIVE_INFINITY] as const) {
          const deleted = yield* deleteCustomer("cust_1").pipe(
            Retry.transient({ attemptTimeout: timeout, times: 0 }),
            Effect.provide(clientAt(server.baseUrl, transport, { timeout }))
          )
          assert.strictEqual(deleted._tag, "CustomerDeleted")
        }
      }).pipe(Effect.scoped)
    )

    it.scoped("a caller who can't be interrupted gets its outcome", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => undefined)
        const journal: Array<string> = []
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.either,
          Effect.tap((result) => Effect.sync(() => journal.push(Either.merge(result)._tag))),
          Effect.uninterruptible,
          Effect.provide(clientAt(server.baseUrl, transport)),
          Effect.fork
        )
        yield* server.received(1)
        yield* Fiber.interruptFork(fiber)
        yield* TestClock.adjust("30 seconds")
        yield* Fiber.await(fiber)
        assert.deepStrictEqual(journal, ["RequestFailed"])
      })
    )

    it.scoped("credentials that don't come in time were never delivered", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientWith(transport, server.baseUrl, Effect.never)),
          Effect.fork
        )
        yield* TestClock.adjust("30 seconds")
        const error = yield* Fiber.join(fiber)
        assert(error._tag === "RequestFailed", error._tag)
        assert.deepStrictEqual([error.reason, error.delivered], ["Timeout", "no"])
        assert.strictEqual(yield* server.connections, 0)
      })
    )
  })

  describe("services made by hand", () => {
    it.scoped.each(["bad\r\nx-evil: 1", "", "caf\u00e9", "x".repeat(1025), undefined, null, 42, Redacted.make({})])(
      "a secret that no header can carry is a typed error, and nothing is sent (%#)",
      (value) =>
        Effect.gen(function* () {
          const server = yield* RawServer.make(() => http(204))
          const pair = { clientId: "app_1", clientSecret: value as Redacted.Redacted }
          const error = yield* deleteCustomer("cust_1").pipe(
            Effect.flip,
            Effect.provide(clientWith(transport, server.baseUrl, Effect.succeed(pair)))
          )
          assert(error._tag === "RequestFailed", error._tag)
          assert.deepStrictEqual([error.reason, error.delivered], ["InvalidRequest", "no"])
          if (typeof value === "string" && value !== "") assert.notInclude(error.message, value)
          assert.strictEqual(yield* server.connections, 0)
        })
    )

    it.effect.each([
      "ftp://127.0.0.1",
      "file:///tmp",
      "relative/path",
      "",
      "http://user:pa55@127.0.0.1",
      "http://127.0.0.1/?a=b"
    ])("the base URL %s is a typed error", (baseUrl) =>
      Effect.gen(function* () {
        const pair = { clientId: "app_1", clientSecret: Redacted.make("secret") }
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientWith(transport, baseUrl, Effect.succeed(pair)))
        )
        assert(error._tag === "RequestFailed", error._tag)
        assert.deepStrictEqual([error.reason, error.delivered], ["InvalidRequest", "no"])
        assert.notInclude(error.message, "pa55")
      })
    )

    it.scoped("credentials are read for every request", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        let reads = 0
        const get = Effect.sync(() => ({ clientId: `app_${++reads}`, clientSecret: Redacted.make(`secret_${reads}`) }))
        yield* Effect.forEach(["a", "b"], deleteCustomer).pipe(
          Effect.provide(clientWith(transport, server.baseUrl, get))
        )
        const pairs = (yield* server.heads).map((head) => [
          /x-client-id: (\S+)/i.exec(head)?.[1],
          /x-client-secret: (\S+)/i.exec(head)?.[1],
          /accept-encoding: (\S+)/i.exec(head)?.[1]
        ])
        assert.deepStrictEqual(pairs, [
          ["app_1", "secret_1", "identity"],
          ["app_2", "secret_2", "identity"]
        ])
      })
    )

    it.scoped("a time-out that is none is a typed error, and nothing is sent", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        for (const timeout of ["soon", "5", {}, Number.NaN, -1, 0]) {
          const error = yield* deleteCustomer("cust_1").pipe(
            Effect.flip,
            Effect.provide(clientAt(server.baseUrl, transport, { timeout: timeout as "5 seconds" }))
          )
          assert(error._tag === "RequestFailed", error._tag)
          assert.strictEqual(error.reason, "InvalidRequest")
        }
        assert.strictEqual(yield* server.connections, 0)
      })
    )

    it.scoped("two accounts live side by side", () =>
      Effect.gen(function* () {
        const first = yield* RawServer.make(() => http(204))
        const second = yield* RawServer.make(() => http(204))
        yield* deleteCustomer("a").pipe(Effect.provide(clientAt(first.baseUrl, transport)))
        yield* deleteCustomer("b").pipe(Effect.provide(clientAt(second.baseUrl, transport)))
        assert.deepStrictEqual([yield* first.targets, yield* second.targets], [["/customer/a"], ["/customer/b"]])
      })
    )
  })
})

describe.each(Object.entries(httpClients))("deleteCustomer over a wrapped %s", (_, httpClient) => {
  const deleteOver = (baseUrl: string, wrap: (client: HttpClient.HttpClient) => HttpClient.HttpClient) =>
    deleteCustomer("cust_1").pipe(Effect.provide(clientAt(baseUrl, overWrapped(httpClient, wrap))))

  it.scoped("a client that can't be interrupted does not outlast the time-out", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => undefined)
      const fiber = yield* deleteOver(server.baseUrl, HttpClient.transformResponse(Effect.uninterruptible)).pipe(
        Effect.flip,
        Effect.fork
      )
      yield* server.received(1)
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(fiber)
      assert(error._tag === "RequestFailed", error._tag)
      assert.strictEqual(error.reason, "Timeout")
    })
  )

  it.scoped("a client that is made by spreading another one keeps its own execute", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      yield* deleteOver(server.baseUrl, (client) => ({
        ...client,
        execute: (request) => client.execute(HttpClientRequest.setHeader(request, "x-tenant", "7"))
      }))
      assert.match((yield* server.heads)[0]!, /x-tenant: 7/i)
    })
  )

  it.scoped("a wrapper sees and changes the request", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      yield* deleteOver(server.baseUrl, HttpClient.mapRequest(HttpClientRequest.setHeader("x-tenant", "7")))
      assert.match((yield* server.heads)[0]!, /x-tenant: 7/i)
    })
  )

  it.scoped("fetch options of the caller's own are kept, but follow no redirect", () =>
    Effect.gen(function* () {
      const elsewhere = yield* RawServer.make(() => http(204))
      const server = yield* RawServer.make(() => http(307, { location: `${elsewhere.baseUrl}/customer/cust_1` }))
      const error = yield* deleteOver(server.baseUrl, identity).pipe(
        Effect.flip,
        Effect.provideService(FetchHttpClient.RequestInit, { redirect: "follow", referrer: "https://own.test/" })
      )
      assert(error._tag === "UnexpectedResponse", error._tag)
      assert.deepStrictEqual([(yield* server.heads).length, yield* elsewhere.connections], [1, 0])
      if (httpClient === FetchHttpClient.layer) assert.match((yield* server.heads)[0]!, /^referer: /im)
    })
  )

  it.scoped("a wrapper that asks for a token first gets it, and the delete its own answer", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make((target) => (target === "/token" ? http(204) : json(404, documented[404])))
      const error = yield* deleteOver(server.baseUrl, (client) =>
        HttpClient.mapRequestEffect(client, (request) =>
          Effect.map(Effect.orDie(client.get(`${server.baseUrl}/token`)), ({ status }) =>
            HttpClientRequest.setHeader(request, "x-token", String(status))
          )
        )
      ).pipe(Effect.flip)
      assert.strictEqual(error._tag, "CustomerNotFound")
      assert.deepStrictEqual(yield* server.targets, ["/token", "/customer/cust_1"])
      assert.match((yield* server.heads)[1]!, /x-token: 204/i)
    })
  )

  it.scoped("a wrapper whose own request fails behind a 204 never has it said that nothing was sent", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      const closed = yield* Effect.scoped(
        Effect.map(
          RawServer.make(() => undefined),
          ({ baseUrl }) => baseUrl
        )
      )
      const error = yield* deleteOver(server.baseUrl, (client) =>
        HttpClient.tap(client, () => client.post(`${closed}/audit`))
      ).pipe(Effect.flip)
      assert.deepInclude(error, { _tag: "RequestFailed", reason: "Transport", delivered: "unknown" })
      assert.deepStrictEqual(yield* server.targets, ["/customer/cust_1"])
    })
  )

  it.scoped("a wrapper that makes errors of statuses changes no outcome", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => json(404, documented[404]))
      const error = yield* Effect.flip(deleteOver(server.baseUrl, HttpClient.filterStatusOk))
      assert.strictEqual(error._tag, "CustomerNotFound")
    })
  )

  it.scoped("a wrapper that reads the body itself leaves an unexpected response, and no defect", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => json(404, documented[404]))
      const error = yield* Effect.flip(
        deleteOver(
          server.baseUrl,
          HttpClient.tap((response) => response.text)
        )
      )
      assert.include(["UnexpectedResponse", "CustomerNotFound"], error._tag)
    })
  )
})

/** A client whose services were made without the package's layers, and so without their checks. */
const clientWith = (transport: Layer.Layer<Transport>, baseUrl: string, get: (typeof Credentials)["Service"]["get"]) =>
  Layer.effect(FlowwiseClient, FlowwiseClient.make()).pipe(
    Layer.provide([
      transport,
      Layer.succeed(Environment, { name: "by hand", baseUrl }),
      Layer.succeed(Credentials, { get })
    ])
  )
