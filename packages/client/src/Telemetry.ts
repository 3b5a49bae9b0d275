/**
 * What an attempt says to tracers and metrics: OpenTelemetry's names for an HTTP client, and never who is deleted.
 *
 * Source: OpenTelemetry's semantic conventions for HTTP spans and HTTP metrics.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"
import type * as MetricKeyType from "effect/MetricKeyType"
import * as MetricLabel from "effect/MetricLabel"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { CustomerDeleted } from "./Customer.js"
import type { DeleteCustomerError } from "./DeleteCustomerError.js"

type Outcome = Exit.Exit<CustomerDeleted, DeleteCustomerError>

/**
 * Opens the client span of an attempt, measures the attempt, and counts how it ended. The attempt says which status came
 * back as soon as it knows, since time may be up before the body is complete.
 *
 * @internal
 */
export const make = (base: URL) => {
  const attributes = {
    "http.request.method": "DELETE",
    "url.template": "/customer/{customer_id}",
    "server.address": base.hostname.replace(/^\[|\]$/g, ""),
    "server.port": Number(base.port) || (base.protocol === "http:" ? 80 : 443)
  }
  // A stack trace would cost more than the rest of the span.
  const options: Tracer.SpanOptions = { kind: "client", captureStackTrace: false, attributes }
  // A metric takes longer to make than a request; there are few, since customers and messages are in none.
  const durations = memoized((status: number | undefined) =>
    memoized((errorType: string | undefined) =>
      tagged(requestDuration, {
        ...attributes,
        "http.response.status_code": status,
        "error.type": errorType,
        // Where exporters look for it: seconds.
        unit: "s"
      })
    )
  )

  return {
    span: Effect.makeSpan("DELETE /customer/{customer_id}", options),
    observe: (fiber: Fiber.RuntimeFiber<unknown, unknown>, span: Tracer.Span, earlier: number) => {
      if (earlier > 0) {
        span.attribute("http.request.resend_count", earlier)
      }
      let status: number | undefined
      const clock = Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)
      const began = clock.unsafeCurrentTimeNanos()
      return {
        answered: (received: number) => {
          status = received
          span.attribute("http.response.status_code", received)
        },
        ended: (exit: Outcome) => {
          const errorType = errorTypeOf(exit, status)
          if (errorType !== undefined) {
            span.attribute("error.type", errorType)
          }
          const end = clock.unsafeCurrentTimeNanos()
          const labels = fiber.getFiberRef(FiberRef.currentMetricLabels)
          durations(status)(errorType).unsafeUpdate(Number(end - began) / 1e9, labels)
          deletionsBy(outcomeOf(exit)).unsafeUpdate(1, labels)
          span.end(fiber.getFiberRef(FiberRef.currentTracerTimingEnabled) ? end : 0n, exit)
        }
      }
    }
  }
}

const requestDuration = MetricKey.histogram(
  "http.client.request.duration",
  MetricBoundaries.fromIterable([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]),
  "Duration of HTTP client requests"
)

const deletions = MetricKey.counter("flowwise.customer.deletions", {
  description: "Attempts to delete a customer, by how they ended",
  incremental: true
})

const memoized = <K, A>(make: (key: K) => A) => {
  const made = new Map<K, A>()
  return (key: K): A => {
    const known = made.get(key)
    if (known !== undefined) {
      return known
    }
    const value = make(key)
    made.set(key, value)
    return value
  }
}

const deletionsBy = memoized((outcome: string) => tagged(deletions, { outcome }))

const tagged = <Type extends MetricKeyType.MetricKeyType<number, unknown>>(
  key: MetricKey.MetricKey<Type>,
  attributes: Record<string, string | number | undefined>
) =>
  Metric.fromMetricKey(
    MetricKey.taggedWithLabels(
      key,
      Object.entries(attributes).flatMap(([name, value]) =>
        value === undefined ? [] : [MetricLabel.make(name, String(value))]
      )
    )
  )

const outcomeOf = (exit: Outcome): string =>
  Exit.match(exit, {
    onSuccess: ({ _tag }) => _tag,
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), {
        onSome: ({ _tag }) => _tag,
        onNone: () => (Cause.isInterruptedOnly(cause) ? "Interrupted" : "Defect")
      })
  })

const errorTypeOf = (exit: Outcome, status: number | undefined): string | undefined => {
  if (Exit.isSuccess(exit)) {
    return undefined
  }
  const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
  if (error?._tag === "RequestFailed") {
    return error.reason
  }
  return error === undefined || status === undefined ? outcomeOf(exit) : String(status)
}
