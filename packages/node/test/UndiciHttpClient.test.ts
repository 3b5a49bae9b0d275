import { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import * as Cookies from "@effect/platform/Cookies"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import { assert, describe, it, layer } from "@effect/vitest"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as HttpServer from "./HttpServer.js"
import * as RawServer from "./RawServer.js"

const Echoed = Schema.Struct({
  method: Schema.String,
  url: Schema.String,
  headers: Schema.Record({ key: Schema.String, value: Schema.String }),
  body: Schema.String
})

/** A server that says what it got. */
class Echo extends Context.Tag("Echo")<Echo, { readonly baseUrl: string }>() {
  static readonly layer = Layer.scoped(
    Echo,
    HttpServer.make(async (request, response) => {
      const { method, url, headers } = request
      response.setHeader("set-cookie", ["a=1; Path=/", "b=2"])
      response.setHeader("x-method", method ?? "")
      response.end(JSON.stringify({ method, url, headers, body: await text(request) }))
    })
  )
}

const echo = (request: (baseUrl: string) => HttpClientRequest.HttpClientRequest) =>
  Effect.gen(function* () {
    const { baseUrl } = yield* Echo
    const response = yield* HttpClient.execute(request(baseUrl))
    return yield* HttpClientResponse.schemaBodyJson(Echoed)(response)
  })

const echoBody = (body: HttpBody.HttpBody) =>
  echo((url) => HttpClientRequest.post(url).pipe(HttpClientRequest.setBody(body)))

const bytes = (content: string) => new TextEncoder().encode(content)

layer(Layer.merge(Echo.layer, NodeFlowwise.layerHttpClient))("a request", (it) => {
  it.effect("has its path and query, and no fragment", () =>
    Effect.gen(function* () {
      const got = yield* echo((url) =>
        HttpClientRequest.get(`${url}/a%20b?c=d#e`).pipe(HttpClientRequest.appendUrlParam("e", "f g"))
      )
      assert.deepStrictEqual([got.method, got.url, got.body], ["GET", "/a%20b?c=d&e=f+g", ""])
    })
  )

  it.effect("has any method, and a body with all but HEAD", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Echo
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const) {
        const got = yield* echo((url) =>
          HttpClientRequest.make(method)(url).pipe(HttpClientRequest.setBody(HttpBody.text("hello")))
        )
        assert.deepStrictEqual([got.method, got.body], [method, "hello"])
      }
      const head = yield* HttpClient.head(baseUrl)
      assert.deepStrictEqual([head.status, head.headers["x-method"], yield* head.text], [200, "HEAD", ""])
    })
  )

  const form = new FormData()
  form.append("name", "Priya")
  const sent = (body: unknown, contentType?: string) => HttpBody.raw(body, contentType ? { contentType } : undefined)
  const bodies: Record<string, readonly [body: () => HttpBody.HttpBody, content: RegExp, type: RegExp]> = {
    nothing: [() => HttpBody.empty, /^$/, /^undefined$/],
    "a text": [() => HttpBody.text("hello"), /^hello$/, /^text\/plain$/],
    JSON: [() => HttpBody.unsafeJson({ a: 1 }), /^\{"a":1\}$/, /^application\/json$/],
    bytes: [() => HttpBody.uint8Array(bytes("hi")), /^hi$/, /octet-stream/],
    "a stream": [() => HttpBody.stream(Stream.make(bytes("h"), bytes("i"))), /^hi$/, /octet-stream/],
    "URL parameters": [
      () => HttpBody.urlParams(UrlParams.fromInput({ a: "b c" })),
      /^a=b\+c$/,
      /x-www-form-urlencoded/
    ],
    "a form": [() => HttpBody.formData(form), /name="name"\r\n\r\nPriya/, /^multipart\/form-data; boundary=/],
    "a raw string": [() => sent("raw", "text/x"), /^raw$/, /^text\/x$/],
    "raw bytes": [() => sent(bytes("raw")), /^raw$/, /^undefined$/],
    "a raw ArrayBuffer": [() => sent(bytes("raw").buffer), /^raw$/, /^undefined$/],
    "raw URLSearchParams": [() => sent(new URLSearchParams({ a: "b c" })), /^a=b\+c$/, /x-www-form-urlencoded/],
    "a raw form": [() => sent(form), /name="name"\r\n\r\nPriya/, /^multipart\/form-data; boundary=/],
    "a Blob, with its type": [() => sent(new Blob(["raw"], { type: "text/b" })), /^raw$/, /^text\/b$/],
    "a Blob, with the request's type": [
      () => sent(new Blob(["raw"], { type: "text/b" }), "text/x"),
      /^raw$/,
      /^text\/x$/
    ],
    "a ReadableStream": [() => sent(new Blob(["raw"]).stream()), /^raw$/, /^undefined$/],
    "a Readable": [() => sent(Readable.from(["ra", "w"])), /^raw$/, /^undefined$/],
    "an async iterable": [() => sent(Stream.toAsyncIterable(Stream.make(bytes("raw")))), /^raw$/, /^undefined$/],
    "undefined, as nothing": [() => sent(undefined), /^$/, /^undefined$/]
  }
  for (const [name, [body, content, type]] of Object.entries(bodies)) {
    it.effect(`sends ${name}`, () =>
      Effect.gen(function* () {
        const got = yield* echoBody(body())
        assert.match(got.body, content)
        assert.match(String(got.headers["content-type"]), type)
      })
    )
  }

  it.effect("says how long a body is where that is known", () =>
    Effect.gen(function* () {
      for (const body of [HttpBody.text("hello"), sent(new Blob(["hello"])), sent("hello")]) {
        assert.strictEqual((yield* echoBody(body)).headers["content-length"], "5")
      }
      assert.strictEqual(
        (yield* echoBody(HttpBody.stream(Stream.make(bytes("hello"))))).headers["transfer-encoding"],
        "chunked"
      )
    })
  )

  it.effect("runs a body's stream with what its caller has, such as a logger", () =>
    Effect.gen(function* () {
      const logged: Array<unknown> = []
      const body = Stream.make("a", "b").pipe(
        Stream.tap((piece) => Effect.log(piece)),
        Stream.encodeText
      )
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => logged.push(message))
      )
      assert.strictEqual((yield* Effect.provide(echoBody(HttpBody.stream(body)), logger)).body, "ab")
      assert.deepStrictEqual(logged, [["a"], ["b"]])
    })
  )

  it.effect("with a body that fails fails, and says why", () =>
    Effect.gen(function* () {
      const failing = Stream.concat(Stream.make(bytes("a")), Stream.fail(new Error("no more")))
      const error = yield* Effect.flip(echoBody(HttpBody.stream(failing)))
      assert.strictEqual(error._tag, "RequestError")
      assert.match(String(causeOf(error)), /no more/)
    })
  )

  it.effect("with a ReadableStream that somebody reads already can't be encoded", () =>
    Effect.gen(function* () {
      const stream = new Blob(["raw"]).stream()
      stream.getReader()
      const error = yield* Effect.flip(echoBody(sent(stream)))
      assert.deepStrictEqual([error._tag, causeOf(error) instanceof TypeError], ["RequestError", true])
      assert.strictEqual((error as HttpClientError.RequestError).reason, "Encode")
    })
  )

  it.effect("that can't be sent is an error with undici's code, never a defect", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Echo
      const { get, post, setBody, setHeader } = HttpClientRequest
      const unsendable = {
        "a line break in a header": setHeader(get(baseUrl), "a", "b\nc"),
        "a name that is no token": setHeader(get(baseUrl), "a b", "c"),
        "a framing of one's own": setHeader(get(baseUrl), "transfer-encoding", "chunked"),
        "an upgrade": setHeader(get(baseUrl), "upgrade", "websocket"),
        "an unknown kind of body": setBody(post(baseUrl), HttpBody.raw(42)),
        "another protocol": get("ftp://127.0.0.1/"),
        "a method that is no token": HttpClientRequest.modify(get(baseUrl), { method: "G E T" as "GET" })
      }
      for (const [name, request] of Object.entries(unsendable)) {
        const error = yield* Effect.flip(HttpClient.execute(request))
        assert.deepStrictEqual([error._tag, error.reason], ["RequestError", "Transport"], name)
        assert.strictEqual(causeOf(error).code, "UND_ERR_INVALID_ARG", name)
      }
    })
  )

  it.effect("to a URL that is none is InvalidUrl", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(HttpClient.get("http://"))).reason, "InvalidUrl")
      assert.strictEqual((yield* Effect.flip(HttpClient.get("/relative"))).reason, "InvalidUrl")
    })
  )

  it.effect("goes through what the platform puts around a client", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Echo
      const cookies = yield* Ref.make(Cookies.empty)
      const client = (yield* HttpClient.HttpClient).pipe(
        HttpClient.mapRequest(HttpClientRequest.prependUrl(baseUrl)),
        HttpClient.withCookiesRef(cookies),
        HttpClient.filterStatusOk,
        HttpClient.retry({ times: 1 })
      )
      yield* client.get("/first")
      const second = yield* Effect.flatMap(client.get("/second"), HttpClientResponse.schemaBodyJson(Echoed))
      assert.deepStrictEqual([second.url, second.headers.cookie], ["/second", "a=1; b=2"])
    })
  )
})

