/** The transport directly on undici: over a pool of connections, a proxy, or the user's own dispatcher. */
import { channel } from "node:diagnostics_channel"
import type { Transport } from "@effect-flowwise/client"
import * as Rules from "@effect-flowwise/core"
import { type ConfigError, InvalidData } from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from "undici"

export type { AnyDispatcher } from "@effect-flowwise/core"

/**
 * How `NodeFlowwise.layerTransportWith` connects.
 * @since 0.1.0
 * @category models
 */
export interface TransportOptions extends Rules.UndiciOptions<Duration.DurationInput> {}

/** @internal */
export const make = (options: TransportOptions): Effect.Effect<Transport["Type"], ConfigError, Scope.Scope> => {
  const problem = Rules.undiciProblem(options, Duration.toMillis, URL.canParse)
  if (problem !== undefined) return Effect.fail(InvalidData([problem.name], problem.what))
  const dispatcher = options.dispatcher === undefined ? open(options) : Effect.succeed(options.dispatcher as Dispatcher)
  return Effect.map(dispatcher, (dispatcher) => {
    const dispatch = (request: object, handler: Dispatcher.DispatchHandler) =>
      dispatcher.dispatch(request as Dispatcher.DispatchOptions, handler)
    return Rules.undiciTransport(options, dispatch, Duration.toMillis, channel("undici:request:create"))
  })
}

const open = (options: TransportOptions): Effect.Effect<Dispatcher, ConfigError, Scope.Scope> => {
  const { connectTimeout = "10 seconds", connections = null, proxy } = options
  const timeout = Rules.undiciMillis(Duration.toMillis(connectTimeout))
  const direct = { connections, connect: { timeout } }
  const proxied = {
    ...direct,
    proxyTls: { timeout },
    requestTls: { timeout },
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
      catch: () => InvalidData(["proxy"], "can't be used: look for a typing error in the proxy's URL")
    }).pipe(
      Effect.filterOrFail(Rules.isDispatcher, () =>
        InvalidData(["undici"], "is a stub without a network, as Bun's: take FlowwiseClient.layer over FetchHttpClient")
      )
    ),
    (dispatcher) => Effect.promise(() => dispatcher.destroy())
  )
}
