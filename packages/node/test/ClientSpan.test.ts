import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { constTrue, identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as HttpServer from "./HttpServer.js"

interface Seen {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly parent: string | undefined
  readonly attributes: ReadonlyMap<string, unknown>
  readonly exit: Exit.Exit<unknown, unknown>["_tag"] | undefined
}

/** What a tracer and the server get to see of one request over `httpClient`. */
const observe = (
  httpClient: Layer.Layer<HttpClient.HttpClient>,
  { prepare = identity, path = "/traced?a=b" }: Case
): Effect.Effect<{ readonly spans: ReadonlyArray<Seen>; readonly traced: boolean }> =>
  Effect.gen(function* () {
    const spans: Array<Tracer.Span> = []
    const tracer = Tracer.make({
      context: (f) => f(),
      span: (name, parent, context, links, startTime, kind) => {
        const attributes = new Map<string, unknown>()
        let status: Tracer.SpanStatus = { _tag: "Started", startTime }
        const span: Tracer.Span = {
          _tag: "Span",
          spanId: `000000000000000${spans.length + 1}`,
          traceId: "0".repeat(31) + 1,
          sampled: true,
          name,
          parent,
          context,
          links,
          kind,
          attributes,
          get status() {
            return status
          },
          attribute: (key, value) => void attributes.set(key, value),
          event: () => {},
          addLinks: () => {},
          end: (endTime, exit) => {
            status = { _tag: "Ended", startTime, endTime, exit }
          }
        }
        spans.push(span)
        return span
      }
    })
    let parent: string | undefined
    const { baseUrl } = yield* HttpServer.make((request, response) => {
      parent = request.headers.traceparent as string | undefined
      if (request.url === "/broken") {
        response.destroy()
        return
      }
      response.sendDate = false
      response.writeHead(404, { "x-answer": "1", "set-cookie": "session=1" }).end()
    })
    const request = HttpClientRequest.get(path.startsWith("http") ? path : baseUrl + path, {
      headers: { authorization: "Bearer secret", "x-own": "1" }
    })
    yield* Effect.flatMap(HttpClient.HttpClient, (client) => prepare(client).execute(request)).pipe(
      Effect.exit,
      Effect.withSpan("outer"),
      Effect.provide(httpClient),
      Effect.withTracer(tracer)
    )
    const port = new URL(baseUrl).port
    return {
      spans: spans.map(({ name, kind, parent, attributes, status }) => ({
        name,
        kind,
        parent: Option.getOrUndefined(Option.map(parent, ({ spanId }) => spanId)),
        attributes: new Map([...attributes].map(([key, value]) => [key, String(value).replaceAll(port, "PORT")])),
        exit: status._tag === "Ended" ? status.exit._tag : undefined
      })),
      traced: parent !== undefined
    }
  }).pipe(Effect.scoped)

interface Case {
  readonly prepare?: (client: HttpClient.HttpClient) => HttpClient.HttpClient
  readonly path?: string
}

const cases: Record<string, Case> = {
  "as it comes": {},
  "without a query": { path: "/" },
  "with a name of its own": {
    prepare: HttpClient.withSpanNameGenerator(({ method }) => `mine ${method}`)
  },
  "without propagation": { prepare: HttpClient.withTracerPropagation(false) },
  "where spans are off for the client": { prepare: HttpClient.withTracerDisabledWhen(constTrue) },
  "where spans are off altogether": {
    prepare: HttpClient.transformResponse(Effect.withTracerEnabled(false))
  },
  "with names of its own to redact": {
    prepare: HttpClient.transformResponse(Effect.locally(Headers.currentRedactedNames, ["x-own", /answer/]))
  },
  "where no answer comes": { path: "/broken" },
  "where no connection is made": { path: "http://127.0.0.1:1/" },
  "with a body that has a span of its own": {
    prepare: HttpClient.mapRequest(
      HttpClientRequest.bodyStream(Stream.fromEffect(Effect.withSpan(Effect.succeed(new Uint8Array(1)), "body")))
    )
  },
  "under a scope": { prepare: (client) => HttpClient.transformResponse(HttpClient.withScope(client), Effect.scoped) }
}

describe("a request's span, beside that of NodeHttpClient.layerUndici", () => {
  for (const [name, options] of Object.entries(cases)) {
    it.effect(`is the same ${name}`, () =>
      Effect.gen(function* () {
        const theirs = yield* observe(NodeHttpClient.layerUndici, options)
        const ours = yield* observe(NodeFlowwise.layerHttpClient, options)
        assert.deepStrictEqual(ours, theirs)
      })
    )
  }

  it.effect("is a client's, has the answer's status, and hides what is redacted", () =>
    Effect.gen(function* () {
      const { spans, traced } = yield* observe(NodeFlowwise.layerHttpClient, {})
      assert.isTrue(traced)
      assert.deepStrictEqual(
        spans.map(({ name, kind, parent, exit }) => [name, kind, parent, exit]),
        [
          ["outer", "internal", undefined, "Success"],
          ["http.client GET", "client", "0000000000000001", "Success"]
        ]
      )
      const attributes = spans[1]!.attributes
      assert.strictEqual(attributes.get("http.response.status_code"), "404")
      assert.strictEqual(attributes.get("url.full"), "http://127.0.0.1:PORT/traced?a=b")
      assert.strictEqual(attributes.get("http.request.header.authorization"), "<redacted>")
    })
  )

  it.effect("has the name that its layer was given", () =>
    Effect.gen(function* () {
      const named = Layer.provide(
        NodeFlowwise.layerHttpClient,
        Layer.succeed(HttpClient.SpanNameGenerator, () => "the layer's")
      )
      assert.strictEqual((yield* observe(named, {})).spans[1]?.name, "the layer's")
    })
  )
})
