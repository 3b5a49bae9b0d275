/** The span and the metrics of an attempt: OpenTelemetry's names for an HTTP client, and never a customer's id. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Rules from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"
import * as MetricLabel from "effect/MetricLabel"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { CustomerDeleted } from "./Customer.js"
import type { Deadline } from "./Deadline.js"
import type { DeleteCustomerError } from "./DeleteCustomerError.js"

type Outcome = Exit.Exit<CustomerDeleted, DeleteCustomerError>
type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** Opens the client spans of attempts at one base URL. @internal */
export const make = (base: URL) => {
  const attributes = Rules.spanAttributes(base)
  const durations = memoized((status: number | undefined) =>
    memoized((errorType: string | undefined) => {
      const labels = labelsOf({ ...attributes, ...answerAttributes(status, errorType), unit: "s" })
      return Metric.fromMetricKey(MetricKey.taggedWithLabels(requestDuration, labels))
    })
  )
  return {
    /** None where the tracer is off. */
    open: (fiber: AnyFiber, { began }: Began, resends: number) => openSpan(fiber, began, resends, attributes),
    /** Ends the span, measures the attempt, and counts how it ended. */
    close: ({ fiber, span, status: answered }: Observed, { began, clock }: Began, exit: Outcome): void => {
      const end = clock.unsafeCurrentTimeNanos()
      const { error, outcome } = endOf(exit)
      const status = answered ?? (error && Rules.statusOf(error))
      const errorType = Exit.isSuccess(exit) ? undefined : error ? Rules.errorTypeOf(error, status) : outcome
      const labels = fiber.getFiberRef(FiberRef.currentMetricLabels)
      durations(status)(errorType).unsafeUpdate(Number(end - began) / 1e9, labels)
      deletionsBy(outcome).unsafeUpdate(1, labels)
      if (span !== undefined) {
        setAll(span, answerAttributes(status, errorType))
        span.end(time(fiber, end), exit)
      }
    }
  }
}

type Began = Pick<Deadline<unknown>, "began" | "clock">

/** @internal */
export interface Observed {
  readonly fiber: AnyFiber
  readonly span: Tracer.Span | undefined
  /** Of the answer, if there was one. */
  readonly status: number | undefined
}

/** `Effect.makeSpan` copies all of the fiber's state for each span and takes a stack trace: that costs more than the rest. */
const openSpan = (
  fiber: AnyFiber,
  began: bigint,
  resends: number,
  attributes: Record<string, unknown>
): Tracer.Span | undefined => {
  if (!fiber.getFiberRef(FiberRef.currentTracerEnabled)) return undefined
  const span = tracerOf(fiber).span(
    Rules.spanName,
    propagating(Context.getOption(fiber.currentContext, Tracer.ParentSpan)),
    Context.empty(),
    Chunk.toReadonlyArray(fiber.getFiberRef(FiberRef.currentTracerSpanLinks)),
    time(fiber, began),
    "client"
  )
  HashMap.forEach(fiber.getFiberRef(FiberRef.currentTracerSpanAnnotations), (value, key) => span.attribute(key, value))
  setAll(span, attributes)
  if (resends > 0) {
    span.attribute("http.request.resend_count", resends)
  }
  return span
}

const setAll = (span: Tracer.Span, attributes: Record<string, unknown>) => {
  for (const name in attributes) span.attribute(name, attributes[name])
}

const tracerOf = (fiber: AnyFiber) => Context.get(fiber.getFiberRef(DefaultServices.currentServices), Tracer.Tracer)

const nativeTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** Makes the span the current one, for a tracer that shows it to instrumentations. Effect's own doesn't. @internal */
export const within = <A, E>(
  fiber: AnyFiber,
  span: Tracer.Span | undefined,
  self: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  span === undefined || tracerOf(fiber) === nativeTracer ? self : Effect.withParentSpan(self, span)

const none = {}

/** The headers that tell the server of the span; none where the user turned propagation off. @internal */
export const traceHeaders = (fiber: AnyFiber, span: Tracer.Span | undefined): Record<string, string> =>
  span !== undefined && fiber.getFiberRef(HttpClient.currentTracerPropagation) ? HttpTraceContext.toHeaders(span) : none

const time = (fiber: AnyFiber, nanos: bigint) => (fiber.getFiberRef(FiberRef.currentTracerTimingEnabled) ? nanos : 0n)

/** The nearest enclosing span that is in the trace. */
const propagating = (span: Option.Option<Tracer.AnySpan>): Option.Option<Tracer.AnySpan> => {
  if (Option.isNone(span) || !Context.get(span.value.context, Tracer.DisablePropagation)) return span
  return span.value._tag === "Span" ? propagating(span.value.parent) : Option.none()
}

const requestDuration = MetricKey.histogram(
  Rules.requestDuration.name,
  MetricBoundaries.fromIterable(Rules.requestDuration.boundaries),
  Rules.requestDuration.description
)

const { description, name } = Rules.deletions
const deletions = MetricKey.counter(name, { description, incremental: true })

/** Making a metric takes longer than a request. There are few, because none names a customer or a message. */
const memoized = <K, A>(make: (key: K) => A) => {
  const made = new Map<K, A>()
  return (key: K): A => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}

const deletionsBy = memoized((outcome: string) =>
  Metric.fromMetricKey(MetricKey.taggedWithLabels(deletions, labelsOf({ outcome })))
)

const labelsOf = (attributes: Record<string, unknown>) =>
  Object.entries(attributes).map(([name, value]) => MetricLabel.make(name, String(value)))

const answerAttributes = (status: number | undefined, errorType: string | undefined) => ({
  ...(status !== undefined && { "http.response.status_code": status }),
  ...(errorType !== undefined && { "error.type": errorType })
})

const endOf = (exit: Outcome) => {
  if (Exit.isSuccess(exit)) return { error: undefined, outcome: exit.value._tag }
  const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
  return { error, outcome: error?._tag ?? (Cause.isInterruptedOnly(exit.cause) ? "Interrupted" : "Defect") }
}
