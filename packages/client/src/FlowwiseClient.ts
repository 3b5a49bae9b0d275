/** The service, its layers, and the operations on it. */
import type * as HttpClient from "@effect/platform/HttpClient"
import { customerIdProblem, Entry, invalidRequest } from "@effect-flowwise/core"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { attempt, inTime, makeClient, type Settings } from "./Attempt.js"
import { type ClientCredentials, Credentials, prepareKeys } from "./Credentials.js"
import { CustomerAlreadyAbsent, type CustomerDeleted } from "./Customer.js"
import {
  type CustomerNotFound,
  type DeleteCustomerError,
  fromFailure,
  InvalidCustomerId
} from "./DeleteCustomerError.js"
import { Environment, parseBaseUrl } from "./Environment.js"
import { checks } from "./Retry.js"
import { Transport } from "./Transport.js"

/**
 * Erases customers at one Flowwise environment with one account. On Node.js, `NodeFlowwise` has faster layers.
 * @since 0.1.0
 * @category tags
 */
export class FlowwiseClient extends Context.Tag("@effect-flowwise/client/FlowwiseClient")<
  FlowwiseClient,
  {
    /** The environment's name. */
    readonly environment: string
    /** Like the function `deleteCustomer`, in this environment and with this account. */
    readonly deleteCustomer: (customerId: string) => Effect.Effect<CustomerDeleted, DeleteCustomerError>
  }
>() {
  /** The service over any `Transport`. An invalid `timeout` makes every call fail with a `RequestFailed` that says so. */
  static readonly make = (
    options?: ClientOptions
  ): Effect.Effect<FlowwiseClient["Type"], never, Transport | Credentials | Environment> =>
    Effect.gen(function* () {
      const transport = yield* Transport
      const credentials = yield* Credentials
      const { baseUrl, name } = yield* Environment
      // A service made by hand, or JavaScript, can bring a bad base URL.
      const base = parseBaseUrl(baseUrl, true)
      const invalid = (what: string) => ({ environment: name, deleteCustomer: () => fromFailure(invalidRequest(what)) })
      if (Either.isLeft(base)) return invalid(`The base URL ${base.left}`)
      const problem = checks.client(options ?? {})
      if (problem !== undefined) return invalid(problem)
      const timeout = Duration.decode(options?.timeout ?? "30 seconds")
      const settings = { base: base.right, timeout, environment: name, credentials, keysOf: prepareKeys(), transport }
      const call = calls(settings)
      return {
        environment: name,
        deleteCustomer: (customerId: string, entry?: Entry) => {
          const problem = customerIdProblem(customerId)
          return problem === undefined
            ? call(customerId, entry)
            : new InvalidCustomerId({
                message: `${problem}. Nothing was sent`,
                customerId: typeof customerId === "string" ? customerId : "",
                rejectedBy: "client"
              })
        }
      }
    })

  /** Over any `HttpClient`. */
  static readonly layerWith = (
    options: ClientOptions
  ): Layer.Layer<FlowwiseClient, never, HttpClient.HttpClient | Credentials | Environment> =>
    // Fresh: Effect builds a layer value once for each program, so a second account would get the first one's keys.
    Layer.fresh(Layer.provide(Layer.effect(FlowwiseClient, FlowwiseClient.make(options)), Transport.layerHttpClient))

  /** Over any `HttpClient`, with the default options. */
  static readonly layer = FlowwiseClient.layerWith({})

  /** Over any `HttpClient`, with credentials and environment from `FLOWWISE_…` settings. */
  static readonly layerConfig: Layer.Layer<FlowwiseClient, ConfigError, HttpClient.HttpClient> = Layer.fresh(
    Layer.provide(FlowwiseClient.layer, [Credentials.layerConfig, Environment.layerConfig])
  )
}

/**
 * What `FlowwiseClient.make` takes.
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions {
  /** For one request, from the credentials to the end of the body. Default: 30 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** Makes the effect that deletes one customer. Its runs are attempts of one call: each knows of those before it. */
