/** The span and the metrics of an attempt. */
import * as Rules from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type { CustomerDeleted } from "./Customer.js"
import type { Deadline } from "./Deadline.js"
import type { DeleteCustomerError } from "./DeleteCustomerError.js"

type Outcome = Exit.Exit<CustomerDeleted, DeleteCustomerError>

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** Opens and closes the client spans of attempts at one base URL. @internal */
export const make = (base: URL) => {
  const attributes = Rules.spanAttributes(base)
  const { boundaries, description, name } = Rules.requestDuration
  // Making a metric takes longer than a request. There are few, because none names a customer or a message.
  const durations = memoized((status: number | undefined) =>
    memoized((errorType: string | undefined) =>
      Metric.histogram(name, {
        description,
        boundaries,
        attributes: texts({
          ...attributes,
          "http.response.status_code": status,
          "error.type": errorType,
          // Where exporters look for it: seconds.
          unit: "s"
        })
      })
    )
  )

  return {
    /** None where the tracer is off. */
    open: (fiber: AnyFiber, resends: number): Effect.Effect<Tracer.Span | undefined> =>
      fiber.getRef(References.TracerEnabled)
        ? Effect.makeSpan(Rules.spanName, {
            kind: "client",
            attributes: resends > 0 ? { ...attributes, "http.request.resend_count": resends } : attributes
          })
        : noSpan,

    /** Ends the span, measures the attempt, and counts how it ended. `answered` is the answer's status, if there was one. */
    close: (
      fiber: AnyFiber,
      span: Tracer.Span | undefined,
      { began, clock }: Deadline,
      exit: Outcome,
      answered: number | undefined
    ): void => {
      const error = failureOf(exit)
      const status = answered ?? (error && Rules.statusOf(error))
      const errorType = Exit.isSuccess(exit) ? undefined : error ? Rules.errorTypeOf(error, status) : outcomeOf(exit)
      const seconds = Number(clock.monotonicTimeNanosUnsafe() - began) / 1e9
      durations(status)(errorType).updateUnsafe(seconds, fiber.context)
      deletionsBy(outcomeOf(exit)).updateUnsafe(1, fiber.context)
      if (span !== undefined) {
        if (status !== undefined) span.attribute("http.response.status_code", status)
        if (errorType !== undefined) span.attribute("error.type", errorType)
        const timed = fiber.getRef(References.TracerTimingEnabled)
        span.end(timed ? fiber.getRef(Clock.Clock).currentTimeNanosUnsafe() : 0n, exit)
      }
    }
  }
}

const noSpan = Effect.succeed(undefined)

/**
 * Makes the span the current one, for a tracer that shows it to instrumentations. Effect's own doesn't.
 * @internal
 */
export const within = <A, E>(
  fiber: AnyFiber,
  span: Tracer.Span | undefined,
  self: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  span === undefined || fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer
    ? self
    : Effect.withParentSpan(self, span, { captureStackTrace: false })

const none = {}

/** The headers that tell the server of the span; none where the user turned propagation off. @internal */
export const traceHeaders = (fiber: AnyFiber, span: Tracer.Span | undefined): Readonly<Record<string, string>> =>
  span === undefined || !fiber.getRef(HttpClient.TracerPropagationEnabled)
    ? none
    : { ...HttpTraceContext.toHeaders(span) }

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

const deletionsBy = memoized((outcome: string) =>
  Metric.counter(Rules.deletions.name, {
    description: Rules.deletions.description,
    incremental: true,
    attributes: { outcome }
  })
)

const texts = (attributes: Record<string, string | number | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  )

const failureOf = (exit: Outcome) => Option.getOrUndefined(Exit.findErrorOption(exit))

const outcomeOf = (exit: Outcome): string => {
  if (Exit.isSuccess(exit)) {
    return exit.value._tag
  }
  return failureOf(exit)?._tag ?? (Cause.hasInterruptsOnly(exit.cause) ? "Interrupted" : "Defect")
}
