import * as Resource from "@effect/opentelemetry/Resource"
import * as OtelTracer from "@effect/opentelemetry/Tracer"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { clientAt } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http } from "./RawServer.js"

// As an application sets OpenTelemetry up: for the whole process, with its own instrumentation of undici.
const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
const instrumentation = new UndiciInstrumentation()
instrumentation.setTracerProvider(provider)
afterAll(() => instrumentation.disable())

const openTelemetry = Layer.provide(OtelTracer.layerGlobal, Resource.layer({ serviceName: "erasure" }))

/** The traces that the server was told of by two requests, and the spans that OpenTelemetry has of them. */
const traced = <E>(around: (call: Effect.Effect<unknown>) => Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    exporter.reset()
    const server = yield* RawServer.make(() => http(204))
    const call = Effect.repeatN(deleteCustomer("cust_1"), 1).pipe(
      Effect.provide(clientAt(server.baseUrl, NodeFlowwise.layerTransport)),
      Effect.orDie
    )
    yield* around(call)
    return {
      parents: (yield* server.heads).map((head) => head.match(/^traceparent: .*$/gim) ?? []),
      others: (yield* server.heads).map((head) => head.match(/^(x-client-secret|accept-encoding): .*$/gim)?.length),
      spans: exporter.getFinishedSpans()
    }
  })

describe("OpenTelemetry's instrumentation of undici", () => {
  it.scoped("beside Effect's spans in OpenTelemetry: one traceparent, that of the innermost span", () =>
    Effect.gen(function* () {
      const { others, parents, spans } = yield* traced((call) =>
        call.pipe(Effect.withSpan("caller"), Effect.provide(openTelemetry))
      )
      const theirs = spans.filter(({ instrumentationScope }) =>
        /instrumentation-undici/.test(instrumentationScope.name)
      )
      const ours = spans.filter(({ name }) => name === "DELETE /customer/{customer_id}")
      assert.deepStrictEqual([theirs.length, ours.length], [2, 2])
      assert.deepStrictEqual(
        theirs.map(({ parentSpanContext }) => parentSpanContext?.spanId),
        ours.map((span) => span.spanContext().spanId)
      )
      assert.deepStrictEqual(
        parents,
        theirs.map((span) => [`traceparent: 00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`])
      )
      assert.deepStrictEqual(others, [2, 2])
    })
  )

  it.scoped("beside Effect's own tracer: one traceparent", () =>
    Effect.gen(function* () {
      const { others, parents } = yield* traced(Effect.withSpan("caller"))
      assert.deepStrictEqual(
        parents.map(({ length }) => length),
        [1, 1]
      )
      assert.deepStrictEqual(others, [2, 2])
    })
  )

  it.scoped("where Effect's tracing is off: one traceparent", () =>
    Effect.gen(function* () {
      const { others, parents } = yield* traced(Effect.withTracerEnabled(false))
      assert.deepStrictEqual(
        parents.map(({ length }) => length),
        [1, 1]
      )
      assert.deepStrictEqual(others, [2, 2])
    })
  )

  it.scoped("that is turned off leaves ours", () =>
    Effect.gen(function* () {
      instrumentation.disable()
      yield* Effect.addFinalizer(() => Effect.sync(() => instrumentation.enable()))
      const { parents } = yield* traced((call) => call.pipe(Effect.withSpan("caller"), Effect.provide(openTelemetry)))
      const ours = exporter.getFinishedSpans().filter(({ name }) => name === "DELETE /customer/{customer_id}")
      assert.deepStrictEqual(
        parents,
        ours.map((span) => [`traceparent: 00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`])
      )
    })
  )
})
