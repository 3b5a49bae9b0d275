/** OpenTelemetry's own instrumentation of undici, whose span shows the customer's id unless it is told not to. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Resource from "@effect/opentelemetry/Resource"
import * as OtelTracer from "@effect/opentelemetry/Tracer"
import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { afterAll, assert, describe, it } from "vitest"

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()

const traceparents: Array<unknown> = []
const vendor = createServer(({ headers }, response) => {
  traceparents.push(headers.traceparent)
  response.writeHead(204).end()
})
await once(vendor.listen(0, "127.0.0.1"), "listening")
afterAll(() => {
  vendor.close()
  vendor.closeAllConnections()
})

const layer = NodeFlowwise.layer.pipe(
  Layer.provide([
    Environment.layer(`http://127.0.0.1:${(vendor.address() as AddressInfo).port}`),
    Credentials.layer({ clientId: "id", clientSecret: Redacted.make("secret") })
  ]),
  Layer.provideMerge(Layer.provide(OtelTracer.layerGlobal, Resource.layer({ serviceName: "erasure" })))
)

/** The spans of one deletion: the client's own, and those of the instrumentation. */
const spansWith = async (config: ConstructorParameters<typeof UndiciInstrumentation>[0]) => {
  const instrumentation = new UndiciInstrumentation(config)
  instrumentation.setTracerProvider(provider)
  exporter.reset()
  await Effect.runPromise(Effect.provide(deleteCustomer("cust_priya"), layer))
  instrumentation.disable()
  const spans = exporter.getFinishedSpans()
  const [ours, ...more] = spans.filter(({ name }) => name === "DELETE /customer/{customer_id}")
  assert.isEmpty(more)
  assert.notInclude(JSON.stringify(ours!.attributes), "priya")
  return { ours: ours!, theirs: spans.filter((span) => span !== ours) }
}

/** In an application: the host of its environment. */
const isFlowwise = ({ origin }: { readonly origin: string }) => new URL(origin).hostname === "127.0.0.1"

describe("OpenTelemetry's instrumentation of undici", () => {
  it("has the customer's id in two attributes", async () => {
    const {
      theirs: [span]
    } = await spansWith({})
    const showing = Object.entries(span!.attributes).filter(([, value]) => String(value).includes("priya"))
    assert.deepStrictEqual(
      showing.map(([name]) => name),
      ["url.full", "url.path"]
    )
  })

  it("makes no span for a host that it is told to ignore, and leaves the traceparent of ours", async () => {
    const { ours, theirs } = await spansWith({ ignoreRequestHook: isFlowwise })
    assert.isEmpty(theirs)
    const { spanId, traceId } = ours.spanContext()
    assert.strictEqual(traceparents.at(-1), `00-${traceId}-${spanId}-01`)
  })

  it("has no id where the attributes are replaced", async () => {
    const {
      theirs: [span]
    } = await spansWith({
      startSpanHook: (request) =>
        isFlowwise(request)
          ? { "url.full": `${request.origin}/customer/REDACTED`, "url.path": "/customer/REDACTED" }
          : {}
    })
    assert.notInclude(JSON.stringify([span!.name, span!.attributes]), "priya")
  })
})
