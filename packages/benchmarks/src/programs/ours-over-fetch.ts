import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { Credentials, deleteCustomer, Environment, FlowwiseClient } from "@effect-flowwise/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { account, baseUrl } from "./settings.js"

const clientSecret = Redacted.make(account.clientSecret)
const client = FlowwiseClient.layer.pipe(
  Layer.provide([FetchHttpClient.layer, Credentials.layer({ ...account, clientSecret }), Environment.layer(baseUrl)])
)

await Effect.runPromise(
  deleteCustomer("cust_1").pipe(
    Effect.tap(() => Effect.sync(() => console.log("deleted"))),
    Effect.provide(client)
  )
)
