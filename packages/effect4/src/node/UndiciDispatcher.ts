/** What requests are dispatched to: a pool of connections, a proxy's, or the user's own dispatcher. */
import type { ConfigError } from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from "undici"
import { invalid } from "../Setting.js"

/**
 * How `NodeFlowwise.layerTransportWith` connects.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransportOptions {
  /** The most connections to the server; further requests wait. Default: no limit. */
  readonly connections?: number | undefined
  /** For a connection to be made, TLS and proxy included. Default: 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** From the end of the request to the headers of the response. Default: 30 seconds. */
  readonly headersTimeout?: Duration.Input | undefined
  /** Between two pieces of the response's body. Default: 30 seconds. */
  readonly bodyTimeout?: Duration.Input | undefined
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

/**
 * What is used of an undici dispatcher. A library that spreads these options needs no types of undici.
 *
 * @since 0.1.0
 * @category models
 */
export interface AnyDispatcher {
  dispatch(options: never, handler: never): boolean
}

/** A dispatcher, and the settings of every request. @internal */
export interface Route {
  readonly dispatcher: Dispatcher
  readonly settings: {
    /** In milliseconds: 0 for no limit, null for the dispatcher's own. */
    readonly headersTimeout: number | null
    readonly bodyTimeout: number | null
    /** Never false, which would keep alive even what undici closes of itself. */
    readonly reset: true | undefined
  }
}

/** @internal */
export const make = (options: TransportOptions): Effect.Effect<Route, ConfigError, Scope.Scope> =>
  Effect.gen(function* () {
    const problem = problemWith(options)
    if (problem !== undefined) {
      return yield* Effect.fail(problem)
    }
    const unsaid = options.dispatcher === undefined ? 30_000 : null
    return {
      dispatcher: options.dispatcher === undefined ? yield* open(options) : (options.dispatcher as Dispatcher),
      settings: {
        headersTimeout: millis(options.headersTimeout) ?? unsaid,
        bodyTimeout: millis(options.bodyTimeout) ?? unsaid,
        reset: options.connectionPerRequest === true ? true : undefined
      }
    }
  })

const open = (options: TransportOptions): Effect.Effect<Dispatcher, ConfigError, Scope.Scope> => {
  const { proxy, connections = null } = options
  const timeout = millis(options.connectTimeout) ?? 10_000
  // HTTP/1.1 alone: an aborted request then closes its connection, and nobody else's.
  const direct = { connections, allowH2: false, connect: { timeout } }
  const proxied = {
    ...direct,
    proxyTls: { timeout, allowH2: false },
    requestTls: { timeout, allowH2: false },
    clientFactory: (origin: URL, pool: Pool.Options) => new ProxyPool(origin, { ...pool, headersTimeout: timeout })
  }
  return Effect.acquireRelease(
    Effect.try({
      try: () => {
        switch (proxy) {
          case undefined:
            return new Agent(direct)
          case "environment":
            return new EnvHttpProxyAgent(proxied)
          default:
            return new ProxyAgent({ ...proxied, uri: proxy })
        }
      },
      // Without undici's words, which show the URL with its password.
      catch: () => invalid("proxy", "can't be used: look for a typing error in the proxy's URL")
    }).pipe(
      Effect.filterOrFail(canDispatch, () =>
        invalid("undici", "is a stub without a network, as Bun has it: use FlowwiseClient.layer over FetchHttpClient")
      )
    ),
    (dispatcher) => Effect.promise(() => dispatcher.destroy())
  )
}

/**
 * The connections to a proxy. undici tries again for ever where a tunnel fails with an error of a socket (`UND_ERR_SOCKET`),
 * so that any failure gets an error of its own here.
 */
class ProxyPool extends Pool {
  private readonly proxy: string

  constructor(origin: URL, options: Pool.Options) {
    super(origin, options)
    this.proxy = origin.host
  }

  // Of its overloads, `ProxyAgent` calls the one with a promise.
  override async connect(options: unknown): Promise<never> {
    const answer = await super.connect(options as Dispatcher.ConnectOptions).catch((cause: unknown) => {
      throw new TunnelFailed(this.proxy, undefined, Predicate.hasProperty(cause, "code") ? String(cause.code) : "")
    })
    if (answer.statusCode !== 200) {
      answer.socket.on("error", () => {}).destroy()
      throw new TunnelFailed(this.proxy, answer.statusCode, "")
    }
    return answer as never
  }
}

class TunnelFailed extends Error {
  readonly code: string

  constructor(
    readonly proxy: string,
    readonly status: number | undefined,
    code: string
  ) {
    super("The proxy opened no tunnel")
    this.code = code.startsWith("UND_ERR_") || code === "" ? "ERR_PROXY_TUNNEL" : code
  }
}

/** The types exclude most of these; JavaScript does not, and which numbers make sense no type can tell. */
const problemWith = (options: TransportOptions): ConfigError | undefined => {
  for (const [name, [isUsable, what]] of Object.entries(rules)) {
    const value = options[name as keyof TransportOptions]
    if (value !== undefined && !isUsable(value)) {
      return invalid(name, `must be ${what}`)
    }
  }
  const twice = (["connections", "connectTimeout", "proxy"] as const).find((name) => options[name] !== undefined)
  return options.dispatcher === undefined || twice === undefined
    ? undefined
    : invalid(twice, "is the dispatcher's own matter: give one or the other")
}

const canDispatch = (value: unknown): boolean =>
  Predicate.hasProperty(value, "dispatch") && typeof value.dispatch === "function"

// undici has had no such property since version 7, and no such class for what is composed.
const isOutdated = (dispatcher: object): boolean =>
  "interceptors" in dispatcher ||
  (dispatcher as Partial<Dispatcher>).compose?.()?.constructor.name === "ComposedDispatcher"

const isTimeout = (value: unknown) => Option.exists(Duration.fromInput(value as Duration.Input), Duration.isPositive)

const DURATION = 'a duration above 0, such as "30 seconds"'

const rules: { readonly [name in keyof TransportOptions]-?: readonly [(value: unknown) => boolean, string] } = {
  connections: [(value) => Number.isSafeInteger(value) && Number(value) > 0, "a whole number above 0"],
  connectTimeout: [isTimeout, DURATION],
  headersTimeout: [isTimeout, DURATION],
  bodyTimeout: [isTimeout, DURATION],
  connectionPerRequest: [Predicate.isBoolean, "true or false"],
  proxy: [
    (value) => value === "environment" || (/^https?:\/\//i.test(String(value)) && URL.canParse(String(value))),
    '"environment", or a URL such as "http://proxy.example.com:3128"'
  ],
  dispatcher: [
    (value) => canDispatch(value) && !isOutdated(value as object),
    "a dispatcher of undici 7.28 or later, and neither that of an older undici nor of Node.js itself"
  ]
}

/** As undici counts: whole milliseconds, and 0 for no limit. */
const millis = (timeout: Duration.Input | undefined): number | undefined => {
  const millis = timeout === undefined ? undefined : Math.ceil(Duration.toMillis(timeout))
  return millis === Number.POSITIVE_INFINITY ? 0 : millis
}