const calls = (settings: Settings) => {
  const client = makeClient(settings)
  const { renew } = settings.credentials
  return (customerId: string, given?: Entry): Effect.Effect<CustomerDeleted, DeleteCustomerError> => {
    // `ids.map(client.deleteCustomer)` passes an index.
    const entry = typeof given?.attempts === "number" ? given : new Entry()
    return renew === undefined
      ? attempt(client, customerId, entry)
      : Effect.suspend(() => {
          let pair: ClientCredentials
          const first = attempt(client, customerId, entry, (used) => (pair = used))
          // A refused pair deletes nobody, so another one can be tried.
          return Effect.catchTag(first, "Unauthorized", (error) =>
            Effect.if(inTime(client, renew(pair), error), {
              onTrue: () => attempt(client, customerId, entry),
              onFalse: () => error
            })
          )
        })
  }
}

/**
 * Deletes one customer, for good: sends one `DELETE /customer/{customer_id}` within the client's `timeout`, and succeeds only
 * if the answer is a 204. Sends a second one only after a 401, with new keys of `Credentials.layerRefreshing`. In Deno and
 * workers `fetch` may repeat it: [runtimes](https://github.com/effect-flowwise/effect-flowwise/blob/main/docs/runtimes.md).
 *
 * - `InvalidCustomerId`: 400, or an id that can't be sent; then nothing was.
 * - `Unauthorized`: 401, the credentials are not valid here.
 * - `CustomerNotFound`: 404, the vendor knows no such customer.
 * - `DeletionFailed`: 500, the vendor failed.
 * - `RateLimited`: 429, with `retryAfter` where the server gave one.
 * - `UnexpectedResponse`: any other answer, a proxy's error page for example.
 * - `RequestFailed`: no answer; with `delivered: "unknown"` the customer may have been deleted all the same.
 *
 * **Gotchas**: nothing is sent before the Effect runs. If the same value runs again, as under `Effect.retry`, it knows how
 * its earlier runs ended: a 404 after a lost answer says `afterAmbiguousAttempt: true`.
 *
 * Source: `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0; RFC 9110 §9.3.5.
 * @example
 * ```ts
 * import { deleteCustomer } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Effect.catchTag("CustomerNotFound", () => Effect.log("There was nothing to delete"))
 * )
 * ```
 * @since 0.1.0
 * @category operations
 */
export const deleteCustomer = (
  customerId: string
): Effect.Effect<CustomerDeleted, DeleteCustomerError, FlowwiseClient> => {
  // The history belongs to this value: each run may get another client, for example one built within a retry.
  const entry = new Entry()
  let last: FlowwiseClient["Type"] | undefined
  let call: Effect.Effect<CustomerDeleted, DeleteCustomerError>
  return Effect.flatMap(FlowwiseClient, (client) => {
    if (client !== last) {
      const make: (customerId: string, entry: Entry) => typeof call = client.deleteCustomer
      call = make(customerId, entry)
      last = client
    }
    return call
  })
}

/**
 * Like `deleteCustomer`, but a 404 is a success too. The receipt is `CustomerDeleted` or `CustomerAlreadyAbsent`, which says
 * `afterAmbiguousAttempt: true` if an earlier attempt may have deleted the customer.
 * @since 0.1.0
 * @category operations
 */
export const ensureCustomerDeleted = (
  customerId: string
): Effect.Effect<
  CustomerDeleted | CustomerAlreadyAbsent,
  Exclude<DeleteCustomerError, CustomerNotFound>,
  FlowwiseClient
> =>
  Effect.catchTag(deleteCustomer(customerId), "CustomerNotFound", ({ afterAmbiguousAttempt, requestId }) =>
    Effect.gen(function* () {
      const { environment } = yield* FlowwiseClient
      const observedAt = yield* DateTime.now
      return new CustomerAlreadyAbsent({ customerId, environment, requestId, afterAmbiguousAttempt, observedAt })
    })
  )
