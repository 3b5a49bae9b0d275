/**
 * One request over any `HttpClient`, and what became of it. What a platform's client does on its own account and an
 * erasure can't have is turned off here: redirects, a span that shows headers and URL, errors that hold the request.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { Attempt } from "./Attempt.js"
import { RequestFailed, UnexpectedResponse } from "./DeleteCustomerError.js"
import { withoutTrailingSlash } from "./Environment.js"
import { bounded, timedOut, watch } from "./TimeLimit.js"

const MAX_BODY_BYTES = 64 * 1024

/**
 * What an `HttpClient` may offer besides: to send a request without a body on no fiber, and to give it up at once.
 * `NodeFlowwise.layerHttpClient` does; any other client's request takes a fiber, which can be given up, and twice the time.
 */
type Dispatch = (
  request: HttpClientRequest.HttpClientRequest,
  target: Target,
  answer: (exit: Exit.Exit<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>) => void
) => () => void

interface Target {
  readonly origin: string
  readonly path: string
  /** Names and values in turn. */
  readonly headers: Array<string>
}

/** It says of whom it is: what a client is spread into has an `execute` of its own, which has to be run. */
interface Dispatcher {
  readonly [DISPATCH]?: { readonly client: unknown; readonly dispatch: Dispatch }
}

const DISPATCH = Symbol.for("@effect-flowwise/client/dispatch")

/** What all requests with one pair of credentials share, as the platform wants it and as undici does. */
interface Prepared {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly headers: ReadonlyArray<string>
}

/**
 * How requests go to one environment. `send` answers with the head of a response, whose body is to be read or released.
 *
 * @internal
 */
export const make = (
  httpClient: HttpClient.HttpClient,
  transformClient: ((client: HttpClient.HttpClient) => HttpClient.HttpClient) | undefined,
  base: URL
) => {
  const { host, origin } = base
  const endpoint = `${withoutTrailingSlash(base)}/customer/`
  const path = endpoint.slice(origin.length)
  const direct = (httpClient as Dispatcher)[DISPATCH]
  const dispatch = direct?.client === httpClient && transformClient === undefined ? direct.dispatch : undefined
  const client = (transformClient ?? identity)(harden(httpClient))

  const tooLate = (delivered: "no" | "unknown") => (limit: Duration.Duration) =>
    timedOut(`No complete answer from ${host} within ${Duration.format(limit)}`, delivered)
  const unsent = tooLate("no")
  const unanswered = tooLate("unknown")
  const inTime = <A, E>(attempt: Attempt, effect: Effect.Effect<A, E>) =>
    bounded(Effect.zipRight(asCall(attempt.span), effect), attempt, unanswered)

  return {
    prepare: (headers: Record<string, string>): Prepared => ({
      request: HttpClientRequest.del(endpoint, { headers }),
      headers: Object.entries(headers).flat()
    }),
    /** What has to end before anything is sent. */
    before: <A>(attempt: Attempt, effect: Effect.Effect<A>) =>
      // A value takes no time.
      Exit.isExit(effect) ? effect : bounded(effect, attempt, unsent),
    send: (attempt: Attempt, prepared: Prepared, customerId: string): Answer => {
      const segment = encodeURIComponent(customerId)
      const request = HttpClientRequest.setUrl(prepared.request, endpoint + segment)
      if (dispatch === undefined) {
        return inTime(attempt, execute(client, request, host))
      }
      const { fiber, span } = attempt
      const traced = tracesOn(fiber, fiber.getFiberRef(HttpClient.currentTracerDisabledWhen), request)
      // A copy for each request, since a dispatcher of the user's own may add to it.
      const headers = prepared.headers.slice()
      if (span !== undefined && traced) {
        addTrace(headers, span)
      }
      const sent = dispatched(attempt, dispatch, request, { origin, path: path + segment, headers }, host, unanswered)
      // Effect's own tracer tells nobody, but another one may have an instrumentation of undici look for it.
      return span === undefined || tracerOf(fiber) === nativeTracer ? sent : Effect.withParentSpan(sent, span)
    },
    read: (attempt: Attempt, response: HttpClientResponse.HttpClientResponse) => inTime(attempt, readBody(response))
  }
}

type Answer = Effect.Effect<HttpClientResponse.HttpClientResponse, RequestFailed | UnexpectedResponse>

/**
 * The client that a user's `transformClient` is put around: whatever that adds, one call sends one request, which
 * follows no redirect and has no span but the caller's.
 */
