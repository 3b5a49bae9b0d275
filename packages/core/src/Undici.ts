/** The transport right on undici, which each edition brings in a version of its own: nothing of it is imported here. */
import type { Headers } from "./Answer.js"
import { bodyReader } from "./Body.js"
import { millisOf } from "./Options.js"
import type { Reports, TransportRequest } from "./Transport.js"

/** How the transport connects. `Timeout` is a duration in the words of an edition. */
export interface UndiciOptions<Timeout> {
  /** The most connections to the server; further requests wait. Default: no limit. */
  readonly connections?: number | undefined
  /** For a connection to be made, TLS and proxy included. Default: 10 seconds. */
  readonly connectTimeout?: Timeout | undefined
  /** From the end of the request to the headers of the response. Default: 30 seconds. */
  readonly headersTimeout?: Timeout | undefined
  /** Between two pieces of the response's body. Default: 30 seconds. */
  readonly bodyTimeout?: Timeout | undefined
  /** One request for each connection, so that a broken proxy's late answer never passes for the next one's. Default: false. */
  readonly connectionPerRequest?: boolean | undefined
  /** The http(s) URL of a proxy; `"environment"`: as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say. Default: none. */
  readonly proxy?: string | undefined
  /**
   * An undici dispatcher (7.28 or later), with its own connections, proxy and default time-outs, which is yours to close.
   * For a proxy prefer `proxy`: undici's `ProxyAgent` connects for ever to a proxy that drops connections.
   */
  readonly dispatcher?: AnyDispatcher | undefined
}

/** What is used of an undici dispatcher. A library that spreads these options needs no types of undici. */
export interface AnyDispatcher {
  dispatch(options: never, handler: never): boolean
}

/** Whether what undici made can be used: in Bun, undici is a stub without a network. */
export const isDispatcher = (value: unknown): value is AnyDispatcher =>
  typeof (value as Partial<AnyDispatcher> | undefined)?.dispatch === "function"

// undici has had no such property since version 7, and no such class for what is composed.
const isOutdated = (dispatcher: AnyDispatcher & { readonly compose?: () => object | undefined }): boolean =>
  "interceptors" in dispatcher || dispatcher.compose?.()?.constructor.name === "ComposedDispatcher"

