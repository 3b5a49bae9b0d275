/**
 * The span of a request, the same as the platform's own clients open.
 *
 * @since 0.1.0
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { RuntimeFiber } from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type * as Tracer from "effect/Tracer"

/** @internal */
export const isWanted = (fiber: RuntimeFiber<unknown, unknown>, request: HttpClientRequest.HttpClientRequest) =>
  fiber.getFiberRef(FiberRef.currentTracerEnabled) && !fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)

/**
 * Sends `request` inside its span, with the headers that let the server go on with the trace.
 *
 * @internal
 */
export const around = <E>(
  fiber: RuntimeFiber<unknown, unknown>,
  context: Context.Context<never>,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  send: (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<HttpClientResponse.HttpClientResponse, E>
): Effect.Effect<HttpClientResponse.HttpClientResponse, E> =>
  Effect.useSpan(
    Context.get(context, HttpClient.SpanNameGenerator)(request),
    { kind: "client", captureStackTrace: false },
    (span) => {
      const redacted = fiber.getFiberRef(Headers.currentRedactedNames)
      describe(span, request, url)
      describeHeaders(span, "request", request.headers, redacted)
      const propagated = fiber.getFiberRef(HttpClient.currentTracerPropagation)
        ? HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))
        : request
      return Effect.map(Effect.withParentSpan(send(propagated), span), (response) => {
        span.attribute("http.response.status_code", response.status)
        describeHeaders(span, "response", response.headers, redacted)
        return response
      })
    }
  )

const describe = (span: Tracer.Span, request: HttpClientRequest.HttpClientRequest, url: URL) => {
  span.attribute("http.request.method", request.method)
  span.attribute("server.address", url.origin)
  if (url.port !== "") {
    span.attribute("server.port", Number(url.port))
  }
  span.attribute("url.full", url.toString())
  span.attribute("url.path", url.pathname)
  span.attribute("url.scheme", url.protocol.slice(0, -1))
  if (url.search.length > 1) {
    span.attribute("url.query", url.search.slice(1))
  }
}

const describeHeaders = (
  span: Tracer.Span,
  of: "request" | "response",
  headers: Headers.Headers,
  redacted: ReadonlyArray<string | RegExp>
) => {
  for (const [name, value] of Object.entries(Headers.redact(headers, redacted))) {
    span.attribute(`http.${of}.header.${name}`, String(value))
  }
}