const harden = (httpClient: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) =>
      Effect.withFiberRuntime((fiber): Response => {
        const call = fiber.getFiberRef(currentCall)
        return call === undefined
          ? httpClient.execute(request)
          : sentOnce(call, request, () => {
              const disabledWhen = fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)
              const told = disabledWhen === untraced ? call.tracerDisabledWhen : disabledWhen
              const traced = tracesOn(fiber, told, request) ? withTraceparent(request, call) : request
              return asTold(fiber, httpClient.execute(traced))
            })
      })
    ),
    Effect.succeed
  )

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

type Response = Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

/** What an attempt and the hardened client below it know of each other. */
interface Call {
  readonly span: Tracer.Span | undefined
  /** The caller's setting of `withTracerDisabledWhen`, in place of which the platform is told not to trace. */
  readonly tracerDisabledWhen: (request: HttpClientRequest.HttpClientRequest) => boolean
  /** What was sent in the end, to tell an answer to it from an answer to something else. */
  sent?: HttpClientRequest.HttpClientRequest
  answer?: Response
}

const currentCall = FiberRef.unsafeMake<Call | undefined>(undefined)

/**
 * What a fiber sends a request with: who asks, and what the platform's clients do unless they are told. That is
 * following redirects, and a span with every header and the full URL in it. Set at once, since one by one they would
 * cost more than the rest of the attempt.
 */
const asCall = (span: Tracer.Span | undefined): Effect.Effect<void> =>
  Effect.updateFiberRefs((id, refs) => {
    const tracerDisabledWhen = FiberRefs.getOrDefault(refs, HttpClient.currentTracerDisabledWhen)
    const around = FiberRefs.getOrDefault(refs, FiberRef.currentContext)
    const context = span === undefined ? around : Context.add(around, Tracer.ParentSpan, span)
    const redacted = FiberRefs.getOrDefault(refs, Headers.currentRedactedNames)
    return FiberRefs.updateManyAs(refs, {
      entries: [
        [currentCall, [[id, { span, tracerDisabledWhen }]]],
        [HttpClient.currentTracerDisabledWhen, [[id, untraced]]],
        [FiberRef.currentContext, [[id, withoutRedirects(context)]]],
        // For the logger of a `transformClient`: a layer's own setting is lost where another runtime runs the effect.
        [Headers.currentRedactedNames, [[id, [...redacted, "x-client-id", "x-client-secret"]]]]
      ]
    })
  })

// Told from a user's own setting by its identity.
const untraced = () => true

/** `fetch` follows redirects, with the secret and to any host, unless it is told. Other clients don't look at this. */
const withoutRedirects = <R>(context: Context.Context<R>) =>
  Context.add(context, FetchHttpClient.RequestInit, {
    ...Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit)),
    redirect: "manual"
  })

/** A `transformClient` may have settings of its own, which come last. */
const asTold = (fiber: AnyFiber, self: Response): Response =>
  fiber.getFiberRef(HttpClient.currentTracerDisabledWhen) === untraced &&
  Context.getOption(fiber.currentContext, FetchHttpClient.RequestInit).pipe(
    Option.exists(({ redirect }) => redirect === "manual")
  )
    ? self
    : self.pipe(
        Effect.locally(HttpClient.currentTracerDisabledWhen, untraced),
        Effect.mapInputContext((context: Context.Context<never>) => withoutRedirects(context))
      )

/** Whether the platform would tell the server of a span of its own, by the user's settings. */
const tracesOn = (
  fiber: AnyFiber,
  disabledWhen: Call["tracerDisabledWhen"],
  request: HttpClientRequest.HttpClientRequest
) =>
  fiber.getFiberRef(FiberRef.currentTracerEnabled) &&
  fiber.getFiberRef(HttpClient.currentTracerPropagation) &&
  !disabledWhen(request)

const withTraceparent = (request: HttpClientRequest.HttpClientRequest, { span }: Call) =>
  span === undefined ? request : HttpClientRequest.setHeaders(request, HttpTraceContext.toHeaders(span))

/**
 * A second request would change what the first one's answer means, so it gets the first one's answer. One without the
 * secret is another matter, say a `transformClient` that fetches a token.
 */
