/** The one seam between the client and the wire, and the transport over any `HttpClient`. */
import { type Answer, bodyReader, type Reports, type TransportRequest } from "@effect-flowwise/core"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { constTrue } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"

export { bodyReader, type TransportRequest } from "@effect-flowwise/core"

/**
 * What a transport reports to: `left`, then `head`, then `body` if `head` returned `true`; or `failed`, at any time. Later
 * reports are ignored.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransportObserver extends Reports {
  /** The caller's fiber, for its settings and services. */
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** The attempt's span; none where the tracer is off. */
  readonly span: Tracer.Span | undefined
}

/**
 * Sends one `DELETE`, follows no redirect, repeats nothing, and reports the answer or why there is none.
 *
 * **When to use**: the client is to send over something that is not an `HttpClient`. To add headers or a proxy, wrap the
 * `HttpClient` that `layerHttpClient` uses.
 *
 * **Details**: `send` returns at once. The function that it returns closes the connection, and then nothing more is sent. The
 * client calls it when the deadline is over or the caller is interrupted.
 *
 * @since 0.1.0
 * @category services
 */
export class Transport extends Context.Service<
  Transport,
  { readonly send: (request: TransportRequest, observer: TransportObserver) => () => void }
>()("@effect-flowwise/effect4/Transport") {
  /**
   * Over any `HttpClient`. The client can't see it if that retries or follows redirects. The `fetch` of Deno and workerd may
   * repeat a request: [runtimes](https://github.com/effect-flowwise/effect-flowwise/blob/main/docs/runtimes.md).
   */
  static readonly layerHttpClient: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.fresh(
    Layer.effect(
      Transport,
      Effect.map(HttpClient.HttpClient, (httpClient) => Transport.of({ send: sendOver(httpClient) }))
    )
  )
}

const sendOver =
  (httpClient: HttpClient.HttpClient): Transport["Service"]["send"] =>
  ({ headers, origin, path, trace }, observer) => {
    const request = HttpClientRequest.delete(origin + path, { headers: { ...headers, ...trace } })
    const fork = Effect.runForkWith(contextFor(observer))
    const exchange = Effect.suspend(() => {
      observer.left("perhaps")
      return Effect.flatMap(answerTo(httpClient, request), (response) =>
        observer.head(response.status, response.headers)
          ? Effect.map(readBody(response), (body) => observer.body(body))
          : drop(fork, response)
      )
    })
    // A fiber of its own can be left behind where neither the caller nor the `HttpClient` can be interrupted.
    const fiber = fork(Effect.catchCause(exchange, (cause) => Effect.sync(() => observer.failed(reasonOf(cause)))))
    return () => fiber.interruptUnsafe()
  }

/** The caller's services and settings, without what Effect's clients would do by themselves. */
const contextFor = ({ fiber, span }: TransportObserver): Context.Context<never> => {
  const { context } = fiber
  return Context.mergeAll(
    context,
    span === undefined ? Context.empty() : Context.make(Tracer.ParentSpan, span),
    // `fetch` follows redirects, with the secret and to any host. Bun's resends on a connection that it kept alive and lost.
    Context.make(FetchHttpClient.RequestInit, {
      keepalive: false,
      ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
      redirect: "manual"
    }),
    // Effect's own span shows every header and the full URL.
    Context.make(HttpClient.TracerDisabledWhen, constTrue),
    Context.make(Headers.CurrentRedactedNames, [
      ...fiber.getRef(Headers.CurrentRedactedNames),
      "x-client-id",
      "x-client-secret"
    ])
  ) as Context.Context<never>
}

type Response = HttpClientResponse.HttpClientResponse

/** An `HttpClient` with `filterStatusOk` makes an error of an answer. */
const answerTo = (
  httpClient: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<Response, HttpClientError.HttpClientError> =>
  Effect.catch(httpClient.execute(request), (error) =>
    error.reason?._tag === "StatusCodeError" ? Effect.succeed(error.reason.response) : Effect.fail(error)
  )

/** Any other error may come after the answer, from a wrapper of the user's own. It says nothing about the request. */
const reasonOf = (cause: Cause.Cause<HttpClientError.HttpClientError>): unknown => {
  const error = Cause.squash(cause)
  if (!HttpClientError.isHttpClientError(error) || error.reason.request.method !== "DELETE") {
    return undefined
  }
  switch (error.reason._tag) {
    // A broken URL or body has a tag of its own here.
    case "InvalidUrlError":
    case "EncodeError":
      return { reason: error.reason._tag.slice(0, -"Error".length) }
    case "TransportError":
      return error.reason.cause
    default:
      return undefined
  }
}

/** Frees the connection of an answer whose body nobody wants. */
const drop = (fork: ReturnType<typeof Effect.runForkWith<never>>, response: Response): Effect.Effect<unknown> =>
  response.status === 204
    ? // It has no body, so that reading to its end takes no time.
      Effect.exit(Effect.suspend(() => response.text))
    : // Every `HttpClient` closes the connection where a reader that has begun is interrupted.
      Effect.sync(() => {
        fork(Effect.exit(Effect.suspend(() => Stream.runDrain(response.stream)))).interruptUnsafe()
      })

const readBody = (response: Response): Effect.Effect<Answer["body"]> => {
  const reader = bodyReader()
  return Effect.suspend(() =>
    Stream.runForEachWhile(response.stream, (chunk) => Effect.sync(() => reader.add(chunk)))
  ).pipe(
    // `fetch` throws where a wrapper has read the body before.
    Effect.matchCause({ onFailure: () => undefined, onSuccess: reader.end })
  )
}
