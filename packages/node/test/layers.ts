import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Credentials, Environment, FlowwiseClient } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Agent } from "undici"

/** Whatever is put around an `HttpClient` makes it one like any other, whose requests take a fiber. */
export const wrapped = <E, R>(httpClient: Layer.Layer<HttpClient.HttpClient, E, R>) =>
  Layer.map(httpClient, (context) =>
    Context.make(HttpClient.HttpClient, HttpClient.mapRequest(Context.get(context, HttpClient.HttpClient), identity))
  )

/** Every `HttpClient` that the client must behave the same on. */
export const httpClients = {
  "NodeFlowwise.layerHttpClient": NodeFlowwise.layerHttpClient,
  "NodeFlowwise, wrapped": wrapped(NodeFlowwise.layerHttpClient),
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
  "NodeHttpClient.layer": NodeHttpClient.layer,
  "FetchHttpClient.layer": FetchHttpClient.layer
}

/** Those that can be told how many connections to open, told to open one. */
export const poolsOfOne = {
  "NodeFlowwise.layerHttpClientWith": Layer.orDie(NodeFlowwise.layerHttpClientWith({ connections: 1 })),
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndiciWithoutDispatcher.pipe(
    Layer.provide(
      Layer.scoped(
        NodeHttpClient.Dispatcher,
        Effect.acquireRelease(
          Effect.sync(() => new Agent({ connections: 1 })),
          (agent) => Effect.promise(() => agent.destroy())
        )
      )
    )
  ),
  "NodeHttpClient.layer": NodeHttpClient.layerWithoutAgent.pipe(
    Layer.provide(NodeHttpClient.makeAgentLayer({ maxSockets: 1 }))
  )
}

export const secret = `s3cr3t/"key\\+with=odd characters`

/** The client at `baseUrl`, over `httpClient`. */
export const clientAt = (
  baseUrl: string,
  httpClient: Layer.Layer<HttpClient.HttpClient>,
  options?: Parameters<typeof FlowwiseClient.make>[0]
) =>
  Layer.effect(FlowwiseClient, FlowwiseClient.make(options)).pipe(
    Layer.provide([
      httpClient,
      Environment.layer(baseUrl, { name: "raw" }),
      Credentials.layer({ clientId: "app_1", clientSecret: Redacted.make(secret) })
    ])
  )
