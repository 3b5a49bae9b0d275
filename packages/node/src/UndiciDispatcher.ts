/**
 * What an `HttpClient` dispatches to, from its options: a pool of connections, a proxy's, or the caller's own.
 *
 * @since 0.1.0
 */
import { type ConfigError, InvalidData } from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from "undici"

/**
 * How `NodeFlowwise.layerHttpClientWith` connects.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpClientOptions {
  /** How many connections there may be to one origin; further requests wait. No limit unless told otherwise. */
  readonly connections?: number
  /** For a connection to be made, TLS and proxy included. 10 seconds unless told otherwise. */
  readonly connectTimeout?: Duration.DurationInput
  /** From the end of the request to the headers of the response. 30 seconds unless told otherwise. */
  readonly headersTimeout?: Duration.DurationInput
  /** Between two pieces of the response's body. 30 seconds unless told otherwise. */
  readonly bodyTimeout?: Duration.DurationInput
  /**
   * Sends each request on a connection of its own, which is closed behind the answer: what a broken server or proxy
   * sends late can't be taken for the answer to the next request. Costs a handshake each time.
   */
  readonly connectionPerRequest?: boolean
  /**
   * The http(s) URL of a proxy, which may hold a user name and password. `"environment"` takes it from `HTTPS_PROXY`
   * and `HTTP_PROXY`, except for the hosts in `NO_PROXY`; without this option these are not read.
   */
  readonly proxy?: string
  /**
   * An undici dispatcher that is yours to close. It keeps its own time-outs for headers and body where none are given
   * here; `connections`, `connectTimeout` and `proxy` can't be given beside it.
   */
  readonly dispatcher?: Dispatcher
}

/**
 * A dispatcher, and what every request is dispatched to it with.
 *
 * @internal
 */
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
export const make = (options: HttpClientOptions): Effect.Effect<Route, ConfigError, Scope.Scope> =>
  Effect.gen(function* () {
    const problem = whyRefused(options)
    if (problem !== undefined) {
      return yield* Effect.fail(problem)
    }
    const unsaid = options.dispatcher === undefined ? 30_000 : null
    return {
      dispatcher: options.dispatcher ?? (yield* open(options)),
      settings: {
        headersTimeout: millis(options.headersTimeout) ?? unsaid,
        bodyTimeout: millis(options.bodyTimeout) ?? unsaid,
        reset: options.connectionPerRequest === true ? true : undefined
      }
    }
  })

const open = (options: HttpClientOptions): Effect.Effect<Dispatcher, ConfigError, Scope.Scope> => {
  const { proxy, connections = null } = options
  const timeout = millis(options.connectTimeout) ?? 10_000
  const direct = { connections, connect: { timeout } }
  const proxied = {
    ...direct,
    proxyTls: { timeout },
    requestTls: { timeout },
    // A proxy that leaves its tunnel's request unanswered would otherwise be waited for as for an answer: five minutes.
    clientFactory: (origin: URL, pool: Pool.Options) => new Pool(origin, { ...pool, headersTimeout: timeout })
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
    }),
    (dispatcher) => Effect.promise(() => dispatcher.destroy())
  )
}

/** The types refuse most of these; JavaScript does not, and which numbers make sense no type can tell. */
const whyRefused = (options: HttpClientOptions): ConfigError | undefined => {
  for (const [name, [isUsable, what]] of Object.entries(rules)) {
    const value = options[name as keyof HttpClientOptions]
    if (value !== undefined && !isUsable(value)) {
      return InvalidData([name], `must be ${what}`)
    }
  }
  const twice = (["connections", "connectTimeout", "proxy"] as const).find((name) => options[name] !== undefined)
  return options.dispatcher === undefined || twice === undefined
    ? undefined
    : InvalidData([twice], "is the dispatcher's own matter: give one or the other")
}

const isTimeout = (value: unknown) => Option.exists(Duration.decodeUnknown(value), Duration.greaterThan(Duration.zero))

const DURATION = 'a duration above 0, such as "30 seconds"'

const rules: { readonly [name in keyof HttpClientOptions]-?: readonly [(value: unknown) => boolean, string] } = {
  connections: [(value) => Number.isSafeInteger(value) && Number(value) > 0, "a whole number above 0"],
  connectTimeout: [isTimeout, DURATION],
  headersTimeout: [isTimeout, DURATION],
  bodyTimeout: [isTimeout, DURATION],
  connectionPerRequest: [Predicate.isBoolean, "true or false"],
  proxy: [
    (value) => value === "environment" || (/^https?:\/\//i.test(String(value)) && URL.canParse(String(value))),
    '"environment", or a URL such as "http://proxy.example.com:3128"'
  ],
  dispatcher: [(value) => Predicate.hasProperty(value, "dispatch"), "a dispatcher of undici"]
}

/** As undici counts: whole milliseconds, and 0 for no limit. */
const millis = (timeout: Duration.DurationInput | undefined): number | undefined => {
  const millis = timeout === undefined ? undefined : Math.ceil(Duration.toMillis(timeout))
  return millis === Number.POSITIVE_INFINITY ? 0 : millis
}
