import { CustomerDeleted, DeleteCustomerError, FlowwiseClient } from "@effect-flowwise/client"
import { errorOf, type StandIn, testConformance, transportNames } from "@effect-flowwise/core/cases"
import { FlowwiseTest } from "@effect-flowwise/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import { clientAt, transports } from "../../node/test/layers.js"
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

for (const name of transportNames) {
  testConformance(`the emulator over ${name}`, async (customers): Promise<StandIn> => {
    const { baseUrl, clientId, clientSecret, world } = await openEmulator(customers)
    const runtime = ManagedRuntime.make(clientAt(baseUrl, transports[name], {}, { clientId, clientSecret }))
    return {
      ...world,
      deleteCustomer: callsOf(await runtime.runPromise(FlowwiseClient)),
      close: () => runtime.dispose().then(world.close)
    }
  })
}