const causeOf = (error: { readonly cause?: unknown }) => error.cause as { readonly code?: string }

const answer = (...lines: ReadonlyArray<string>): RawServer.Answer => ({ bytes: lines.join("\r\n") })

const answers: Record<string, RawServer.Answer> = {
  "/json": RawServer.json(200, { a: "ü" }),
  "/empty": RawServer.http(200),
  "/parameters": RawServer.http(200, {}, "a=1&b=2"),
  "/form": RawServer.http(200, { "content-type": "application/x-www-form-urlencoded" }, "a=1&b=2"),
  "/bom": RawServer.http(200, {}, "\uFEFFhello"),
  "/twice": answer(
    "HTTP/1.1 200 OK",
    "Retry-After: 1",
    "retry-after: 2",
    "set-cookie: a=1; Path=/",
    "set-cookie: b=2",
    "__proto__: c",
    "constructor: d",
    "content-length: 0",
    "\r\n"
  ),
  "/cut": { ...answer("HTTP/1.1 200 OK", "content-length: 10", "", "half"), close: true },
  "/hints": answer("HTTP/1.1 103 Early Hints", "link: x", "", "HTTP/1.1 200 OK", "content-length: 2", "", "ok"),
  "/trailers": answer("HTTP/1.1 200 OK", "transfer-encoding: chunked", "", "3", "abc", "0", "x: y", "\r\n"),
  "/100": answer("HTTP/1.1 100 Continue", "\r\n"),
  "/101": answer("HTTP/1.1 101 Switching Protocols", "connection: upgrade", "upgrade: x", "\r\n"),
  "/204": answer("HTTP/1.1 204 No Content", "content-length: 5", "", "hello"),
  "/304": answer("HTTP/1.1 304 Not Modified", "content-length: 5", "\r\n"),
  "/redirect": RawServer.http(302, { location: "/json" }),
  "/unavailable": RawServer.http(503)
}

