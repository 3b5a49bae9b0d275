import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type { HttpClient } from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  Credentials,
  CustomerDeleted,
  DeleteCustomerError,
  Environment,
  FlowwiseClient,
  Transport
} from "@effect-flowwise/client"
import { errorOf, type StandIn, type TransportName, testConformance } from "@effect-flowwise/core/cases"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseTest } from "@effect-flowwise/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { openEmulator } from "./emulator.js"

const fromJson = Schema.decodeUnknownSync(DeleteCustomerError)
const toJson = Schema.encodeSync(Schema.Union(CustomerDeleted, DeleteCustomerError))

const callsOf = (client: FlowwiseClient["Type"]) => (customerId: string) =>
  Effect.runPromise(
    Effect.map(Effect.either(client.deleteCustomer(customerId)), (result) => toJson(Either.merge(result)))
  )

testConformance("FlowwiseTest", async (customers): Promise<StandIn> => {
  const context = await Effect.runPromise(Effect.scoped(Layer.build(FlowwiseTest.layer({ customers }))))
  const fake = Context.get(context, FlowwiseTest)
  return {
    deleteCustomer: callsOf(Context.get(context, FlowwiseClient)),
    customers: () => Effect.runPromise(fake.customers),
    requested: async () => (await Effect.runPromise(fake.requests)).map(({ customerId }) => customerId),
    create: (customerId) => Effect.runPromise(fake.create(customerId)),
    script: (misfortune, scope) =>
      (misfortune === "lostAnswer" ? fake.loseAnswer(scope) : fake.fail(fromJson(errorOf(misfortune)), scope)).pipe(
        Effect.match({ onFailure: ({ message }) => message, onSuccess: () => undefined }),
        Effect.runPromise
      ),
    close: () => Promise.resolve()
  }
})

const over = (httpClient: Layer.Layer<HttpClient>) => Layer.provide(Transport.layerHttpClient, httpClient)

const transports: Record<TransportName, Layer.Layer<Transport>> = {
  "NodeFlowwise.layerTransport": NodeFlowwise.layerTransport,
  "NodeHttpClient.layerUndici": over(NodeHttpClient.layerUndici),
  "NodeHttpClient.layer": over(NodeHttpClient.layer),
  "FetchHttpClient.layer": over(FetchHttpClient.layer)
}

for (const [name, transport] of Object.entries(transports)) {
  testConformance(`the emulator over ${name}`, async (customers): Promise<StandIn> => {
    const { baseUrl, clientId, clientSecret, world } = await openEmulator(customers)
    const client = Layer.provide(Layer.effect(FlowwiseClient, FlowwiseClient.make()), [
      transport,
      Environment.layer(baseUrl),
      Credentials.layer({ clientId, clientSecret: Redacted.make(clientSecret) })
    ])
    const runtime = ManagedRuntime.make(client)
    return {
      ...world,
      deleteCustomer: callsOf(await runtime.runPromise(FlowwiseClient)),
      close: () => runtime.dispose().then(world.close)
    }
  })
}