const sentOnce = (call: Call, request: HttpClientRequest.HttpClientRequest, send: () => Response): Response => {
  if (!("x-client-secret" in request.headers)) {
    return send()
  }
  if (call.answer !== undefined) {
    return call.answer
  }
  call.sent = request
  // What a second one gets where the first was given up.
  call.answer = Effect.failSync(() => new HttpClientError.RequestError({ request, reason: "Transport" }))
  return Effect.matchCauseEffect(send(), {
    onFailure: (cause) => {
      call.answer = Effect.failCause(cause)
      return call.answer
    },
    onSuccess: (response) => {
      call.answer = Effect.succeed(response)
      return call.answer
    }
  })
}

const addTrace = (headers: Array<string>, span: Tracer.Span) => {
  const trace = HttpTraceContext.toHeaders(span)
  for (const name in trace) {
    headers.push(name, trace[name] as string)
  }
}

const tracerOf = (fiber: AnyFiber) => Context.get(fiber.getFiberRef(DefaultServices.currentServices), Tracer.Tracer)

const nativeTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** Sends a request over any client, on a fiber that `asCall` has prepared. */
const execute = (
  httpClient: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  host: string
): Answer =>
  Effect.withFiberRuntime((fiber) => {
    const answered = (response: HttpClientResponse.HttpClientResponse): Answer =>
      sameTarget(response.request, fiber.getFiberRef(currentCall)?.sent)
        ? Effect.succeed(response)
        : Effect.zipRight(
            Effect.sync(() => release(response)),
            elsewhere(response.status, host)
          )
    return Effect.matchEffect(httpClient.execute(request), {
      onFailure: (error) =>
        // `filterStatusOk` and the like make an error of an answer.
        error._tag === "ResponseError" && error.reason === "StatusCode"
          ? answered(error.response)
          : Effect.fail(requestFailed(error, host)),
      onSuccess: answered
    })
  })

/** Sends a request without a fiber. */
const dispatched = (
  attempt: Attempt,
  dispatch: Dispatch,
  request: HttpClientRequest.HttpClientRequest,
  target: Target,
  host: string,
  onTimeout: (limit: Duration.Duration) => RequestFailed
): Answer =>
  Effect.async((resume) => {
    const stop = watch(attempt.fiber, attempt, (limit) => {
      resume(Effect.fail(onTimeout(limit)))
      attempt.abandon()
    })
    const abort = dispatch(request, target, (exit) => {
      stop()
      // On the fiber: what a look at a strange error throws would be lost here, and the caller wait for good.
      resume(
        Exit.isSuccess(exit) ? Exit.succeed(exit.value) : Effect.mapError(exit, (error) => requestFailed(error, host))
      )
    })
    attempt.abandon = () => {
      stop()
      abort()
    }
  })

const sameTarget = (one: HttpClientRequest.HttpClientRequest, other: HttpClientRequest.HttpClientRequest | undefined) =>
  one === other || (one.url === other?.url && UrlParams.toString(one.urlParams) === UrlParams.toString(other.urlParams))

const elsewhere = (status: number, host: string) =>
  new UnexpectedResponse({
    message: `A ${status} came from elsewhere than ${host}, since the HttpClient follows redirects: take followRedirects off it`,
    status
  })

/**
 * Lets go of an answer whose body nobody wants. Only a reader who is interrupted makes every `HttpClient` do that.
 *
 * @internal
 */
export const release = (response: HttpClientResponse.HttpClientResponse): void => {
  // An `HttpClient` that frees the connection by itself, where HTTP allows no body, says so in this way.
  if (response.stream === Stream.empty) {
    return
  }
  if (response.status === 204) {
    // There is no body to abort, so that its end will do, in half the time.
    Effect.runFork(Effect.exit(Effect.suspend(() => response.text)))
    return
  }
  const reader = Effect.runFork(Effect.exit(Effect.suspend(() => Stream.runDrain(response.stream))))
  reader.unsafeInterruptAsFork(reader.id())
}

/**
 * The body as text, `complete` or cut off at 64 KiB; none where it is unreadable: encoded, cut short, badly framed, no
 * UTF-8, or read by somebody else already. A byte order mark is dropped.
 */
