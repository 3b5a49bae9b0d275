/**
 * One request and what comes of it, from undici's callbacks to Effect.
 *
 * @since 0.1.0
 */
import { type Duplex, Readable } from "node:stream"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Dispatcher, errors } from "undici"
import type { Route } from "./UndiciDispatcher.js"
import { type IncomingHeaders, isBodiless, UndiciResponse } from "./UndiciResponse.js"

/** What is held for a reader that has not come yet; then the server has to wait. As much as undici's own. */
const HIGH_WATER_MARK = 64 * 1024

/** @internal */
export type Answered = (exit: Exit.Exit<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError>) => void

/**
 * Where a request goes, and with which headers: names and values in turn.
 *
 * @internal
 */
export interface Target {
  readonly origin: string
  readonly path: string
  readonly headers: Array<string>
}

interface Options extends Dispatcher.DispatchOptions {
  readonly maxRedirections: 0
}

/**
 * Listens to one dispatched request, and keeps what has come of the body until somebody reads it.
 *
 * @internal
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private answer: Answered | undefined
  private controller: Dispatcher.DispatchController | undefined
  private chunks: Array<Uint8Array> = []
  private size = 0
  private capacity = HIGH_WATER_MARK
  private streamed = false
  private ended = false
  private failure: unknown
  private readers: Array<() => void> = []

  constructor(
    private readonly request: HttpClientRequest.HttpClientRequest,
    private readonly body: NonNullable<Dispatcher.DispatchOptions["body"]> | null
  ) {}

  /** Sends the request. `answer` gets the head of its response, or why there is none. */
  dispatch({ dispatcher, settings }: Route, { headers, origin, path }: Target, answer: Answered): void {
    this.answer = answer
    const options: Options = {
      origin,
      path,
      method: this.request.method,
      headers,
      body: this.body,
      // One by one: spread, the settings take longer than all the rest of this function.
      headersTimeout: settings.headersTimeout,
      bodyTimeout: settings.bodyTimeout,
      reset: settings.reset as true,
      // What undici's interceptor of redirects looks at, which would take the headers to any host, unseen.
      maxRedirections: 0
    }
    try {
      dispatcher.dispatch(options, this)
    } catch (cause) {
      this.end(cause)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.ended) {
      controller.abort(this.failure as Error)
    } else {
      this.controller = controller
    }
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    _status: number,
    _headers: IncomingHeaders,
    socket: Duplex
  ): void {
    socket.destroy()
    this.end(new errors.NotSupportedError("an HttpClient has no use for another protocol"))
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    // Others, such as 103, come before the answer.
    if (status >= 200) {
      const { answer, request } = this
      const response = new UndiciResponse(request, status, headers, this)
      if (isBodiless(request, status)) {
        // No body comes, whatever the headers say: nothing to wait for, nor to let go of.
        this.end(undefined)
      } else {
        dropped.register(response, this)
      }
      // It leads to the fiber that asked, and so to what that ended with: a response that could never be dropped.
      this.answer = undefined
      answer?.(Exit.succeed(response))
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
    this.end(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, cause: unknown): void {
    this.end(cause)
  }

  abortWith(signal: AbortSignal): void {
    if (signal.aborted) {
      this.abort()
    } else {
      signal.addEventListener("abort", () => this.abort(), { once: true })
    }
  }

  /** Lets go of the connection, unless the exchange is over. */
  abort(): void {
    if (!this.ended) {
      const { controller } = this
      const failure = new errors.RequestAbortedError()
      this.end(failure)
      controller?.abort(failure)
    }
  }

  /** All of the body, kept for the next reader. */
  whole(): Effect.Effect<Uint8Array, unknown> {
    return Effect.suspend(() => {
      if (this.streamed) {
        return Effect.fail(alreadyStreamed())
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
  }

  /** The body piece by piece, once; the server waits while nobody pulls. */
  pieces(): Stream.Stream<Uint8Array, unknown> {
    return Stream.suspend(() => {
      if (this.capacity !== HIGH_WATER_MARK) {
        return Stream.fromEffect(this.whole())
      }
      if (this.streamed) {
        return Stream.fail(alreadyStreamed())
      }
      this.streamed = true
      return Stream.ensuring(
        Stream.repeatEffectChunkOption(this.next()),
        Effect.sync(() => this.abort())
      )
    })
  }

  private next(): Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<unknown>> {
    return Effect.flatMap(
      this.until(() => this.chunks.length > 0 || this.ended),
      () => {
        if (this.chunks.length === 0) {
          return Effect.fail(Option.fromNullable(this.failure))
        }
        const chunks = Chunk.unsafeFromArray(this.chunks)
        this.chunks = []
        this.size = 0
        this.controller?.resume()
        return Effect.succeed(chunks)
      }
    )
  }

  /** An interrupted reader lets go of the connection. */
  private until(ready: () => boolean): Effect.Effect<void> {
    return Effect.async((resume) => {
      const check = () => {
        if (ready()) {
          resume(Effect.void)
        } else {
          this.readers.push(check)
        }
      }
      check()
      return Effect.sync(() => this.abort())
    })
  }

  private end(failure: unknown): void {
    if (this.ended) {
      return
    }
    this.ended = true
    this.failure = failure
    // undici's half would stay with ours until the collector's next full round: 2 µs a request.
    this.controller = undefined
    if (failure !== undefined) {
      if (this.body instanceof Readable) {
        this.body.destroy()
      }
      this.answer?.(
        Exit.fail(new HttpClientError.RequestError({ request: this.request, reason: "Transport", cause: failure }))
      )
    }
    this.wake()
  }

  private wake(): void {
    const { readers } = this
    if (readers.length > 0) {
      this.readers = []
      for (const check of readers) {
        check()
      }
    }
  }
}

const alreadyStreamed = () => new TypeError("The body has been read as a stream, and can't be read again")

const concat = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const all = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

/** Nobody can read the body of a response that nobody holds, and it would keep its connection. */
const dropped = new FinalizationRegistry<Exchange>((exchange) => exchange.abort())
