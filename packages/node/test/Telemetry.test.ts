import { AsyncLocalStorage } from "node:async_hooks"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import {
  Credentials,
  type DeleteCustomerError,
  deleteCustomer,
  Environment,
  FlowwiseClient,
  Retry
} from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { type DataPoint, DataPointType, type Histogram, type MetricData } from "@opentelemetry/sdk-metrics"
import { AlwaysOffSampler, type ReadableSpan, type Sampler } from "@opentelemetry/sdk-trace-base"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import { clientAt, secret, transports } from "./layers.js"
import * as OpenTelemetry from "./OpenTelemetry.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

const customerId = "cust_priya/2024"

const notFound = json(404, { message: "no", code: "customer_not_found", type: "t" }, { "x-request-id": "req_1" })

type Call = Effect.Effect<unknown, DeleteCustomerError, FlowwiseClient>

/** What the SDK and the server are left with after a call, in a span of the caller's own. */
const observe = (
  script: Parameters<typeof RawServer.make>[0],
  options: {
    readonly call?: Call
    readonly sampler?: Sampler
    readonly transport?: (typeof transports)[keyof typeof transports]
  } = {}
) =>
  Effect.gen(function* () {
    const server = yield* RawServer.make(script)
    const { context, metrics, spans } = yield* OpenTelemetry.make(options.sampler)
    yield* (options.call ?? deleteCustomer(customerId)).pipe(
      Effect.provide(clientAt(server.baseUrl, options.transport ?? NodeFlowwise.layerTransport)),
      Effect.withSpan("caller"),
      Effect.either,
      Effect.provide(context)
    )
    return {
      attempts: spans().filter(({ name }) => name !== "caller"),
      caller: spans().find(({ name }) => name === "caller"),
      heads: yield* server.heads,
      metrics: yield* metrics,
      port: Number(new URL(server.baseUrl).port)
    }
  })

/** What `look` finds whenever Node or undici begins a request. */
const requestsBegun = <A>(look: () => A) =>
  Effect.gen(function* () {
    const found: Array<A> = []
    const begun = () => {
      found.push(look())
    }
    for (const channel of ["undici:request:create", "http.client.request.start"]) {
      yield* Effect.acquireRelease(
        Effect.sync(() => subscribe(channel, begun)),
        () => Effect.sync(() => unsubscribe(channel, begun))
      )
    }
    return found
  })

const pointsOf = <A>(metrics: ReadonlyArray<MetricData>, name: string) =>
  metrics
    .filter(({ descriptor }) => descriptor.name === name)
    .flatMap(({ dataPoints }) => dataPoints as ReadonlyArray<DataPoint<unknown>> as ReadonlyArray<DataPoint<A>>)

/** The registry of metrics is the process's: what is another test's has another port. */
const durations = (metrics: ReadonlyArray<MetricData>, port: number) =>
  pointsOf<Histogram>(metrics, "http.client.request.duration").filter(
    ({ attributes }) => attributes["server.port"] === String(port)
  )

const traceparents = (heads: ReadonlyArray<string>) =>
  heads.map((head) => /^traceparent: 00-(\w+)-(\w+)-(\w+)$/im.exec(head)?.slice(1))

const traceparentOf = (span: ReadableSpan) => [span.spanContext().traceId, span.spanContext().spanId, "01"]

// The names and types that the semantic conventions have for an HTTP client's span.
const expected = (port: number, rest: Record<string, unknown> = {}) => ({
  "http.request.method": "DELETE",
  "url.template": "/customer/{customer_id}",
  "server.address": "127.0.0.1",
  "server.port": port,
  ...rest
})

