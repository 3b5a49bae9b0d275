/**
 * A platform `HttpClient` right on an undici dispatcher.
 *
 * @since 0.1.0
 */

import { Readable } from "node:stream"
import type { ReadableStream } from "node:stream/web"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as Stream from "effect/Stream"
import type { Dispatcher } from "undici"
import type { Route } from "./UndiciDispatcher.js"
import { Exchange } from "./UndiciResponse.js"

type Answer = Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

/**
 * Goes through the platform's `HttpClient.make` only to be traced: an `AbortController` for each request costs twice
 * as much as the request itself.
 *
 * @internal
 */
export const make = (route: Route): Effect.Effect<HttpClient.HttpClient> =>
  Effect.map(Effect.context<never>(), (layer) => {
    const traced = HttpClient.make((request, url, signal) => send(route, request, url, signal)).pipe(
      // As the platform's layers do: a `SpanNameGenerator` that was given to the layer is the default.
      HttpClient.transformResponse(
        Effect.mapInputContext((caller: Context.Context<never>) => Context.merge(layer, caller))
      )
    )
    return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
      Effect.flatMap((request) =>
        Effect.withFiberRuntime((fiber): Answer => {
          if (
            fiber.getFiberRef(FiberRef.currentTracerEnabled) &&
            !fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)
          ) {
            return traced.execute(request)
          }
          const url = UrlParams.makeUrl(request.url, request.urlParams, request.hash)
          return url._tag === "Left"
            ? Effect.fail(new HttpClientError.RequestError({ request, reason: "InvalidUrl", cause: url.left }))
            : send(route, request, url.right, scopedRequests.get(request)?.signal)
        })
      ),
      Effect.succeed
    )
  })

/** Where `HttpClient.withScope` leaves what aborts a request; the platform hands it to `HttpClient.make` alone. */
const scopedRequests = globalValue(
  "@effect/platform/HttpClient/scopedRequests",
  () => new WeakMap<HttpClientRequest.HttpClientRequest, AbortController>()
)

const send = (
  { dispatcher, settings }: Route,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  signal: AbortSignal | undefined
): Answer => {
  const dispatch = ({ body, contentType }: Body): Answer =>
    Effect.async((resume) => {
      const exchange = new Exchange(request, body, resume)
      signal?.addEventListener("abort", () => exchange.abort(), { once: true })
      try {
        dispatcher.dispatch(
          {
            ...settings,
            origin: url.origin,
            path: url.pathname + url.search,
            method: request.method,
            headers: rawHeaders(request, contentType),
            body
          },
          exchange
        )
      } catch (cause) {
        exchange.onResponseError(undefined, cause)
      }
      if (signal?.aborted === true) {
        exchange.abort()
      }
      return Effect.sync(() => exchange.abort())
    })
  const body = toBody(request)
  return Effect.isEffect(body) ? Effect.flatMap(body, dispatch) : dispatch(body)
}

/** A copy in undici's own form: its proxies add a `host` to what they are given, and requests may share their headers. */
const rawHeaders = ({ headers }: HttpClientRequest.HttpClientRequest, contentType: string | undefined) => {
  const raw: Array<string> = []
  for (const name of Object.keys(headers)) {
    raw.push(name, headers[name] as string)
  }
  if (contentType !== undefined && headers["content-type"] === undefined) {
    raw.push("content-type", contentType)
  }
  return raw
}

interface Body {
  readonly body: NonNullable<Dispatcher.DispatchOptions["body"]> | null
  /** Of a body that says itself what it is, such as a form with its boundary. */
  readonly contentType?: string
}

const noBody: Body = { body: null }

const toBody = (
  request: HttpClientRequest.HttpClientRequest
): Body | Effect.Effect<Body, HttpClientError.RequestError> => {
  const { body } = request
  switch (body._tag) {
    case "Empty":
      return noBody
    case "Uint8Array":
      return { body: body.body }
    case "Raw":
      return fromWeb(request, body.body)
    case "FormData":
      return fromWeb(request, body.formData)
    case "Stream":
      return Effect.map(Stream.toReadableStreamEffect((body as HttpBody.Stream).stream), (stream) => ({
        body: Readable.fromWeb(stream as ReadableStream<Uint8Array>)
      }))
  }
}

/** undici takes what Node has, and of the web's bodies only a `Blob`: its own forms are another class than Node's. */
const fromWeb = (request: HttpClientRequest.HttpClientRequest, body: unknown) => {
  if (body instanceof FormData || body instanceof URLSearchParams || body instanceof globalThis.ReadableStream) {
    return Effect.try({
      try: (): Body => {
        const { body: stream, headers } = new Response(body)
        const contentType = headers.get("content-type")
        return {
          body: Readable.fromWeb(stream as ReadableStream<Uint8Array>),
          ...(contentType === null ? {} : { contentType })
        }
      },
      catch: (cause) => new HttpClientError.RequestError({ request, reason: "Encode", cause })
    })
  }
  return { body: (body ?? null) as Body["body"] }
}
