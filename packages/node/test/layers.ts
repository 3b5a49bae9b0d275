import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Credentials, Environment, FlowwiseClient } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** Every `HttpClient` that the client must behave the same on. */
export const httpClients = {
  "NodeFlowwise.layerHttpClient": NodeFlowwise.layerHttpClient,
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
  "NodeHttpClient.layer": NodeHttpClient.layer,
  "FetchHttpClient.layer": FetchHttpClient.layer
}

export const secret = `s3cr3t/"key\\+with=odd characters`

/** The client at `baseUrl`, over `httpClient`. */
export const clientAt = (
  baseUrl: string,
  httpClient: (typeof httpClients)[keyof typeof httpClients],
  options?: Parameters<typeof FlowwiseClient.make>[0]
) =>
  Layer.effect(FlowwiseClient, FlowwiseClient.make(options)).pipe(
    Layer.provide([
      httpClient,
      Environment.layer(baseUrl, { name: "raw" }),
      Credentials.layer({ clientId: "app_1", clientSecret: Redacted.make(secret) })
    ])
  )
