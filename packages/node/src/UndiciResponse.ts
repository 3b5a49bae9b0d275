/**
 * One request's answer, from undici's callbacks to the platform's `HttpClientResponse`.
 *
 * @since 0.1.0
 */

import { Readable } from "node:stream"
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Dispatcher, errors } from "undici"

/** What is held for a reader that has not come yet; then the server has to wait. As much as undici's own. */
const HIGH_WATER_MARK = 64 * 1024

type IncomingHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2]

/**
 * Listens to one dispatched request, and keeps what has come of its body until somebody reads it.
 *
 * @internal
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined
  private chunks: Array<Uint8Array> = []
  private size = 0
  private capacity = HIGH_WATER_MARK
  private readers: Array<() => void> = []
  private ended = false
  private failure: unknown
  private taken = false

  constructor(
    private readonly request: HttpClientRequest.HttpClientRequest,
    private readonly body: unknown,
    private readonly answer: (
      exit: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError>
    ) => void
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.failure !== undefined) {
      controller.abort(this.failure as Error)
    }
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: IncomingHeaders,
    socket: Readable
  ): void {
    socket.destroy()
    this.onResponseError(controller, new errors.NotSupportedError("a connection can't be upgraded by an HttpClient"))
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    // Informational answers come before the answer.
    if (status >= 200) {
      const response = new UndiciResponse(this.request, status, headers, this)
      if (status !== 204 && status !== 304 && this.request.method !== "HEAD") {
        abandoned.register(response, this)
      }
      this.answer(Effect.succeed(response))
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.size += chunk.length
    if (this.size >= this.capacity) {
      controller.pause()
    }
    this.wake()
  }

  onResponseEnd(): void {
    this.ended = true
    this.wake()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, cause: unknown): void {
    this.ended = true
    this.failure ??= cause
    if (this.body instanceof Readable) {
      this.body.destroy()
    }
    // Without effect where the answer has begun.
    this.answer(
      Effect.fail(new HttpClientError.RequestError({ request: this.request, reason: "Transport", cause: this.failure }))
    )
    this.wake()
  }

  /** Lets go of the connection, unless the exchange is over. */
  abort(): void {
    if (!this.ended) {
      this.failure = new errors.RequestAbortedError()
      if (this.controller === undefined) {
        this.onResponseError(undefined, this.failure)
      } else {
        this.controller.abort(this.failure as Error)
      }
    }
  }

  /** All of the body, kept for the next reader. */
  readonly whole: Effect.Effect<Uint8Array, unknown> = Effect.suspend(() => {
    if (this.taken) {
      return Effect.fail(new TypeError("the body has been read as a stream"))
    }
    this.capacity = Number.POSITIVE_INFINITY
    this.controller?.resume()
    return Effect.flatMap(
      this.until(() => this.ended),
      () => {
        if (this.failure !== undefined) {
          return Effect.fail(this.failure)
        }
        if (this.chunks.length !== 1) {
          this.chunks = [concat(this.chunks, this.size)]
        }
        return Effect.succeed(this.chunks[0] as Uint8Array)
      }
    )
  })

  /** The body piece by piece, once. The server waits while nobody takes. */
  readonly pieces: Stream.Stream<Uint8Array, unknown> = Stream.suspend(() => {
    if (this.capacity === Number.POSITIVE_INFINITY) {
      return Stream.fromEffect(this.whole)
    }
    if (this.taken) {
      return Stream.fail(new TypeError("the body has been read as a stream"))
    }
    this.taken = true
    return Stream.ensuring(
      Stream.repeatEffectChunkOption(this.next),
      Effect.sync(() => this.abort())
    )
  })

  private readonly next: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<unknown>> = Effect.suspend(() =>
    Effect.flatMap(
      this.until(() => this.ended || this.chunks.length > 0),
      () => {
        if (this.failure !== undefined) {
          return Effect.fail(Option.some(this.failure))
        }
        if (this.chunks.length === 0) {
          return Effect.fail(Option.none())
        }
        const chunks = Chunk.unsafeFromArray(this.chunks)
        this.chunks = []
        this.size = 0
        this.controller?.resume()
        return Effect.succeed(chunks)
      }
    )
  )

  /** An interrupted reader lets go of the connection. */
  private until(ready: () => boolean): Effect.Effect<void> {
    return ready()
      ? Effect.void
      : Effect.async((resume) => {
          this.readers.push(() => {
            if (ready()) {
              resume(Effect.void)
            }
          })
          return Effect.sync(() => this.abort())
        })
  }

  private wake(): void {
    for (const reader of this.readers) {
      reader()
    }
  }
}

const concat = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const all = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

/** A response that nobody holds any more can't be read, and would keep its connection. */
const abandoned = new FinalizationRegistry<Exchange>((exchange) => exchange.abort())

class UndiciResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  private parsedHeaders: Headers.Headers | undefined
  private parsedCookies: Cookies.Cookies | undefined

  constructor(
    readonly request: HttpClientRequest.HttpClientRequest,
    readonly status: number,
    private readonly rawHeaders: IncomingHeaders,
    private readonly exchange: Exchange
  ) {
    super()
  }

  get headers(): Headers.Headers {
    this.parsedHeaders ??= Headers.fromInput(this.rawHeaders)
    return this.parsedHeaders
  }

  get cookies(): Cookies.Cookies {
    this.parsedCookies ??= Cookies.fromSetCookie(this.rawHeaders["set-cookie"] ?? [])
    return this.parsedCookies
  }

  get remoteAddress(): Option.Option<string> {
    return Option.none()
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.mapError(this.exchange.pieces, (cause) => this.unreadable(cause))
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.ResponseError> {
    return Effect.map(this.bytes, (bytes) =>
      bytes.byteLength === bytes.buffer.byteLength
        ? (bytes.buffer as ArrayBuffer)
        : (bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer)
    )
  }

  get text(): Effect.Effect<string, HttpClientError.ResponseError> {
    return Effect.map(this.bytes, (bytes) => new TextDecoder().decode(bytes))
  }

  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return Effect.flatMap(this.text, (text) =>
      Effect.try({
        try: () => (text === "" ? null : JSON.parse(text)),
        catch: (cause) => this.unreadable(cause)
      })
    )
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.ResponseError> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get formData(): Effect.Effect<FormData, HttpClientError.ResponseError> {
    return Effect.flatMap(this.bytes, (bytes) =>
      Effect.tryPromise({
        try: () => new Response(bytes, { headers: { "content-type": this.headers["content-type"] ?? "" } }).formData(),
        catch: (cause) => this.unreadable(cause)
      })
    )
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "@effect/platform/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  private get bytes(): Effect.Effect<Uint8Array, HttpClientError.ResponseError> {
    return Effect.mapError(this.exchange.whole, (cause) => this.unreadable(cause))
  }

  private unreadable(cause: unknown): HttpClientError.ResponseError {
    return new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })
  }
}
