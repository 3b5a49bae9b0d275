/** The one seam between the client and the wire, and the transport over any `HttpClient`. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { type Answer, bodyReader, type Reports, type TransportRequest } from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import { constTrue } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"

export { bodyReader, type TransportRequest } from "@effect-flowwise/core"

/**
 * What a transport reports to: `left`, then `head`, then `body` if `head` returned `true`; or `failed`, at any time.
 * @since 0.1.0
 * @category models
 */
export interface TransportObserver extends Reports {
  /** The caller's fiber, for its settings and services. */
  readonly fiber: Fiber.RuntimeFiber<unknown, unknown>
  /** The attempt's span; none where the tracer is off. */
  readonly span: Tracer.Span | undefined
}

/**
 * The way to the network: sends one `DELETE`, follows no redirect, repeats nothing, and reports the answer or why there is
 * none. To add headers or a proxy, wrap the `HttpClient` that `layerHttpClient` uses.
 *
 * `send` returns at once. The function that it returns closes the connection, and then nothing more is sent. The client
 * calls it when the deadline is over or the caller is interrupted.
 * @since 0.1.0
 * @category tags
 */
export class Transport extends Context.Tag("@effect-flowwise/client/Transport")<
  Transport,
  { readonly send: (request: TransportRequest, observer: TransportObserver) => () => void }
>() {
  /**
   * Over any `HttpClient`. The client can't see it if that retries or follows redirects. The `fetch` of Deno and workerd may
   * repeat a request: [runtimes](https://github.com/effect-flowwise/effect-flowwise/blob/main/docs/runtimes.md).
   */
  static readonly layerHttpClient: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.fresh(
    Layer.effect(
      Transport,
      Effect.map(HttpClient.HttpClient, (httpClient) => ({ send: sendOver(httpClient) }))
    )
  )
}

const sendOver =
  (httpClient: HttpClient.HttpClient): Transport["Type"]["send"] =>
  ({ headers, origin, path, trace }, observer) => {
    const request = HttpClientRequest.del(origin + path, { headers: { ...headers, ...trace } })
    const runtime = runtimeFor(observer)
    const exchange = Effect.suspend(() => {
      observer.left("perhaps")
      return Effect.flatMap(
        answerTo(httpClient, request),
        (response): Effect.Effect<unknown> =>
          observer.head(response.status, response.headers)
            ? Effect.map(readBody(response), (body) => observer.body(body))
            : drop(runtime, response)
      )
    })
    // A fiber of its own can be left behind where neither the caller nor the `HttpClient` can be interrupted.
    const fiber = Runtime.runFork(
      runtime,
      Effect.catchAllCause(exchange, (cause) => Effect.sync(() => observer.failed(ofRequest(Cause.squash(cause)))))
    )
    return () => fiber.unsafeInterruptAsFork(fiber.id())
  }

/** Any other error may come after the answer, from a wrapper of the user's own. It says nothing about the request. */
const ofRequest = (error: unknown): unknown =>
  HttpClientError.isHttpClientError(error) && error._tag === "RequestError" && error.request.method === "DELETE"
    ? error
    : undefined

/** The caller's services and settings, without what the platform's clients would do by themselves. */
const runtimeFor = ({ fiber, span }: TransportObserver): Runtime.Runtime<never> => {
  const refs = fiber.getFiberRefs()
  const id = fiber.id()
  const around = fiber.currentContext
  const traced = span === undefined ? around : Context.add(around, Tracer.ParentSpan, span)
  const init = Option.getOrUndefined(Context.getOption(around, FetchHttpClient.RequestInit))
  const redacted = FiberRefs.getOrDefault(refs, Headers.currentRedactedNames)
  return Runtime.make({
    // `fetch` follows redirects, with the secret and to any host. Bun's resends on a connection that it kept alive and lost.
    context: Context.add(traced, FetchHttpClient.RequestInit, { keepalive: false, ...init, redirect: "manual" }),
    runtimeFlags: Runtime.defaultRuntimeFlags,
    fiberRefs: FiberRefs.updateManyAs(refs, {
      entries: [
        // The platform's own span shows every header and the full URL.
        [HttpClient.currentTracerDisabledWhen, [[id, constTrue]]],
        [Headers.currentRedactedNames, [[id, [...redacted, "x-client-id", "x-client-secret"]]]],
        // Effect logs what a fiber fails with, and the platform's errors show the URL.
        [FiberRef.unhandledErrorLogLevel, [[id, Option.none()]]]
      ]
    })
  })
}

type Response = HttpClientResponse.HttpClientResponse

/** An `HttpClient` with `filterStatusOk` makes an error of an answer. */
const answerTo = (
  httpClient: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<Response, HttpClientError.HttpClientError> =>
  Effect.catchTag(httpClient.execute(request), "ResponseError", (error) =>
    error.reason === "StatusCode" ? Effect.succeed(error.response) : Effect.fail(error)
  )

/** Frees the connection of an answer whose body nobody wants. */
const drop = (runtime: Runtime.Runtime<never>, response: Response): Effect.Effect<unknown> =>
  response.status === 204
    ? // It has no body, so that reading to its end takes no time.
      Effect.exit(Effect.suspend(() => response.text))
    : // Every `HttpClient` closes the connection where a reader that has begun is interrupted.
      Effect.sync(() => {
        const reader = Runtime.runFork(runtime, Effect.exit(Effect.suspend(() => Stream.runDrain(response.stream))))
        reader.unsafeInterruptAsFork(reader.id())
      })

const readBody = (response: Response): Effect.Effect<Answer["body"]> => {
  const reader = bodyReader()
  return Stream.runForEachWhile(response.stream, (chunk) => Effect.sync(() => reader.add(chunk))).pipe(
    // `fetch` throws where a wrapper has read the body before.
    Effect.matchCause({ onFailure: () => undefined, onSuccess: reader.end })
  )
}
