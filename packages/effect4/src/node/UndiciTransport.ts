/** The transport directly on undici: over a pool of connections, a proxy, or the user's own dispatcher. */
import { channel } from "node:diagnostics_channel"
import * as Rules from "@effect-flowwise/core"
import type { ConfigError } from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from "undici"
import { invalid } from "../Setting.js"
import type { Transport } from "../Transport.js"

export type { AnyDispatcher } from "@effect-flowwise/core"

/**
 * How `NodeFlowwise.layerTransportWith` connects.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransportOptions extends Rules.UndiciOptions<Duration.Input> {}

/** @internal */
export const make = Effect.fnUntraced(function* (
  options: TransportOptions
): Effect.fn.Return<Transport["Service"], ConfigError, Scope.Scope> {
  const problem = Rules.undiciProblem(options, Duration.toMillis, URL.canParse)
  if (problem !== undefined) {
    return yield* Effect.fail(invalid(problem.name, problem.what))
  }
  const dispatcher = options.dispatcher === undefined ? yield* open(options) : (options.dispatcher as Dispatcher)
  const dispatch = (request: object, handler: Dispatcher.DispatchHandler) =>
    dispatcher.dispatch(request as Dispatcher.DispatchOptions, handler)
  return Rules.undiciTransport(options, dispatch, Duration.toMillis, channel("undici:request:create"))
})

const open = (options: TransportOptions): Effect.Effect<Dispatcher, ConfigError, Scope.Scope> => {
  const { connectTimeout = "10 seconds", connections = null, proxy } = options
  const timeout = Rules.undiciMillis(Duration.toMillis(connectTimeout))
  // HTTP/1.1 only: an aborted request then closes its own connection, which no other request uses.
  const direct = { connections, allowH2: false, connect: { timeout } }
  const proxied = {
    ...direct,
    proxyTls: { timeout, allowH2: false },
    requestTls: { timeout, allowH2: false },
    clientFactory: (origin: URL, pool: Pool.Options) =>
      Rules.withTunnelErrors(new Pool(origin, { ...pool, headersTimeout: timeout }), origin.host)
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
      // Without undici's message, which shows the URL with its password.
      catch: () => invalid("proxy", "can't be used: look for a typing error in the proxy's URL")
    }).pipe(
      Effect.filterOrFail(Rules.isDispatcher, () =>
        invalid("undici", "is a stub without a network, as Bun's: take FlowwiseClient.layer over FetchHttpClient")
      )
    ),
    (dispatcher) => Effect.promise(() => dispatcher.destroy())
  )
}
