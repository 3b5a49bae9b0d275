import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, it } from "@effect/vitest"
import { Credentials, Environment, FlowwiseClient } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as RawServer from "./RawServer.js"
import { http } from "./RawServer.js"

class One extends Context.Tag("One")<One, FlowwiseClient["Type"]>() {}
class Two extends Context.Tag("Two")<Two, FlowwiseClient["Type"]>() {}

const overFetch = FlowwiseClient.layerWith({ timeout: "5 seconds" })
const onNode = NodeFlowwise.layerWith({ timeout: "5 seconds" })

const account = (clientId: string, baseUrl: string) =>
  Layer.orDie(
    Layer.merge(
      Credentials.layer({ clientId, clientSecret: Redacted.make("secret") }),
      Environment.layer(baseUrl, { name: clientId })
    )
  )

const settings = (clientId: string, baseUrl: string) =>
  Layer.setConfigProvider(
    ConfigProvider.fromMap(
      new Map([
        ["FLOWWISE_CLIENT_ID", clientId],
        ["FLOWWISE_CLIENT_SECRET", "secret"],
        ["FLOWWISE_BASE_URL", baseUrl]
      ])
    )
  )

/** One value each, as a program has it, used for both accounts. */
const ways: Record<string, (clientId: string, baseUrl: string) => Layer.Layer<FlowwiseClient>> = {
  "FlowwiseClient.layer": (id, url) =>
    FlowwiseClient.layer.pipe(Layer.provide([account(id, url), FetchHttpClient.layer])),
  "FlowwiseClient.layerWith": (id, url) => overFetch.pipe(Layer.provide([account(id, url), FetchHttpClient.layer])),
  "FlowwiseClient.layerConfig": (id, url) =>
    Layer.orDie(FlowwiseClient.layerConfig).pipe(Layer.provide([settings(id, url), FetchHttpClient.layer])),
  "NodeFlowwise.layer": (id, url) => NodeFlowwise.layer.pipe(Layer.provide(account(id, url))),
  "NodeFlowwise.layerWith": (id, url) => Layer.orDie(onNode).pipe(Layer.provide(account(id, url))),
  "NodeFlowwise.layerConfig": (id, url) => Layer.orDie(NodeFlowwise.layerConfig).pipe(Layer.provide(settings(id, url)))
}

it.scoped.each(Object.entries(ways))("two accounts in one graph of layers send their own keys: %s", ([, client]) =>
  Effect.gen(function* () {
    const server = yield* RawServer.make(() => http(204))
    const both = Layer.merge(
      Layer.provide(Layer.effect(One, FlowwiseClient), client("one", server.baseUrl)),
      Layer.provide(Layer.effect(Two, FlowwiseClient), client("two", server.baseUrl))
    )
    yield* Effect.gen(function* () {
      for (const service of [yield* One, yield* Two, yield* One]) yield* service.deleteCustomer("cust_1")
    }).pipe(Effect.provide(both))
    const ids = (yield* server.heads).map((head) => /x-client-id: (\S+)/i.exec(head)?.[1])
    assert.deepStrictEqual(ids, ["one", "two", "one"])
  })
)