describe.each(Object.entries(transports))("spans over %s", (_, transport) => {
  it.scoped("a deletion is one client span within the caller's, with these attributes and no other", () =>
    Effect.gen(function* () {
      const { attempts, caller, port } = yield* observe(() => http(204), { transport })
      assert.strictEqual(attempts.length, 1)
      const span = attempts[0]!
      assert.strictEqual(span.name, "DELETE /customer/{customer_id}")
      // SpanKind.CLIENT and SpanStatusCode.OK.
      assert.deepStrictEqual([span.kind, span.status.code], [2, 1])
      assert.strictEqual(span.parentSpanContext?.spanId, caller?.spanContext().spanId)
      assert.deepStrictEqual(span.attributes, expected(port, { "http.response.status_code": 204 }))
      assert.deepStrictEqual([span.events, span.links], [[], []])
    })
  )

  it.scoped("traceparent names that span", () =>
    Effect.gen(function* () {
      const { attempts, heads } = yield* observe(() => http(204), { transport })
      assert.deepStrictEqual(traceparents(heads), attempts.map(traceparentOf))
    })
  )

  it.scoped("a tracer can pass that span on to an instrumentation of the HTTP library", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      const { span } = yield* Effect.tracer
      const current = new AsyncLocalStorage<Tracer.AnySpan | undefined>()
      const tracer = Tracer.make({ span, context: (execute, fiber) => current.run(fiber.currentSpan, execute) })
      const found = yield* requestsBegun(() => current.getStore())
      yield* deleteCustomer(customerId).pipe(
        Effect.provide(clientAt(server.baseUrl, transport)),
        Effect.withSpan("caller"),
        Effect.withTracer(tracer)
      )
      assert.deepStrictEqual(
        found.map((span) => span?._tag === "Span" && span.name),
        ["DELETE /customer/{customer_id}"]
      )
    })
  )

  it.scoped("a sampler that drops the trace is told on, and nothing is kept", () =>
    Effect.gen(function* () {
      const { attempts, heads } = yield* observe(() => http(204), { transport, sampler: new AlwaysOffSampler() })
      assert.deepStrictEqual(attempts, [])
      assert.deepStrictEqual(
        traceparents(heads).map((parts) => parts?.at(-1)),
        ["00"]
      )
    })
  )

  it.scoped("no traceparent goes out where propagation is turned off", () =>
    Effect.gen(function* () {
      const { attempts, heads } = yield* observe(() => http(204), {
        transport,
        call: Effect.locally(deleteCustomer(customerId), HttpClient.currentTracerPropagation, false)
      })
      assert.strictEqual(attempts.length, 1)
      assert.notMatch(heads.join("\n"), /^(traceparent|b3):/im)
    })
  )

  it.scoped("nothing is traced, and no traceparent goes out, where the tracer is turned off", () =>
    Effect.gen(function* () {
      const { attempts, caller, heads } = yield* observe(() => http(204), {
        transport,
        call: Effect.withTracerEnabled(deleteCustomer(customerId), false)
      })
      assert.deepStrictEqual([attempts.length, caller?.name], [0, "caller"])
      assert.notMatch(heads.join("\n"), /^(traceparent|b3):/im)
    })
  )

  it.scoped("no span, event or data point holds a customer's id, a header, a query or the full URL", () =>
    Effect.gen(function* () {
      const { attempts, heads, metrics } = yield* observe(() => notFound, { transport })
      const said = JSON.stringify([
        attempts.map(({ name, attributes, events, links, status }) => ({ name, attributes, events, links, status })),
        metrics
      ])
      assert.include(heads[0], "priya")
      for (const trace of ["priya", "x-client", "app_1", secret.slice(0, 6), "http://", "req_1"]) {
        assert.notInclude(said, trace)
      }
    })
  )
})

describe("spans of what is no deletion", () => {
  it.scoped.each<readonly [string, RawServer.Answer, Record<string, unknown>]>([
    ["404 in the vendor's words", notFound, { "http.response.status_code": 404, "error.type": "404" }],
    ["429", http(429), { "http.response.status_code": 429, "error.type": "429" }],
    ["a proxy's 502", http(502, {}, "<h1>"), { "http.response.status_code": 502, "error.type": "502" }],
    ["200", http(200), { "http.response.status_code": 200, "error.type": "200" }],
    ["a redirect", http(302, { location: "/" }), { "http.response.status_code": 302, "error.type": "302" }],
    ["a connection that closes", { bytes: "", close: true }, { "error.type": "Transport" }]
  ])("%s", ([, answer, attributes]) =>
    Effect.gen(function* () {
      const { attempts, port } = yield* observe(() => answer)
      assert.deepStrictEqual(
        attempts.map((span) => [span.attributes, span.status.code]),
        [[expected(port, attributes), 2]]
      )
      assert.deepStrictEqual(
        attempts[0]?.events.map(({ name }) => name),
        ["exception"]
      )
    })
  )

  it.scoped.each([
    ["no head", "", {}],
    ["half a body", "HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\n{", { "http.response.status_code": 404 }]
  ] as const)("time-out after %s", ([, bytes, attributes]) =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => ({ bytes }))
      const { context, spans } = yield* OpenTelemetry.make()
      const fiber = yield* deleteCustomer(customerId).pipe(
        Effect.either,
        Effect.provide(clientAt(server.baseUrl, NodeFlowwise.layerTransport)),
        Effect.provide(context),
        Effect.fork
      )
      yield* server.received(1)
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(fiber)
      const port = Number(new URL(server.baseUrl).port)
      assert.deepStrictEqual(
        spans().map((span) => span.attributes),
        [expected(port, { ...attributes, "error.type": "Timeout" })]
      )
    })
  )

  it.scoped("an attempt that Retry cut off is a time-out too", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => undefined)
      const { context, spans } = yield* OpenTelemetry.make()
      const fiber = yield* deleteCustomer(customerId).pipe(
        Retry.transient({ attemptTimeout: "5 seconds", times: 0 }),
        Effect.either,
        Effect.provide(clientAt(server.baseUrl, NodeFlowwise.layerTransport)),
        Effect.provide(context),
        Effect.fork
      )
      yield* server.received(1)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        spans().map((span) => [span.attributes["error.type"], span.status.code]),
        [["Timeout", 2]]
      )
    })
  )

  it.scoped("an attempt whose credentials can't be looked at ends as a defect", () =>
    Effect.gen(function* () {
      const { context, spans } = yield* OpenTelemetry.make()
      const credentials = Object.defineProperty({}, "get", {
        get: () => {
          throw new Error("no credentials")
        }
      }) as (typeof Credentials)["Service"]
      const client = Layer.effect(FlowwiseClient, FlowwiseClient.make()).pipe(
        Layer.provide([
          NodeFlowwise.layerTransport,
          Environment.layer("http://127.0.0.1:9"),
          Layer.succeed(Credentials, credentials)
        ])
      )
      yield* deleteCustomer(customerId).pipe(
        Effect.provide(client),
        Effect.sandbox,
        Effect.flip,
        Effect.provide(context)
      )
      assert.deepStrictEqual(
        spans().map(({ attributes }) => attributes["error.type"]),
        ["Defect"]
      )
    })
  )

  it.scoped("an id that is refused unsent makes none", () =>
    Effect.gen(function* () {
      const { attempts } = yield* observe(() => http(204), { call: deleteCustomer("..") })
      assert.deepStrictEqual(attempts, [])
    })
  )
})

