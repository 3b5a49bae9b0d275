/**
 * Prints the trace of an erasure that meets a gateway's 503 and a lost answer: the spans that the OpenTelemetry SDK
 * would export. The emulator stands in for the vendor.
 */
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ensureCustomerDeleted, Retry } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const exporter = new InMemorySpanExporter()

const TracerLive = NodeSdk.layer(() => ({
  resource: { serviceName: "erasure" },
  spanProcessor: new SimpleSpanProcessor(exporter)
}))

const line = ({ attributes, duration: [seconds, nanos], name, parentSpanContext }: ReadableSpan) => {
  const own = ["http.response.status_code", "error.type", "http.request.resend_count"]
    .filter((key) => attributes[key] !== undefined)
    .map((key) => `${key}=${attributes[key]}`)
  const indent = parentSpanContext === undefined ? "" : "  "
  return `${indent}${name}  ${Math.round(seconds * 1000 + nanos / 1e6)} ms  ${own.join("  ")}`.trimEnd()
}

const program = Effect.gen(function* () {
  const emulator = yield* FlowwiseEmulator
  yield* emulator.respondWith({ status: 503, body: "<h1>Back soon</h1>" }, { times: 1 })
  yield* emulator.respondWith({ drop: "afterDeletion" }, { times: 1 })
  const receipt = yield* ensureCustomerDeleted("cust_priya").pipe(
    Retry.transient({ baseDelay: "50 millis" }),
    Effect.withSpan("erase")
  )
  const spans = exporter.getFinishedSpans()
  // A parent ends after its children, and a trace begins with it.
  yield* Effect.forEach([...spans.slice(-1), ...spans.slice(0, -1)], (span) => Console.log(line(span)))
  yield* Console.log(receipt)
})

program.pipe(
  Effect.provide([NodeFlowwise.layer, TracerLive]),
  Effect.provide([FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment]),
  Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_priya"] })),
  NodeRuntime.runMain
)
