/**
 * The client over a vendor in memory, for tests.
 *
 * @since 0.1.0
 */

import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Credentials, Environment, FlowwiseClient } from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { errors } from "./FlowwiseApi.js"
import * as Vendor from "./Vendor.js"

/**
 * A fake that is the real client over a vendor in memory: ids are encoded, answers judged and errors made by the very
 * code that runs in production. No socket, no clock but Effect's.
 *
 * @example
 * ```ts
 * import { deleteCustomer } from "@effect-flowwise/client"
 * import { FlowwiseTest } from "@effect-flowwise/testing"
 * import * as Effect from "effect/Effect"
 *
 * const test = Effect.gen(function* () {
 *   yield* deleteCustomer("cust_1")
 *   const fake = yield* FlowwiseTest
 *   return yield* fake.customers // []
 * }).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class FlowwiseTest extends Context.Tag("@effect-flowwise/testing/FlowwiseTest")<
  FlowwiseTest,
  {
    /** Who still exists. */
    readonly customers: Effect.Effect<ReadonlyArray<string>>
    /** The ids that were asked for so far, those that the client refused left out: nothing was sent for them. */
    readonly requests: Effect.Effect<ReadonlyArray<string>>
  }
>() {
  /** Fresh state for every build; the environment's name is `"test"`. */
  static readonly layer = (
    options: { readonly customers?: Iterable<string> } = {}
  ): Layer.Layer<FlowwiseClient | FlowwiseTest> =>
    Layer.unwrapEffect(
      Effect.sync(() => {
        const vendor = Vendor.make(options.customers)
        const requests: Array<string> = []
        const httpClient = HttpClient.make((request, url) => {
          const customerId = decodeURIComponent(url.pathname.slice("/customer/".length))
          const headers = { "x-request-id": `req_${requests.push(customerId)}` }
          return vendor.delete(customerId).pipe(
            Effect.match({
              onSuccess: () => new Response(null, { status: 204, headers }),
              onFailure: ({ _tag }) => Response.json(errors[_tag].example, { status: errors[_tag].status, headers })
            }),
            Effect.map((response) => HttpClientResponse.fromWeb(request, response))
          )
        })
        return Layer.merge(
          FlowwiseClient.layer.pipe(
            Layer.provide([
              Layer.succeed(HttpClient.HttpClient, httpClient),
              Layer.succeed(Environment, { name: "test", baseUrl: "https://flowwise.test" }),
              Layer.succeed(Credentials, {
                get: Effect.succeed({ clientId: "test-client-id", clientSecret: Redacted.make("test-client-secret") })
              })
            ])
          ),
          Layer.succeed(FlowwiseTest, {
            customers: vendor.customers,
            requests: Effect.sync(() => requests.slice())
          })
        )
      })
    )
}