/** Names an option that can't be used, and says why. Types can't check ranges, and JavaScript has none. */
export const undiciProblem = (
  options: UndiciOptions<unknown> & { readonly timeout?: unknown },
  toMillis: (duration: never) => number,
  isUrl: (value: string) => boolean
): { readonly name: string; readonly what: string } | undefined => {
  const isTimeout = (value: unknown) => millisOf(toMillis, value) > 0
  const timeout = [isTimeout, 'a duration above 0, such as "30 seconds"'] as const
  const rules: { readonly [name in keyof typeof options]-?: readonly [(value: unknown) => boolean, string] } = {
    // The client's own, where both are given together.
    timeout,
    connections: [(value) => Number.isSafeInteger(value) && Number(value) > 0, "a whole number above 0"],
    connectTimeout: timeout,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connectionPerRequest: [(value) => typeof value === "boolean", "true or false"],
    proxy: [
      (value) => value === "environment" || (/^https?:\/\//i.test(String(value)) && isUrl(String(value))),
      '"environment", or a URL such as "http://proxy.example.com:3128"'
    ],
    dispatcher: [
      (value) => isDispatcher(value) && !isOutdated(value),
      "a dispatcher of undici 7.28 or later, and neither that of an older undici nor of Node.js itself"
    ]
  }
  for (const [name, [isUsable, what]] of Object.entries(rules)) {
    const value = options[name as keyof typeof rules]
    if (value !== undefined && !isUsable(value)) return { name, what: `must be ${what}` }
  }
  const twice = (["connections", "connectTimeout", "proxy"] as const).find((name) => options[name] !== undefined)
  return options.dispatcher === undefined || twice === undefined
    ? undefined
    : { name: twice, what: "can't be combined with dispatcher: set it there" }
}

type Tunnel = { readonly statusCode: number; readonly socket: { on(event: string, f: () => void): Destroyable } }
type Destroyable = { destroy(): unknown }

/** Gives a pool's tunnels an error of their own: with undici's `UND_ERR_SOCKET`, undici would try for ever. */
export const withTunnelErrors = <Pool extends { connect: unknown }>(pool: Pool, proxy: string): Pool => {
  const connect = (pool.connect as (options: unknown) => Promise<Tunnel>).bind(pool)
  const failed = (status: number | undefined, code = "") =>
    Object.assign(new Error("The proxy opened no tunnel"), {
      code: code === "" || code.startsWith("UND_ERR_") ? "ERR_PROXY_TUNNEL" : code,
      proxy,
      status
    })
  const tunnel = async (options: unknown) => {
    const answer = await connect(options).catch((error) => Promise.reject(failed(undefined, error?.code)))
    if (answer.statusCode !== 200) {
      answer.socket.on("error", () => {}).destroy()
      throw failed(answer.statusCode)
    }
    return answer
  }
  return Object.assign(pool, { connect: tunnel })
}

/** As undici counts: whole milliseconds, and 0 for no limit. */
export const undiciMillis = (millis: number): number => (millis === Number.POSITIVE_INFINITY ? 0 : Math.ceil(millis))

type Listen = (listener: (message: unknown) => void) => unknown
type Channel = { readonly hasSubscribers: boolean; readonly subscribe: Listen; readonly unsubscribe: Listen }

/** The transport on a dispatcher. `requestCreated` is the channel `undici:request:create`. */
export const undiciTransport = <Timeout>(
  { bodyTimeout, connectionPerRequest, dispatcher, headersTimeout }: UndiciOptions<Timeout>,
  dispatch: (options: object, handler: UndiciHandler) => unknown,
  toMillis: (timeout: Timeout) => number,
  requestCreated: Channel
) => {
  // Null for the dispatcher's own.
  const millis = (timeout: Timeout | undefined) =>
    timeout !== undefined ? undiciMillis(toMillis(timeout)) : dispatcher === undefined ? 30_000 : null
  const settings = { headers: millis(headersTimeout), body: millis(bodyTimeout) }
  return {
    send: (request: TransportRequest, reports: Reports): (() => void) => {
      const handler = new UndiciHandler(reports)
      const options = {
        origin: request.origin,
        path: request.path,
        method: "DELETE",
        headers: flat(request),
        body: null,
        headersTimeout: settings.headers,
        bodyTimeout: settings.body,
        // `undefined`, not false: false overrides undici's own decision to close.
        reset: connectionPerRequest === true ? true : undefined,
        // For undici's own redirect interceptor, which would take the secret to any host.
        maxRedirections: 0
      }
      const stop = requestCreated.hasSubscribers ? keepOneTrace(requestCreated, request) : undefined
      try {
        dispatch(options, handler)
      } finally {
        stop?.()
      }
      return () => handler.letGo()
    }
  }
}

/** A new list for each request, in undici's own form, since a dispatcher of the user's own may add to it. */
const flat = ({ headers, trace }: TransportRequest): Array<string> => {
  const list: Array<string> = []
  for (const name in headers) list.push(name, headers[name] as string)
  for (const name in trace) list.push(name, trace[name] as string)
  return list
}

/** An instrumentation of undici adds the trace of a span within ours. Then ours must not be sent as well. */
const keepOneTrace = (channel: Channel, { trace }: TransportRequest) => {
  // The last subscriber, so that it sees what the others have added.
  const dropOurs = (message: unknown) => {
    const { headers } = (message as { readonly request: { readonly headers: Array<string> } }).request
    if (headers.indexOf("traceparent") < headers.lastIndexOf("traceparent")) {
      for (const name in trace) headers.splice(headers.indexOf(name), 2)
    }
  }
  channel.subscribe(dropOurs)
  return () => channel.unsubscribe(dropOurs)
}

type Controller = { abort(reason: Error): void }

/** Reports what undici says of one request, until it is over. */
class UndiciHandler {
  private controller: Controller | undefined
  private reader: ReturnType<typeof bodyReader> | undefined

  constructor(private reports: Reports | undefined) {}

  /** Just before undici writes, and again where an interceptor resends. */
  onRequestStart(controller: Controller): void {
    if (this.reports === undefined) {
      controller.abort(aborted())
    } else {
      this.controller = controller
      this.reports.left("yes")
    }
  }

  onRequestUpgrade(_: unknown, _status: number, _headers: unknown, socket: Destroyable): void {
    socket.destroy()
    this.onResponseError(undefined, { code: "UND_ERR_NOT_SUPPORTED" })
  }

  onResponseStart(_: unknown, status: number, headers: Headers): void {
    // Others, such as 103, come before the answer.
    if (status < 200) return
    if (this.reports?.head(status, headers) === true) this.reader = bodyReader()
    // No body comes with a 204, whatever the headers say.
    else if (status === 204) this.end()
    else this.letGo()
  }

  onResponseData(_: unknown, chunk: Uint8Array): void {
    if (this.reader?.add(chunk) === false) {
      this.reports?.body(this.reader.end())
      this.letGo()
    }
  }

  onResponseEnd(): void {
    this.reports?.body(this.reader?.end())
    this.end()
  }

  onResponseError(_: unknown, error: unknown): void {
    if (this.reader === undefined) this.reports?.failed(error)
    else this.reports?.body(undefined)
    this.end()
  }

  /** Closes the connection. What undici still has queued is aborted as soon as it starts. */
  letGo(): void {
    const { controller } = this
    this.end()
    controller?.abort(aborted())
  }

  // undici's half would stay with ours until the collector's next full round.
  private end(): void {
    this.reports = undefined
    this.controller = undefined
  }
}

/** By its code, undici's own interceptors know that nobody wants the request any more. */
const aborted = () => Object.assign(new Error("The request was let go"), { code: "UND_ERR_ABORTED" })
