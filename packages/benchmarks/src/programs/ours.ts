import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { account, baseUrl } from "./settings.js"

const clientSecret = Redacted.make(account.clientSecret)
const client = NodeFlowwise.layer.pipe(
  Layer.provide([Credentials.layer({ ...account, clientSecret }), Environment.layer(baseUrl)])
)

await Effect.runPromise(
  deleteCustomer("cust_1").pipe(
    Effect.tap(() => Effect.sync(() => console.log("deleted"))),
    Effect.provide(client)
  )
)