class Answers extends Context.Tag("Answers")<Answers, Effect.Effect.Success<ReturnType<typeof RawServer.make>>>() {
  static readonly layer = Layer.scoped(
    Answers,
    RawServer.make((target) => answers[target])
  )
}

const get = (target: keyof typeof answers) =>
  Effect.flatMap(Answers, ({ baseUrl }) => HttpClient.get(`${baseUrl}${target}`))

layer(Layer.merge(Answers.layer, NodeFlowwise.layerHttpClient))("a response", (it) => {
  it.effect("is read as text, JSON, bytes, parameters and a form", () =>
    Effect.gen(function* () {
      const json = yield* get("/json")
      assert.strictEqual(yield* json.text, '{"a":"ü"}')
      assert.deepStrictEqual(yield* json.json, { a: "ü" })
      assert.deepStrictEqual(new Uint8Array(yield* json.arrayBuffer), bytes('{"a":"ü"}'))
      const parameters = yield* get("/parameters")
      assert.deepStrictEqual(yield* parameters.urlParamsBody, [
        ["a", "1"],
        ["b", "2"]
      ])
      const form = yield* Effect.flatMap(get("/form"), ({ formData }) => formData)
      assert.strictEqual(form.get("b"), "2")
    })
  )

  it.effect("that is empty is read as well, and is null as JSON", () =>
    Effect.gen(function* () {
      const empty = yield* get("/empty")
      assert.deepStrictEqual([yield* empty.text, yield* empty.json, yield* empty.urlParamsBody], ["", null, []])
      assert.strictEqual((yield* empty.arrayBuffer).byteLength, 0)
    })
  )

  it.effect("is read by several readers at once, and as a stream after that", () =>
    Effect.gen(function* () {
      const response = yield* get("/json")
      const [text, json, buffer] = yield* Effect.all([response.text, response.json, response.arrayBuffer], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([text, json, buffer.byteLength], ['{"a":"ü"}', { a: "ü" }, 10])
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(response.stream)), text)
      assert.strictEqual(yield* response.text, text)
    })
  )

  it.effect("is a stream once, and says so to whoever comes later", () =>
    Effect.gen(function* () {
      const response = yield* get("/json")
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(response.stream)), '{"a":"ü"}')
      for (const again of [response.text, response.json, Stream.runDrain(response.stream)]) {
        const error = yield* Effect.flip<unknown, HttpClientError.ResponseError, never>(again)
        assert.deepStrictEqual([error._tag, error.reason], ["ResponseError", "Decode"])
        assert.match(String(error.cause), /has been read as a stream/)
      }
    })
  )

  it.effect("that is no JSON, or no form, is a Decode error", () =>
    Effect.gen(function* () {
      const response = yield* get("/parameters")
      assert.strictEqual((yield* Effect.flip(response.json)).reason, "Decode")
      assert.strictEqual((yield* Effect.flip(response.formData)).reason, "Decode")
    })
  )

  it.effect("loses its byte order mark as text", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flatMap(get("/bom"), ({ text }) => text), "hello")
    })
  )

  it.effect("has each of its cookies, and other headers that come twice in one", () =>
    Effect.gen(function* () {
      const { headers, cookies } = yield* get("/twice")
      assert.strictEqual(headers["retry-after"], "1, 2")
      assert.deepStrictEqual(Object.keys(cookies.cookies), ["a", "b"])
      assert.deepStrictEqual([headers.constructor, Object.getPrototypeOf({}).c], ["d", undefined])
    })
  )

  it.effect("without a body has none, whatever it announces, and leaves the next one alone", () =>
    Effect.gen(function* () {
      for (const status of [204, 304]) {
        const response = yield* get(`/${status}`)
        assert.deepStrictEqual([response.status, yield* response.text], [status, ""])
        assert.strictEqual((yield* get("/json")).status, 200)
      }
    })
  )

  it.effect("comes after early hints, and its trailers are passed over", () =>
    Effect.gen(function* () {
      const hinted = yield* get("/hints")
      assert.deepStrictEqual([hinted.status, hinted.headers.link, yield* hinted.text], [200, undefined, "ok"])
      assert.strictEqual(yield* Effect.flatMap(get("/trailers"), ({ text }) => text), "abc")
    })
  )

  it.effect("is none where the server switches protocols or says Continue unasked", () =>
    Effect.gen(function* () {
      for (const target of ["/100", "/101"]) {
        const error = yield* Effect.flip(get(target))
        assert.deepStrictEqual([error._tag, causeOf(error).code], ["RequestError", "UND_ERR_SOCKET"])
      }
    })
  )

  it.effect("that is cut short is an error, however it is read", () =>
    Effect.gen(function* () {
      const first = yield* get("/cut")
      assert.strictEqual((yield* Effect.flip(first.text)).reason, "Decode")
      const second = yield* get("/cut")
      let got = ""
      const error = yield* Stream.decodeText(second.stream).pipe(
        Stream.runForEach((piece) => Effect.sync(() => (got += piece))),
        Effect.flip
      )
      assert.deepStrictEqual([got, causeOf(error).code], ["half", "UND_ERR_SOCKET"])
    })
  )

  it.effect("is never a redirect's target, nor asked for again", () =>
    Effect.gen(function* () {
      const { heads } = yield* Answers
      const before = (yield* heads).length
      assert.deepStrictEqual([(yield* get("/redirect")).status, (yield* get("/unavailable")).status], [302, 503])
      assert.strictEqual((yield* heads).length, before + 2)
      const followed = HttpClient.followRedirects(yield* HttpClient.HttpClient)
      assert.strictEqual((yield* followed.get(`${(yield* Answers).baseUrl}/redirect`)).status, 200)
    })
  )

  it.effect("is rendered as the platform renders responses", () =>
    Effect.gen(function* () {
      const response = yield* get("/json")
      yield* response.text
      const rendered = response.toJSON() as Record<string, unknown>
      assert.strictEqual(rendered._id, "@effect/platform/HttpClientResponse")
      assert.deepStrictEqual([rendered.status, rendered.body], [200, { a: "ü" }])
    })
  )
})

describe("NodeFlowwise.layerHttpClient", () => {
  it.scoped("a tunnel, which only CONNECT asks for, is an error and is closed", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* RawServer.make(() => answer("HTTP/1.1 200 OK", "\r\n"))
      const request = HttpClientRequest.modify(HttpClientRequest.get(baseUrl), { method: "CONNECT" as "GET" })
      const error = yield* Effect.flip(HttpClient.execute(request))
      assert.deepStrictEqual([error._tag, causeOf(error).code], ["RequestError", "UND_ERR_NOT_SUPPORTED"])
      yield* openAtMost(0)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )

  it.scoped("a connection that can't be made is an error with the system's code", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Effect.scoped(HttpServer.make(() => {}))
      const error = yield* Effect.flip(HttpClient.get(baseUrl))
      assert.deepStrictEqual(
        [error._tag, error.reason, causeOf(error).code],
        ["RequestError", "Transport", "ECONNREFUSED"]
      )
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )
})
