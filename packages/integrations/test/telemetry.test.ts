/** OpenTelemetry's own instrumentation of undici, whose span shows the customer's id unless it is told not to. */
import * as Resource from "@effect/opentelemetry/Resource"
import * as OtelTracer from "@effect/opentelemetry/Tracer"
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it } from "vitest"

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()

const layer = NodeFlowwise.layer.pipe(
  Layer.provide([FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment]),
  Layer.provide(FlowwiseEmulator.layer({ customers: ["cust_priya"] })),
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
  const isOurs = ({ name }: (typeof spans)[number]) => name === "DELETE /customer/{customer_id}"
  assert.lengthOf(spans.filter(isOurs), 1)
  assert.notInclude(JSON.stringify(spans.filter(isOurs).map(({ attributes }) => attributes)), "priya")
  return spans.filter((span) => !isOurs(span))
}

/** In an application: the host of its environment. */
const isFlowwise = ({ origin }: { readonly origin: string }) => new URL(origin).hostname === "127.0.0.1"

describe("OpenTelemetry's instrumentation of undici", () => {
  it("has the customer's id in two attributes", async () => {
    const [span] = await spansWith({})
    const showing = Object.entries(span!.attributes).filter(([, value]) => String(value).includes("priya"))
    assert.deepStrictEqual(
      showing.map(([name]) => name),
      ["url.full", "url.path"]
    )
  })

  it("makes no span for a host that it is told to ignore", async () => {
    assert.isEmpty(await spansWith({ ignoreRequestHook: isFlowwise }))
  })

  it("has no id where the attributes are replaced", async () => {
    const [span] = await spansWith({
      startSpanHook: (request) =>
        isFlowwise(request)
          ? { "url.full": `${request.origin}/customer/REDACTED`, "url.path": "/customer/REDACTED" }
          : {}
    })
    assert.notInclude(JSON.stringify([span!.name, span!.attributes]), "priya")
  })
})
