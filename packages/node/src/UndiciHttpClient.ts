/**
 * One undici agent as a platform `HttpClient`.
 *
 * @since 0.1.0
 */

import { Readable } from "node:stream"
import type { ReadableStream } from "node:stream/web"
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Agent, type Dispatcher } from "undici"

/** @internal */
export const make: Effect.Effect<HttpClient.HttpClient, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => new Agent({ connect: { timeout: 10_000 }, headersTimeout: 30_000, bodyTimeout: 30_000 })),
    (agent) => Effect.promise(() => agent.destroy())
  ),
  (agent) =>
    HttpClient.make((request, url, signal) =>
      Effect.flatMap(requestBody(request.body), ({ body, contentType }) =>
        Effect.tryPromise({
          try: () =>
            agent.request({
              origin: url.origin,
              path: url.pathname + url.search,
              method: request.method,
              headers: contentType === null ? request.headers : { "content-type": contentType, ...request.headers },
              body,
              signal
            }),
          catch: (cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause })
        })
      ).pipe(Effect.map((response) => new UndiciResponse(request, response)))
    )
)

interface RequestBody {
  readonly body: Exclude<Dispatcher.DispatchOptions["body"], undefined>
  /** Of bodies that make their own, such as a form's with its boundary. */
  readonly contentType: string | null
}

const requestBody = (body: HttpBody.HttpBody): Effect.Effect<RequestBody> => {
  switch (body._tag) {
    case "Empty":
      return Effect.succeed({ body: null, contentType: null })
    case "Uint8Array":
      return Effect.succeed({ body: body.body, contentType: null })
    case "FormData":
      return Effect.sync(() => webBody(body.formData))
    case "Raw":
      return Effect.sync(() =>
        typeof body.body === "string" || body.body instanceof Uint8Array || body.body instanceof Readable
          ? { body: body.body, contentType: null }
          : webBody(body.body as WebBody)
      )
    case "Stream":
      return Effect.map(Stream.toReadableStreamEffect(body.stream), (stream) => ({
        body: Readable.fromWeb(stream as ReadableStream<Uint8Array>),
        contentType: null
      }))
  }
}

type WebBody = ConstructorParameters<typeof Response>[0]

/** undici's own forms and parameters are other classes than Node's. */
const webBody = (init: WebBody): RequestBody => {
  const { body, headers } = new Response(init)
  return {
    body: body === null ? null : Readable.fromWeb(body as ReadableStream<Uint8Array>),
    contentType: headers.get("content-type")
  }
}

class UndiciResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly headers: Headers.Headers
  readonly remoteAddress = Option.none<string>()
  private bytes: Effect.Effect<ArrayBuffer, HttpClientError.ResponseError> | undefined

  constructor(
    readonly request: HttpClientRequest.HttpClientRequest,
    private readonly source: Dispatcher.ResponseData
  ) {
    super()
    this.headers = Headers.fromInput(source.headers)
    // A body that breaks while nobody reads it would otherwise end the process.
    source.body.on("error", () => {})
  }

  /** Read once, so that text and JSON can both be asked for. */
  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.ResponseError> {
    this.bytes ??= Effect.runSync(Effect.cached(this.decode(() => this.source.body.arrayBuffer())))
    return this.bytes
  }

  get status(): number {
    return this.source.statusCode
  }

  get cookies(): Cookies.Cookies {
    return Cookies.fromSetCookie([this.source.headers["set-cookie"] ?? []].flat())
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.fromReadableStream(
      () => Readable.toWeb(this.source.body) as globalThis.ReadableStream<Uint8Array>,
      (cause) => this.failure(cause)
    )
  }

  get text(): Effect.Effect<string, HttpClientError.ResponseError> {
    return Effect.map(this.arrayBuffer, (bytes) => new TextDecoder().decode(bytes))
  }

  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return Effect.flatMap(this.text, (text) => this.decode(async () => (text === "" ? null : JSON.parse(text))))
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.ResponseError> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get formData(): Effect.Effect<FormData, HttpClientError.ResponseError> {
    return Effect.flatMap(this.arrayBuffer, (bytes) =>
      this.decode(() =>
        new Response(bytes, { headers: { "content-type": this.headers["content-type"] ?? "" } }).formData()
      )
    )
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "@effect/platform/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  private decode<A>(read: () => Promise<A>): Effect.Effect<A, HttpClientError.ResponseError> {
    return Effect.tryPromise({ try: read, catch: (cause) => this.failure(cause) })
  }

  private failure(cause: unknown): HttpClientError.ResponseError {
    return new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })
  }
}