describe("http.request.resend_count", () => {
  const third = () => {
    let requests = 0
    return () => http(++requests < 3 ? 503 : 204)
  }
  const eventually = (call: Call) =>
    Effect.gen(function* () {
      const { attempts, heads } = yield* observe(third(), { call })
      assert.deepStrictEqual(
        attempts.map(({ attributes }) => attributes["http.request.resend_count"]),
        [undefined, 1, 2]
      )
      // Each attempt is a span of its own, and the server is told which.
      assert.deepStrictEqual(traceparents(heads), attempts.map(traceparentOf))
    })

  it.scoped("numbers the attempts of Retry.transient", () =>
    eventually(deleteCustomer(customerId).pipe(Retry.transient({ baseDelay: 0 })))
  )

  it.scoped("numbers those of a call that is made anew for each attempt", () =>
    eventually(Effect.suspend(() => deleteCustomer(customerId)).pipe(Retry.transient({ baseDelay: 0 })))
  )

  it.scoped("numbers the attempts of a user's own Effect.retry", () =>
    eventually(deleteCustomer(customerId).pipe(Effect.retry({ times: 2 })))
  )
})

describe("metrics", () => {
  it.scoped("http.client.request.duration counts each request in seconds, by the conventions' attributes", () =>
    Effect.gen(function* () {
      const { metrics, port } = yield* observe((target) => (target.endsWith("1") ? http(204) : notFound), {
        call: Effect.all([deleteCustomer("1"), Effect.either(deleteCustomer("2")), Effect.either(deleteCustomer("3"))])
      })
      const metric = metrics.find(({ descriptor }) => descriptor.name === "http.client.request.duration")
      assert.deepStrictEqual([metric?.descriptor.unit, metric?.dataPointType], ["s", DataPointType.HISTOGRAM])
      const points = durations(metrics, port)
      const attributes = { ...expected(port), "server.port": String(port), unit: "s" }
      assert.sameDeepMembers(
        points.map(({ attributes, value }) => [attributes, value.count]),
        [
          [{ ...attributes, "http.response.status_code": "204" }, 1],
          [{ ...attributes, "http.response.status_code": "404", "error.type": "404" }, 2]
        ]
      )
      assert.deepStrictEqual(
        points[0]!.value.buckets.boundaries,
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
      )
    })
  )

  it.scoped("time is Effect's", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => undefined)
      const { context, metrics } = yield* OpenTelemetry.make()
      const fiber = yield* Effect.either(deleteCustomer(customerId)).pipe(
        Effect.provide(clientAt(server.baseUrl, NodeFlowwise.layerTransport)),
        Effect.provide(context),
        Effect.fork
      )
      yield* server.received(1)
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(fiber)
      // Another test's server may have had the same port.
      const points = durations(yield* metrics, Number(new URL(server.baseUrl).port))
      const point = points.find(({ attributes }) => attributes["error.type"] === "Timeout")
      assert.strictEqual(point!.value.sum, 30)
    })
  )

  it.scoped("flowwise.customer.deletions counts attempts by their outcome", () =>
    Effect.gen(function* () {
      const counts = (metrics: ReadonlyArray<MetricData>) =>
        Object.fromEntries(
          pointsOf<number>(metrics, "flowwise.customer.deletions").map(({ attributes, value }) => [
            String(attributes.outcome),
            value
          ])
        )
      const before = counts((yield* observe(() => http(204))).metrics)
      const { metrics } = yield* observe((target) => (target.endsWith("1") ? http(204) : notFound), {
        call: Effect.all([deleteCustomer("1"), Effect.either(deleteCustomer("2")), Effect.either(deleteCustomer(".."))])
      })
      const now = counts(metrics)
      assert.deepStrictEqual(
        ["CustomerDeleted", "CustomerNotFound", "InvalidCustomerId"].map(
          (outcome) => (now[outcome] ?? 0) - (before[outcome] ?? 0)
        ),
        [1, 1, 0]
      )
    })
  )
})