const readBody = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Option.Option<{ readonly text: string; readonly complete: boolean }>> => {
  if (isEncoded(response.headers)) {
    release(response)
    return Effect.succeedNone
  }
  const decoder = new TextDecoder("utf-8", { fatal: true })
  let text = ""
  let length = 0
  return Stream.runForEachWhile(response.stream, (chunk) =>
    Effect.try(() => {
      text += decoder.decode(chunk.subarray(0, MAX_BODY_BYTES - length), { stream: true })
      length += chunk.length
      return length <= MAX_BODY_BYTES
    })
  ).pipe(
    Effect.andThen(
      Effect.try(() =>
        length <= MAX_BODY_BYTES ? { text: text + decoder.decode(), complete: true } : { text, complete: false }
      )
    ),
    // fetch throws where a `transformClient` has read the body before.
    Effect.catchAllDefect((defect) => Effect.fail(defect)),
    Effect.option
  )
}

/** `identity` was asked for. Some clients decode all the same and some don't, and a small body may unfold to gigabytes. */
const isEncoded = (headers: Headers.Headers) =>
  !/^\s*(identity)?\s*$/i.test(headers["content-encoding"] ?? "") ||
  !/^\s*(chunked|identity)?\s*$/i.test(headers["transfer-encoding"] ?? "")

/** Says in our words why there is no answer. The platform's error stays behind: it shows every header and the URL. */
const requestFailed = (error: HttpClientError.HttpClientError, host: string): RequestFailed => {
  const cause = rootCause(error)
  const code = /^[A-Z][A-Z0-9_]{2,63}$/.test(codeOf(cause)) ? ` (${codeOf(cause)})` : ""
  if (error.reason === "InvalidUrl" || error.reason === "Encode" || INVALID_REQUEST.test(code)) {
    return new RequestFailed({
      message: `The request can't be sent as it is${code}: check the base URL, the credentials and transformClient`,
      reason: "InvalidRequest",
      delivered: "no"
    })
  }
  if (neverConnected(cause)) {
    return new RequestFailed({
      message: BAD_CERTIFICATE.test(code)
        ? `The certificate of ${host} is not valid${code}: nothing was sent. Check the base URL, the proxy, and which authorities this machine trusts`
        : `No connection to ${host}${code}: nothing was sent. Check the base URL and the network, then ask again`,
      reason: "Connection",
      delivered: "no"
    })
  }
  return TIMED_OUT.test(code)
    ? timedOut(`${host} sent no complete answer in time${code}`, "unknown")
    : new RequestFailed({
        message: `The connection to ${host} broke${code}: the customer may or may not be deleted. Ask again`,
        reason: "Transport",
        delivered: "unknown"
      })
}

/** @internal */
export const invalidRequest = (problem: string): RequestFailed =>
  new RequestFailed({ message: `${problem}. Nothing was sent`, reason: "InvalidRequest", delivered: "no" })

interface SystemError {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
}

/** The error at the bottom: fetch wraps once, the platform once more, and a host of several addresses gathers them. */
const rootCause = (error: unknown, depth = 0): SystemError => {
  const current = (typeof error === "object" && error !== null ? error : {}) as SystemError
  const inner = Array.isArray(current.errors) ? current.errors[0] : current.cause
  return depth < 8 && typeof inner === "object" && inner !== null ? rootCause(inner, depth + 1) : current
}

const codeOf = ({ code }: SystemError) => (typeof code === "string" ? code : "")

const INVALID_REQUEST = /ERR_INVALID_|ERR_UNESCAPED_|UND_ERR_INVALID_ARG/
const TIMED_OUT = /UND_ERR_(HEADERS|BODY)_TIMEOUT|ETIMEDOUT/
const NO_CONNECTION = /^(ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|UND_ERR_CONNECT_TIMEOUT)$/
// The client checks a certificate before it sends. Other errors of TLS can also come later, so they prove nothing.
const BAD_CERTIFICATE =
  /\((CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))\w+\)/

/**
 * Whether the server's certificate was refused, which no other attempt changes. The code stands in the message alone,
 * since that is what survives JSON.
 *
 * @internal
 */
export const hasBadCertificate = ({ reason, message }: RequestFailed): boolean =>
  reason === "Connection" && BAD_CERTIFICATE.test(message)

const neverConnected = (cause: SystemError) => {
  const code = codeOf(cause)
  return (
    NO_CONNECTION.test(code) ||
    BAD_CERTIFICATE.test(`(${code})`) ||
    cause.syscall === "connect" ||
    cause.syscall === "getaddrinfo" ||
    // Its code is that of a broken connection; only the text tells that TLS had not begun.
    (typeof cause.message === "string" &&
      cause.message.startsWith("Client network socket disconnected before secure TLS connection"))
  )
}
