import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as UrlParams from "@effect/platform/UrlParams"
import { assert, layer } from "@effect/vitest"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** A server that says what it got: method, target, content type and body. */
class Echo extends Context.Tag("Echo")<Echo, { readonly baseUrl: string }>() {
  static readonly layer = Layer.scoped(
    Echo,
    Effect.gen(function* () {
      const server = createServer(async (request, response) => {
        if (request.url === "/cut") {
          response.writeHead(200, { "content-length": 10 }).write("half")
          setImmediate(() => response.destroy())
          return
        }
        const body = await text(request)
        const { method, url, headers } = request
        response.setHeader("set-cookie", ["a=1; Path=/", "b=2"])
        response.end(JSON.stringify({ method, url, type: headers["content-type"], body }))
      })
      yield* Effect.acquireRelease(
        Effect.async<void>((resume) => {
          server.listen(0, "127.0.0.1", () => resume(Effect.void))
        }),
        () =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      )
      return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    })
  )
}

interface Echoed {
  readonly method: string
  readonly url: string
  readonly type?: string
  readonly body: string
}

const echo = (request: (baseUrl: string) => HttpClientRequest.HttpClientRequest) =>
  Effect.gen(function* () {
    const { baseUrl } = yield* Echo
    const response = yield* HttpClient.execute(request(baseUrl))
    return (yield* response.json) as Echoed
  })

layer(Layer.merge(Echo.layer, NodeFlowwise.layerHttpClient))("NodeFlowwise.layerHttpClient", (it) => {
  it.effect("sends a query, and no fragment", () =>
    Effect.gen(function* () {
      const got = yield* echo((url) =>
        HttpClientRequest.get(`${url}/a%20b?c=d`).pipe(HttpClientRequest.appendUrlParam("e", "f g"))
      )
      assert.deepStrictEqual([got.method, got.url, got.body], ["GET", "/a%20b?c=d&e=f+g", ""])
    })
  )

  it.effect("sends every kind of body", () =>
    Effect.gen(function* () {
      const form = new FormData()
      form.append("name", "Priya")
      const bodies: ReadonlyArray<readonly [HttpBody.HttpBody, RegExp, RegExp]> = [
        [HttpBody.text("hello"), /^hello$/, /text\/plain/],
        [yield* HttpBody.json({ a: 1 }), /^\{"a":1\}$/, /application\/json/],
        [HttpBody.uint8Array(new Uint8Array([104, 105])), /^hi$/, /octet-stream/],
        [HttpBody.stream(Stream.make(new Uint8Array([104]), new Uint8Array([105]))), /^hi$/, /octet-stream/],
        [HttpBody.urlParams(UrlParams.fromInput({ a: "b c" })), /^a=b\+c$/, /x-www-form-urlencoded/],
        [HttpBody.raw(new URLSearchParams({ a: "b c" })), /^a=b\+c$/, /x-www-form-urlencoded/],
        [HttpBody.raw("raw", { contentType: "text/x" }), /^raw$/, /text\/x/],
        [HttpBody.formData(form), /name="name"\r\n\r\nPriya/, /multipart\/form-data; boundary=/]
      ]
      for (const [body, content, type] of bodies) {
        const got = yield* echo((url) => HttpClientRequest.post(url).pipe(HttpClientRequest.setBody(body)))
        assert.match(got.body, content)
        assert.match(got.type ?? "", type)
      }
    })
  )

  it.effect("reads a response in every way, and more than once", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Echo
      const response = yield* HttpClient.get(`${baseUrl}/x`)
      assert.strictEqual(yield* response.text, yield* response.text)
      assert.strictEqual(((yield* response.json) as Echoed).url, "/x")
      assert.strictEqual((yield* response.arrayBuffer).byteLength, (yield* response.text).length)
      assert.sameMembers(Object.keys(response.cookies.cookies), ["a", "b"])

      const streamed = yield* HttpClient.get(`${baseUrl}/y`)
      const whole = yield* Stream.mkString(Stream.decodeText(streamed.stream))
      assert.include(whole, '"/y"')
    })
  )

  it.effect("a body that is cut short is an error, however it is read", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Echo
      const first = yield* HttpClient.get(`${baseUrl}/cut`)
      assert.strictEqual((yield* Effect.flip(first.text)).reason, "Decode")
      const second = yield* HttpClient.get(`${baseUrl}/cut`)
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(second.stream))).reason, "Decode")
    })
  )

  it.effect("HEAD has no body", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Echo
      const response = yield* HttpClient.head(baseUrl)
      assert.deepStrictEqual([response.status, yield* response.text], [200, ""])
    })
  )
})
