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
import { globalValue } from "effect/GlobalValue"
import * as Stream from "effect/Stream"
import type { Dispatcher } from "undici"
import * as ClientSpan from "./ClientSpan.js"
import { type Answered, Exchange, type Target } from "./Exchange.js"
import type { Route } from "./UndiciDispatcher.js"

type Answer = Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

/**
 * Does without the platform's `HttpClient.make`, whose `AbortController` for each request costs more than the request.
 *
 * @internal
 */
export const make = (route: Route): Effect.Effect<HttpClient.HttpClient> =>
  Effect.map(Effect.context<never>(), (layer) => {
    const client = HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
      Effect.flatMap((request) =>
        Effect.withFiberRuntime((fiber): Answer => {
          const url = UrlParams.makeUrl(request.url, request.urlParams, request.hash)
          if (url._tag === "Left") {
            return Effect.fail(new HttpClientError.RequestError({ request, reason: "InvalidUrl", cause: url.left }))
          }
          const signal = scopedRequests.get(request)?.signal
          return ClientSpan.isWanted(fiber, request)
            ? ClientSpan.around(fiber, Context.merge(layer, fiber.currentContext), request, url.right, (propagated) =>
                send(route, propagated, url.right, signal)
              )
            : send(route, request, url.right, signal)
        })
      ),
      Effect.succeed
    )
    return Object.assign(client, { [DISPATCH]: { client, dispatch: dispatch(route) } })
  })

/** Where `@effect-flowwise/client` finds how to send a request without a body on no fiber. */
const DISPATCH = Symbol.for("@effect-flowwise/client/dispatch")

const dispatch = (route: Route) => (request: HttpClientRequest.HttpClientRequest, target: Target, answer: Answered) => {
  const exchange = new Exchange(request, null)
  exchange.dispatch(route, target, answer)
  return () => exchange.abort()
}

/** Where `HttpClient.withScope` leaves what aborts a request, for `HttpClient.make` alone. */
const scopedRequests = globalValue(
  "@effect/platform/HttpClient/scopedRequests",
  () => new WeakMap<HttpClientRequest.HttpClientRequest, AbortController>()
)

const send = (
  route: Route,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  signal: AbortSignal | undefined
): Answer =>
  Effect.uninterruptibleMask((restore) => {
    const dispatch = ({ body, contentType }: Body): Answer => {
      const exchange = new Exchange(request, body)
      const answer: Answer = Effect.async((resume) => {
        const headers = rawHeaders(request, contentType)
        exchange.dispatch(route, { origin: url.origin, path: url.pathname + url.search, headers }, resume)
        if (signal !== undefined) {
          exchange.abortWith(signal)
        }
      })
      // A finalizer of `Effect.async` would do, but keeps all of the exchange for the collector's next full round.
      return Effect.catchAllCause(restore(answer), (cause) => {
        exchange.abort()
        return Effect.failCause(cause)
      })
    }
    const body = toBody(request)
    return Effect.isEffect(body) ? Effect.flatMap(restore(body), dispatch) : dispatch(body)
  })

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
