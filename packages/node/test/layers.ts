import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Credentials, Environment, FlowwiseClient, Transport } from "@effect-flowwise/client"
import { clientId, secret } from "@effect-flowwise/core/cases"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Agent } from "undici"

export { secret }

const over = (httpClient: Layer.Layer<HttpClient.HttpClient>) => Layer.provide(Transport.layerHttpClient, httpClient)

/** The clients of the platform. */
export const httpClients = {
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
  "NodeHttpClient.layer": NodeHttpClient.layer,
  "FetchHttpClient.layer": FetchHttpClient.layer
}

/** Every transport that the client must behave the same on. */
export const transports = {
  "NodeFlowwise.layerTransport": NodeFlowwise.layerTransport,
  "NodeHttpClient.layerUndici": over(httpClients["NodeHttpClient.layerUndici"]),
  "NodeHttpClient.layer": over(httpClients["NodeHttpClient.layer"]),
  "FetchHttpClient.layer": over(httpClients["FetchHttpClient.layer"])
}

/** The transport over an `HttpClient` that a user has wrapped. */
export const overWrapped = (
  httpClient: Layer.Layer<HttpClient.HttpClient>,
  wrap: (client: HttpClient.HttpClient) => HttpClient.HttpClient
) => over(Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, wrap)).pipe(Layer.provide(httpClient)))

/** Those that can be told how many connections to open, told to open one. */
export const poolsOfOne = {
  "NodeFlowwise.layerTransport": Layer.orDie(NodeFlowwise.layerTransportWith({ connections: 1 })),
  "NodeHttpClient.layerUndici": over(
    NodeHttpClient.layerUndiciWithoutDispatcher.pipe(
      Layer.provide(
        Layer.scoped(
          NodeHttpClient.Dispatcher,
          Effect.acquireRelease(
            Effect.sync(() => new Agent({ connections: 1 })),
            (agent) => Effect.promise(() => agent.destroy())
          )
        )
      )
    )
  ),
  "NodeHttpClient.layer": over(
    NodeHttpClient.layerWithoutAgent.pipe(Layer.provide(NodeHttpClient.makeAgentLayer({ maxSockets: 1 })))
  )
}

/** The client at `baseUrl`, over `transport`. */
export const clientAt = (
  baseUrl: string,
  transport: Layer.Layer<Transport>,
  options?: Parameters<typeof FlowwiseClient.make>[0],
  account = { clientId, clientSecret: secret }
) =>
  Layer.effect(FlowwiseClient, FlowwiseClient.make(options)).pipe(
    Layer.provide([
      transport,
      Environment.layer(baseUrl, { name: "raw" }),
      Credentials.layer({ ...account, clientSecret: Redacted.make(account.clientSecret) })
    ])
  )
