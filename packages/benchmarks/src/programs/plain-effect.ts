// What one would write without this client.
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { baseUrl, keys } from "./settings.js"

class DeletionFailed extends Schema.TaggedError<DeletionFailed>()("DeletionFailed", { status: Schema.Int }) {}

const deleteCustomer = (customerId: string) =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const url = `${baseUrl}/customer/${encodeURIComponent(customerId)}`
    const { status } = yield* client.execute(HttpClientRequest.del(url, { headers: keys }))
    if (status !== 204) return yield* new DeletionFailed({ status })
  })

await Effect.runPromise(
  deleteCustomer("cust_1").pipe(
    Effect.tap(() => Effect.sync(() => console.log("deleted"))),
    Effect.provide(NodeHttpClient.layerUndici)
  )
)
