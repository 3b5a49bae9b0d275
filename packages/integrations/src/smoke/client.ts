import {
  Credentials,
  CustomerDeleted,
  DeleteCustomerError,
  deleteCustomer,
  Environment,
  type FlowwiseClient
} from "@effect-flowwise/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { account, type MakeClient } from "./smoke.js"

const toJson = Schema.encodeSync(Schema.Union(CustomerDeleted, DeleteCustomerError))
const credentials = Credentials.layer({ ...account, clientSecret: Redacted.make(account.clientSecret) })

export const clientOver =
  (
    layerWith: (options: { timeout: number }) => Layer.Layer<FlowwiseClient, unknown, Credentials | Environment>
  ): MakeClient =>
  (baseUrl, timeout) => {
    const runtime = ManagedRuntime.make(
      layerWith({ timeout }).pipe(Layer.provide([credentials, Environment.layer(baseUrl, { name: "emulator" })]))
    )
    return {
      delete: (customerId, signal) =>
        runtime.runPromise(
          Effect.match(deleteCustomer(customerId), { onFailure: toJson, onSuccess: toJson }),
          signal && { signal }
        ),
      close: () => runtime.dispose()
    }
  }
