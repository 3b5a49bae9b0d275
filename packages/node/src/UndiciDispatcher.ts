/** What requests are dispatched to: a pool of connections, a proxy's, or the user's own dispatcher. */
import { type ConfigError, InvalidData } from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from "undici"

/**
 * How `NodeFlowwise.layerTransportWith` connects.
 * @since 0.1.0
 * @category models
 */
export interface TransportOptions {
  /** The most connections to the server; further requests wait. Default: no limit. */
  readonly connections?: number | undefined
  /** For a connection to be made, TLS and proxy included. Default: 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** From the end of the request to the headers of the response. Default: 30 seconds. */
  readonly headersTimeout?: Duration.DurationInput | undefined
  /** Between two pieces of the response's body. Default: 30 seconds. */
  readonly bodyTimeout?: Duration.DurationInput | undefined
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
 * @since 0.1.0
 * @category models
 */
export interface AnyDispatcher {
  dispatch(options: never, handler: never): boolean
}

/** A dispatcher, and the settings of every request. @internal */
export type Route = Effect.Effect.Success<ReturnType<typeof make>>

/** @internal */
export const make = (options: TransportOptions) =>
  Effect.gen(function* () {
    const problem = problemWith(options)
    if (problem !== undefined) {
      return yield* Effect.fail(problem)
    }
    // In milliseconds: 0 for no limit, null for the dispatcher's own.
    const unsaid = options.dispatcher === undefined ? 30_000 : null
    return {
      dispatcher: options.dispatcher === undefined ? yield* open(options) : (options.dispatcher as Dispatcher),
      headersTimeout: millis(options.headersTimeout) ?? unsaid,
      bodyTimeout: millis(options.bodyTimeout) ?? unsaid,
      // `undefined`, not false: false overrides undici's own decision to close.
      reset: options.connectionPerRequest === true ? true : undefined
    }
  })

const open = (options: TransportOptions): Effect.Effect<Dispatcher, ConfigError, Scope.Scope> => {
  const { proxy, connections = null } = options
  const timeout = millis(options.connectTimeout) ?? 10_000
  const direct = { connections, connect: { timeout } }
  const proxied = {
    ...direct,
    proxyTls: { timeout },
    requestTls: { timeout },
    clientFactory: (origin: URL, pool: Pool.Options) => proxyPool(origin, { ...pool, headersTimeout: timeout })
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
      catch: () => InvalidData(["proxy"], "can't be used: look for a typing error in the proxy's URL")
    }).pipe(
      Effect.filterOrFail(canDispatch, () =>
        InvalidData(["undici"], "is a stub without a network, as Bun's: take FlowwiseClient.layer over FetchHttpClient")
      )
    ),
    (dispatcher) => Effect.promise(() => dispatcher.destroy())
  )
}

/** The connections to a proxy. undici tries for ever where a tunnel fails with `UND_ERR_SOCKET`, so it gets another error. */
const proxyPool = (origin: URL, options: Pool.Options): Pool => {
  const pool = new Pool(origin, options)
  const connect = pool.connect.bind(pool) as (options: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData>
  const failed = (status: number | undefined, code = "") =>
    Object.assign(new Error("The proxy opened no tunnel"), {
      code: code === "" || code.startsWith("UND_ERR_") ? "ERR_PROXY_TUNNEL" : code,
      proxy: origin.host,
      status
    })
  const tunnel = async (options: Dispatcher.ConnectOptions) => {
    const answer = await connect(options).catch((error) => Promise.reject(failed(undefined, error?.code)))
    if (answer.statusCode !== 200) {
      answer.socket.on("error", () => {}).destroy()
      throw failed(answer.statusCode)
    }
    return answer
  }
  return Object.assign(pool, { connect: tunnel })
}

/** Types can't check ranges, and JavaScript has none. */
const problemWith = (options: TransportOptions & { readonly timeout?: unknown }): ConfigError | undefined => {
  for (const [name, [isUsable, what]] of Object.entries(rules)) {
    const value = options[name as keyof typeof rules]
    if (value !== undefined && !isUsable(value)) {
      return InvalidData([name], `must be ${what}`)
    }
  }
  const twice = (["connections", "connectTimeout", "proxy"] as const).find((name) => options[name] !== undefined)
  return options.dispatcher === undefined || twice === undefined
    ? undefined
    : InvalidData([twice], "can't be combined with dispatcher: set it there")
}

const canDispatch = (value: unknown): boolean =>
  Predicate.hasProperty(value, "dispatch") && typeof value.dispatch === "function"

// undici has had no such property since version 7, and no such class for what is composed.
const isOutdated = (dispatcher: object): boolean =>
  "interceptors" in dispatcher ||
  (dispatcher as Partial<Dispatcher>).compose?.()?.constructor.name === "ComposedDispatcher"

const isTimeout = (value: unknown) => Option.exists(Duration.decodeUnknown(value), Duration.greaterThan(Duration.zero))

const DURATION = 'a duration above 0, such as "30 seconds"'

type Rule = readonly [(value: unknown) => boolean, string]

const rules: { readonly [name in keyof TransportOptions | "timeout"]-?: Rule } = {
  // The client's own, where both are given together.
  timeout: [isTimeout, DURATION],
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
const millis = (timeout: Duration.DurationInput | undefined): number | undefined => {
  const millis = timeout === undefined ? undefined : Math.ceil(Duration.toMillis(timeout))
  return millis === Number.POSITIVE_INFINITY ? 0 : millis
}
