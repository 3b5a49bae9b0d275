import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader
} from "@opentelemetry/sdk-metrics"
import { InMemorySpanExporter, type Sampler, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The real SDK, which keeps in memory what it is told. */
export const make = (sampler?: Sampler) =>
  Effect.gen(function* () {
    const exporter = new InMemorySpanExporter()
    const reader = new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
      exportIntervalMillis: 2 ** 30
    })
    const context = yield* Layer.build(
      NodeSdk.layer(() => ({
        resource: { serviceName: "erasure" },
        spanProcessor: new SimpleSpanProcessor(exporter),
        metricReader: reader,
        ...(sampler && { tracerConfig: { sampler } })
      }))
    )
    return {
      context,
      spans: () => exporter.getFinishedSpans(),
      reset: () => exporter.reset(),
      metrics: Effect.promise(async () => {
        const { resourceMetrics } = await reader.collect()
        return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
      })
    }
  })
