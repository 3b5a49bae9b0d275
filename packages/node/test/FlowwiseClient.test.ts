import { gzipSync } from "node:zlib"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import {
  Credentials,
  CustomerId,
  type DeleteCustomerError,
  deleteCustomer,
  Environment,
  FlowwiseClient
} from "@effect-flowwise/client"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { clientAt, httpClients } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

const documented = {
  400: { message: "Invalid customer ID format provided", code: "invalid_customer_id", type: "validation_error" },
  401: { message: "Invalid API credentials provided", code: "unauthorized", type: "authentication_error" },
  404: {
    message: "Customer not found with the provided customer ID",
    code: "customer_not_found",
    type: "resource_error"
  },
  500: { message: "Customer deletion failed due to server error", code: "deletion_failed", type: "server_error" }
} as const

const tags = { 400: "InvalidCustomerId", 401: "Unauthorized", 404: "CustomerNotFound", 500: "DeletionFailed" } as const

const statuses = [400, 401, 404, 500] as const

const chunked = (body: string, trailer = "") =>
  `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n${trailer}\r\n`

describe.each(Object.entries(httpClients))("deleteCustomer over %s", (_, httpClient) => {
  /** Asks a server that answers by the script, once for each name in it; the name is the customer's id. */
  const outcomes = (script: Record<string, RawServer.Answer>) =>
    Effect.gen(function* () {
      const server = yield* RawServer.make((target) => script[decodeURIComponent(target.slice("/customer/".length))])
      const results = yield* Effect.forEach(Object.keys(script), (name) =>
        Effect.map(Effect.either(deleteCustomer(name)), (result) => [name, result] as const)
      ).pipe(Effect.provide(clientAt(server.baseUrl, httpClient)))
      return { results, server }
    })

  const errors = (script: Record<string, RawServer.Answer>) =>
    Effect.map(outcomes(script), ({ results }) =>
      results.map(([name, result]): readonly [string, DeleteCustomerError] => {
        assert(Either.isLeft(result), `${name} must be an error, and is a deletion`)
        return [name, result.left]
      })
    )

  describe("success and look-alikes", () => {
    it.scoped("only 204 is a deletion", () =>
      Effect.gen(function* () {
        const { results } = yield* outcomes({ "204": http(204, { "x-request-id": "req_1" }) })
        const deleted = yield* results[0]![1]
        assert.strictEqual(deleted._tag, "CustomerDeleted")
        assert.strictEqual(deleted.customerId, "204")
        assert.strictEqual(deleted.environment, "raw")
        assert.deepStrictEqual(deleted.requestId, Option.some("req_1"))
        // TestClock starts at the epoch: the time is Effect's.
        assert.strictEqual(deleted.deletedAt.epochMillis, 0)
      })
    )

    it.scoped("200, 201, 202, 203, 205, 206 and 304 are none", () =>
      Effect.gen(function* () {
        const others = [200, 201, 202, 203, 205, 206, 304]
        const found = yield* errors(Object.fromEntries(others.map((status) => [String(status), http(status)])))
        for (const [name, error] of found) {
          assert(error._tag === "UnexpectedResponse", `${name} is ${error._tag}`)
          assert.strictEqual(error.status, Number(name))
        }
      })
    )

    it.scoped("a 204's illegal body is ignored, whatever its framing", () =>
      Effect.gen(function* () {
        const { results } = yield* outcomes({
          "with a length": http(204, { "content-length": "5" }, "hello"),
          chunked: http(204, { "transfer-encoding": "chunked" }, chunked("hello")),
          encoded: http(204, { "content-encoding": "gzip" }),
          "a vendor's error": json(204, documented[404]),
          "promised and never sent": http(204, { "content-length": "1000000" })
        })
        for (const [name, result] of results) {
          assert(Either.isRight(result), `${name} is ${String(Either.isLeft(result) && result.left._tag)}`)
        }
      })
    )

    it.scoped("redirects are not followed, to anywhere", () =>
      Effect.gen(function* () {
        const elsewhere = yield* RawServer.make(() => http(204))
        const locations: Record<string, Record<string, string>> = {
          "to another origin": { location: `${elsewhere.baseUrl}/customer/x` },
          "to itself": { location: "/customer/somebody" },
          "without a location": {},
          "to a file": { location: "file:///etc/passwd" }
        }
        const script = Object.fromEntries(
          [301, 302, 303, 307, 308].flatMap((status) =>
            Object.entries(locations).map(([name, headers]) => [`${status} ${name}`, http(status, headers)] as const)
          )
        )
        const { results, server } = yield* outcomes(script)
        for (const [name, result] of results) {
          assert(Either.isLeft(result) && result.left._tag === "UnexpectedResponse", name)
          assert.strictEqual(result.left.status, Number(name.slice(0, 3)))
        }
        assert.deepStrictEqual(yield* elsewhere.heads, [])
        assert.strictEqual((yield* server.heads).length, Object.keys(script).length)
      })
    )

    it.scoped("a redirect in a loop is asked for once", () =>
      Effect.gen(function* () {
        const { server } = yield* outcomes({ loop: http(302, { location: "/customer/loop" }) })
        assert.deepStrictEqual(yield* server.targets, ["/customer/loop"])
      })
    )

    it.scoped("103 before the answer is skipped", () =>
      Effect.gen(function* () {
        const early = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
        const { results } = yield* outcomes({
          "103 and 204": { bytes: early + http(204).bytes },
          "103 and 404": { bytes: early + json(404, documented[404]).bytes }
        })
        assert.deepStrictEqual(
          results.map(([name, result]) => [
            name,
            Either.match(result, { onLeft: (e) => e._tag, onRight: (d) => d._tag })
          ]),
          [
            ["103 and 204", "CustomerDeleted"],
            ["103 and 404", "CustomerNotFound"]
          ]
        )
      })
    )

    it.scoped.each(["100 Continue", "103 Early Hints"])("%s alone ends in a time-out", (status) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => ({ bytes: `HTTP/1.1 ${status}\r\n\r\n` }))
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, httpClient)),
          Effect.fork
        )
        yield* server.received(1)
        yield* TestClock.adjust("30 seconds")
        const error = yield* Fiber.join(fiber)
        assert(error._tag === "RequestFailed", error._tag)
        // Some HTTP clients refuse such an answer outright.
        assert.include(["Timeout", "Transport"], error.reason)
        assert.strictEqual(error.delivered, "unknown")
        yield* server.openAtMost(0)
      })
    )

    it.scoped("101 is no deletion", () =>
      Effect.gen(function* () {
        const found = yield* errors({ "101": http(101, { upgrade: "h2c", connection: "upgrade" }) })
        assert.include(["UnexpectedResponse", "RequestFailed"], found[0]![1]._tag)
      })
    )
  })

  describe("documented errors and near misses", () => {
    it.scoped.each(statuses)("%d in the vendor's words gives its tag, with its fields", (status) =>
      Effect.gen(function* () {
        const page = documented[status]
        const found = yield* errors({
          json: json(status, page, { "x-request-id": "req_7" }),
          "other content type": http(
            status,
            { "content-type": "text/html", "x-request-id": "req_7" },
            JSON.stringify(page)
          ),
          "no content type": http(status, { "x-request-id": "req_7" }, JSON.stringify(page)),
          chunked: http(
            status,
            { "transfer-encoding": "chunked", "x-request-id": "req_7" },
            chunked(JSON.stringify(page), "x-checksum: 1\r\n")
          ),
          "extra fields": json(status, { ...page, help_link: null, details: [{ a: 1 }] }, { "x-request-id": "req_7" }),
          "with a byte order mark": http(status, { "x-request-id": "req_7" }, `\uFEFF${JSON.stringify(page)}`),
          "said to be identity": http(
            status,
            { "content-encoding": "Identity", "x-request-id": "req_7" },
            JSON.stringify(page)
          ),
          "white space around": http(status, { "x-request-id": "req_7" }, `\n\t ${JSON.stringify(page, null, 2)}\n`)
        })
        for (const [name, error] of found) {
          assert(error._tag === tags[status], `${name} is ${error._tag}`)
          const { message, code, type } = error
          assert.deepStrictEqual({ message, code, type }, page)
          assert.deepStrictEqual(error.requestId, Option.some("req_7"))
          if (error._tag !== "Unauthorized") assert.strictEqual(error.customerId, name)
          if (error._tag === "InvalidCustomerId") assert.strictEqual(error.rejectedBy, "server")
          if (error._tag === "CustomerNotFound") assert.strictEqual(error.afterAmbiguousAttempt, false)
        }
      })
    )

    it.scoped.each(statuses)("%d with the documented code or the documented type is enough", (status) =>
      Effect.gen(function* () {
        const found = yield* errors({
          "another type": json(status, { ...documented[status], type: "api_error" }),
          "another code": json(status, { ...documented[status], code: "request_failed" })
        })
        assert.deepStrictEqual(
          found.map(([, error]) => error._tag),
          [tags[status], tags[status]]
        )
      })
    )

    it.scoped.each(statuses)("%d in any other words is an unexpected response", (status) =>
      Effect.gen(function* () {
        const page = documented[status]
        const { message, code, type } = page
        const bodies: Record<string, string> = {
          empty: "",
          text: "no healthy upstream",
          html: `<html><body>${JSON.stringify(page)}</body></html>`,
          "cut short": JSON.stringify(page).slice(0, -1),
          "twice over": JSON.stringify(page) + JSON.stringify(page),
          array: JSON.stringify([page]),
          nested: JSON.stringify({ error: page }),
          null: "null",
          string: JSON.stringify(code),
          "no message": JSON.stringify({ code, type }),
          "no code": JSON.stringify({ message, type }),
          "no type": JSON.stringify({ message, code }),
          "a number for a message": JSON.stringify({ message: 1, code, type }),
          "a number for a code": JSON.stringify({ message, code: 1, type }),
          "a list for a type": JSON.stringify({ message, code, type: [type] }),
          "another code and type": JSON.stringify({ message, code: "not_found", type: "request_invalid" }),
          "another case": JSON.stringify({ message, code: code.toUpperCase(), type: type.toUpperCase() }),
          "on the prototype": `{"__proto__":${JSON.stringify(page)}}`,
          "in the constructor": `{"constructor":${JSON.stringify(page)},"message":"m","code":"c","type":"t"}`
        }
        const found = yield* errors(
          Object.fromEntries(Object.entries(bodies).map(([name, body]) => [name, http(status, {}, body)]))
        )
        for (const [name, error] of found) {
          assert(error._tag === "UnexpectedResponse", `${name} is ${error._tag}`)
          assert.strictEqual(error.status, status)
          assert.strictEqual(error.body, bodies[name])
          assert.strictEqual(Option.isSome(error.error), /^another|in the constructor/.test(name), name)
        }
        const other = found.find(([name]) => name === "another code and type")![1]
        assert(other._tag === "UnexpectedResponse")
        assert.deepStrictEqual(other.error, Option.some({ message, code: "not_found", type: "request_invalid" }))
      })
    )

    it.scoped("one documented status never borrows another's words", () =>
      Effect.gen(function* () {
        const script: Record<string, RawServer.Answer> = {}
        for (const status of statuses) {
          for (const other of statuses) {
            if (other !== status) script[`${status} with the words of ${other}`] = json(status, documented[other])
          }
        }
        for (const [name, error] of yield* errors(script)) assert.strictEqual(error._tag, "UnexpectedResponse", name)
      })
    )

    it.scoped("an encoded, undecodable, badly framed or oversized body is never a documented error", () =>
      Effect.gen(function* () {
        const page = JSON.stringify(documented[404])
        const zipped = gzipSync(page)
        const zip = http(404, { "content-encoding": "gzip", "content-length": String(zipped.length) }).bytes as string
        const invalid = Buffer.from(page.replace("Customer", "Cu\u00ff"), "latin1")
        const found = yield* errors({
          "gzip, real": { bytes: Buffer.concat([Buffer.from(zip), zipped]) },
          "gzip, false": http(404, { "content-encoding": "gzip" }, page),
          "invalid UTF-8": {
            bytes: Buffer.concat([
              Buffer.from(http(404, { "content-length": String(invalid.length) }).bytes as string),
              invalid
            ])
          },
          "cut short": { ...http(404, { "content-length": String(page.length + 1) }, page), close: true },
          "last chunk missing": { ...http(404, { "transfer-encoding": "chunked" }, '5\r\n{"a":'), close: true },
          "complete, and then blanks beyond 64 KiB": http(404, {}, page + " ".repeat(64 * 1024)),
          "encoded for the transfer": http(404, { "transfer-encoding": "gzip, chunked" }, chunked(page)),
          "over 64 KiB": json(404, { ...documented[404], padding: "x".repeat(64 * 1024) })
        })
        for (const [name, error] of found) {
          assert(error._tag === "UnexpectedResponse", `${name} is ${error._tag}`)
          assert.strictEqual(error.status, 404)
        }
        const bodies = found.map(([, error]) => (error._tag === "UnexpectedResponse" ? error.body : ""))
        assert.deepStrictEqual(bodies.slice(0, 5), ["", "", "", "", ""])
        assert.strictEqual(bodies[7]!.length, 1024)
      })
    )

    it.scoped("exactly 64 KiB of body still counts", () =>
      Effect.gen(function* () {
        const room = 64 * 1024 - JSON.stringify({ ...documented[404], padding: "" }).length
        const found = yield* errors({ full: json(404, { ...documented[404], padding: "x".repeat(room) }) })
        assert.strictEqual(found[0]![1]._tag, "CustomerNotFound")
      })
    )

    it.scoped("every other status is an unexpected response, with JSON and with HTML", () =>
      Effect.gen(function* () {
        const others = [
          402, 403, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 418, 421, 422, 423, 424, 425, 426, 428, 431, 451,
          501, 502, 503, 504, 505, 507, 511, 599
        ]
        const found = yield* errors(
          Object.fromEntries(
            others.flatMap((status) => [
              [`${status} json`, json(status, documented[404], { "retry-after": "7" })],
              [`${status} html`, http(status, { "content-type": "text/html" }, "<h1>Sorry</h1>")]
            ])
          )
        )
        for (const [name, error] of found) {
          assert(error._tag === "UnexpectedResponse", `${name} is ${error._tag}`)
          assert.strictEqual(error.status, Number.parseInt(name, 10))
          assert.strictEqual(Option.isSome(error.error), name.endsWith("json"))
          assert.deepStrictEqual(
            error.retryAfter,
            name.endsWith("json") ? Option.some(Duration.seconds(7)) : Option.none()
          )
        }
      })
    )

    it.scoped("429 is rate limiting, whatever its body", () =>
      Effect.gen(function* () {
        const found = yield* errors({
          json: json(429, documented[404], { "retry-after": "2", "x-request-id": "req_9" }),
          html: http(429, { "retry-after": "0" }, "<h1>Slow down</h1>"),
          silent: http(429, { "content-length": "1000", "retry-after": "Thu, 01 Jan 1970 00:01:00 GMT" }),
          words: http(429, { "retry-after": "soon" })
        })
        assert.deepStrictEqual(
          found.map(([, error]) =>
            error._tag === "RateLimited" ? Option.map(error.retryAfter, Duration.toMillis) : error._tag
          ),
          [Option.some(2000), Option.some(0), Option.some(60_000), Option.none()]
        )
        assert(found[0]![1]._tag === "RateLimited")
        assert.deepStrictEqual(found[0]![1].requestId, Option.some("req_9"))
      })
    )
  })

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
            Effect.provide(clientAt(server.baseUrl, httpClient))
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
          Effect.provide(clientAt(`${server.baseUrl}/router/`, httpClient))
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
        yield* Effect.forEach(ids, deleteCustomer).pipe(Effect.provide(clientAt(server.baseUrl, httpClient)))
        const segments = (yield* server.targets).map((target) => target.split("/").slice(2))
        assert.deepStrictEqual(
          segments.map((segment) => segment.map(decodeURIComponent)),
          ids.map((id) => [id])
        )
      })
    )
  })

  describe("no answer", () => {
    it.scoped("a refused connection was never delivered", () =>
      Effect.gen(function* () {
        const closed = yield* Effect.scoped(
          Effect.map(
            RawServer.make(() => undefined),
            ({ baseUrl }) => baseUrl
          )
        )
        const error = yield* deleteCustomer("cust_1").pipe(Effect.flip, Effect.provide(clientAt(closed, httpClient)))
        assert(error._tag === "RequestFailed", error._tag)
        assert.strictEqual(error.reason, "Connection")
        assert.strictEqual(error.delivered, "no")
        assert.include(error.message, "ECONNREFUSED")
      })
    )

    it.scoped("a connection that closes without an answer may have delivered", () =>
      Effect.gen(function* () {
        const found = yield* errors({ cut: { bytes: "", close: true } })
        const error = found[0]![1]
        assert(error._tag === "RequestFailed", error._tag)
        assert.strictEqual(error.reason, "Transport")
        assert.strictEqual(error.delivered, "unknown")
      })
    )

    it.scoped.each([
      ["no head", ""],
      ["no end of the body", "HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\n{"]
    ])("%s in time is a time-out, which closes the socket, even where the caller can't be interrupted", ([, bytes]) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => ({ bytes: bytes! }))
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.uninterruptible,
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, httpClient, { timeout: "5 seconds" })),
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

    it.scoped("a caller who can't be interrupted gets its outcome", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => undefined)
        const journal: Array<string> = []
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.either,
          Effect.tap((result) => Effect.sync(() => journal.push(Either.merge(result)._tag))),
          Effect.uninterruptible,
          Effect.provide(clientAt(server.baseUrl, httpClient)),
          Effect.fork
        )
        yield* server.received(1)
        yield* Fiber.interruptFork(fiber)
        yield* TestClock.adjust("30 seconds")
        yield* Fiber.await(fiber)
        assert.deepStrictEqual(journal, ["RequestFailed"])
      })
    )

    it.scoped("a client that can't be interrupted does not outlast the time-out", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => undefined)
        const transformClient = HttpClient.transformResponse(Effect.uninterruptible)
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, httpClient, { transformClient })),
          Effect.fork
        )
        yield* server.received(1)
        yield* TestClock.adjust("30 seconds")
        const error = yield* Fiber.join(fiber)
        assert(error._tag === "RequestFailed", error._tag)
        assert.strictEqual(error.reason, "Timeout")
      })
    )

    it.scoped("an interruption stays one, and closes the socket", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => undefined)
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.provide(clientAt(server.baseUrl, httpClient)),
          Effect.fork
        )
        yield* server.received(1)
        const exit = yield* Fiber.interrupt(fiber)
        assert(Exit.isInterrupted(exit))
        yield* server.openAtMost(0)
      })
    )

    it.scoped("credentials that don't come in time were never delivered", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        const fiber = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientWith(httpClient, server.baseUrl, Effect.never)),
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
            Effect.provide(clientWith(httpClient, server.baseUrl, Effect.succeed(pair)))
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
          Effect.provide(clientWith(httpClient, baseUrl, Effect.succeed(pair)))
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
          Effect.provide(clientWith(httpClient, server.baseUrl, get))
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

    it.scoped("transformClient sees and changes the request", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        yield* deleteCustomer("cust_1").pipe(
          Effect.provide(
            clientAt(server.baseUrl, httpClient, {
              transformClient: HttpClient.mapRequest(HttpClientRequest.setHeader("x-tenant", "7"))
            })
          )
        )
        assert.match((yield* server.heads)[0]!, /x-tenant: 7/i)
      })
    )

    it.scoped("a transformClient that follows redirects sends nothing there", () =>
      Effect.gen(function* () {
        const elsewhere = yield* RawServer.make(() => http(204))
        const server = yield* RawServer.make(() => http(307, { location: `${elsewhere.baseUrl}/customer/cust_1` }))
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, httpClient, { transformClient: HttpClient.followRedirects(3) }))
        )
        assert(error._tag === "UnexpectedResponse", error._tag)
        assert.strictEqual(error.status, 307)
        assert.deepStrictEqual([(yield* server.heads).length, yield* elsewhere.connections], [1, 0])
      })
    )

    it.scoped("a transformClient with fetch options of its own follows no redirect", () =>
      Effect.gen(function* () {
        const elsewhere = yield* RawServer.make(() => http(204))
        const server = yield* RawServer.make(() => http(307, { location: `${elsewhere.baseUrl}/customer/cust_1` }))
        const transformClient = HttpClient.transformResponse(
          Effect.provideService(FetchHttpClient.RequestInit, { redirect: "follow", headers: { "x-p": "1" } })
        )
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, httpClient, { transformClient }))
        )
        assert(error._tag === "UnexpectedResponse", error._tag)
        assert.strictEqual(yield* elsewhere.connections, 0)
      })
    )

    it.scoped("an HttpClient that follows redirects by itself makes no deletion of a 204 from elsewhere", () =>
      Effect.gen(function* () {
        const elsewhere = yield* RawServer.make(() => http(204))
        for (const location of [`${elsewhere.baseUrl}/customer/cust_1`, "/customer/cust_1?again=1", "/elsewhere"]) {
          const server = yield* RawServer.make((target) =>
            target === "/customer/cust_1" ? http(307, { location }) : http(204)
          )
          const following = Layer.effect(
            HttpClient.HttpClient,
            Effect.map(HttpClient.HttpClient, HttpClient.followRedirects(3))
          ).pipe(Layer.provide(httpClient))
          const error = yield* deleteCustomer("cust_1").pipe(
            Effect.flip,
            Effect.provide(clientAt(server.baseUrl, following))
          )
          assert(error._tag === "UnexpectedResponse", error._tag)
          assert.include(error.message, "followRedirects")
        }
      })
    )

    it.scoped("a transformClient that retries sends nothing twice", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make((target) =>
          target.endsWith("cut") ? { bytes: "", close: true } : http(503, {}, "Sorry")
        )
        const outcomes = yield* Effect.forEach(["busy", "cut"], (id) => Effect.flip(deleteCustomer(id))).pipe(
          Effect.provide(
            clientAt(server.baseUrl, httpClient, { transformClient: HttpClient.retryTransient({ times: 3 }) })
          )
        )
        assert.deepStrictEqual(yield* server.targets, ["/customer/busy", "/customer/cut"])
        assert(outcomes[0]?._tag === "UnexpectedResponse")
        assert.deepStrictEqual([outcomes[0].status, outcomes[0].body], [503, "Sorry"])
        assert(outcomes[1]?._tag === "RequestFailed")
        assert.strictEqual(outcomes[1].delivered, "unknown")
      })
    )

    it.scoped("a transformClient that asks for a token first gets it, and the delete its own answer", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make((target) => (target === "/token" ? http(204) : json(404, documented[404])))
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(
            clientAt(server.baseUrl, httpClient, {
              transformClient: (client) =>
                HttpClient.mapRequestEffect(client, (request) =>
                  Effect.map(Effect.orDie(client.get(`${server.baseUrl}/token`)), ({ status }) =>
                    HttpClientRequest.setHeader(request, "x-token", String(status))
                  )
                )
            })
          )
        )
        assert.strictEqual(error._tag, "CustomerNotFound")
        assert.deepStrictEqual(yield* server.targets, ["/token", "/customer/cust_1"])
        assert.match((yield* server.heads)[1]!, /x-token: 204/i)
      })
    )

    it.scoped("a transformClient that makes errors of statuses changes no outcome", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => json(404, documented[404]))
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(clientAt(server.baseUrl, httpClient, { transformClient: HttpClient.filterStatusOk }))
        )
        assert.strictEqual(error._tag, "CustomerNotFound")
      })
    )

    it.scoped("a transformClient that reads the body itself leaves an unexpected response, and no defect", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => json(404, documented[404]))
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(
            clientAt(server.baseUrl, httpClient, { transformClient: HttpClient.tap((response) => response.text) })
          )
        )
        assert.include(["UnexpectedResponse", "CustomerNotFound"], error._tag)
      })
    )

    it.scoped("a time-out that is none is a typed error, and nothing is sent", () =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(204))
        for (const timeout of ["soon", "5", {}, Number.NaN, -1, 0]) {
          const error = yield* deleteCustomer("cust_1").pipe(
            Effect.flip,
            Effect.provide(clientAt(server.baseUrl, httpClient, { timeout: timeout as "5 seconds" }))
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
        yield* deleteCustomer("a").pipe(Effect.provide(clientAt(first.baseUrl, httpClient)))
        yield* deleteCustomer("b").pipe(Effect.provide(clientAt(second.baseUrl, httpClient)))
        assert.deepStrictEqual([yield* first.targets, yield* second.targets], [["/customer/a"], ["/customer/b"]])
      })
    )
  })
})

/** A client whose services were made without the package's layers, and so without their checks. */
const clientWith = (
  httpClient: Layer.Layer<HttpClient.HttpClient>,
  baseUrl: string,
  get: (typeof Credentials)["Service"]["get"]
) =>
  FlowwiseClient.layer.pipe(
    Layer.provide([
      httpClient,
      Layer.succeed(Environment, { name: "by hand", baseUrl }),
      Layer.succeed(Credentials, { get })
    ])
  )
