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
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Dispatcher } from "undici"
import { Exchange } from "./UndiciResponse.js"

/** @internal */
export const make = (dispatcher: Dispatcher): HttpClient.HttpClient =>
  HttpClient.make((request, url, signal) =>
    Effect.flatMap(requestBody(request), (body) => dispatch(dispatcher, request, url, body, signal))
  )

const dispatch = (
  dispatcher: Dispatcher,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  { body, contentType }: RequestBody,
  signal: AbortSignal
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> =>
  Effect.async((resume) => {
    const exchange = new Exchange(request, body, resume)
    const abort = () => exchange.abort()
    signal.addEventListener("abort", abort, { once: true })
    const headers: Array<string> = []
    for (const name of Object.keys(request.headers)) {
      headers.push(name, request.headers[name] as string)
    }
    if (contentType !== null && !("content-type" in request.headers)) {
      headers.push("content-type", contentType)
    }
    try {
      dispatcher.dispatch(
        { origin: url.origin, path: url.pathname + url.search, method: request.method, headers, body },
        exchange
      )
    } catch (cause) {
      exchange.onResponseError(undefined, cause)
    }
    return Effect.sync(abort)
  })

interface RequestBody {
  readonly body: NonNullable<Dispatcher.DispatchOptions["body"]> | null
  /** Of bodies that make their own, such as a form's with its boundary. */
  readonly contentType: string | null
}

const requestBody = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<RequestBody, HttpClientError.RequestError> => {
  const { body } = request
  switch (body._tag) {
    case "Empty":
      return noBody
    case "Uint8Array":
      return Effect.succeed({ body: body.body, contentType: null })
    case "FormData":
      return webBody(request, body.formData)
    case "Raw":
      return isWebBody(body.body)
        ? webBody(request, body.body)
        : Effect.succeed({ body: body.body as RequestBody["body"], contentType: null })
    case "Stream":
      return Effect.map(Stream.toReadableStreamEffect((body as HttpBody.Stream).stream), (stream) => ({
        body: Readable.fromWeb(stream as ReadableStream<Uint8Array>),
        contentType: null
      }))
  }
}

const noBody = Effect.succeed<RequestBody>({ body: null, contentType: null })

type WebBody = ConstructorParameters<typeof Response>[0]

const isWebBody = (body: unknown): body is WebBody =>
  body instanceof FormData ||
  body instanceof URLSearchParams ||
  body instanceof Blob ||
  body instanceof globalThis.ReadableStream

/** undici's own forms and parameters are other classes than Node's. */
const webBody = (request: HttpClientRequest.HttpClientRequest, init: WebBody) =>
  Effect.try({
    try: (): RequestBody => {
      const { body, headers } = new Response(init)
      return {
        body: body === null ? null : Readable.fromWeb(body as ReadableStream<Uint8Array>),
        contentType: headers.get("content-type")
      }
    },
    catch: (cause) => new HttpClientError.RequestError({ request, reason: "Encode", cause })
  })
