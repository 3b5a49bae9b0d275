/** The service, its layers, and the operations on it. */
import { customerIdProblem, Entry, invalidRequest } from "@effect-flowwise/core"
import type { ConfigError } from "effect/Config"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { attempt, type Client } from "./Attempt.js"
import { type ClientCredentials, Credentials, prepareKeys } from "./Credentials.js"
import { CustomerAlreadyAbsent, type CustomerDeleted } from "./Customer.js"
import * as Deadline from "./Deadline.js"
import {
  type CustomerNotFound,
  type DeleteCustomerError,
  fromFailure,
  InvalidCustomerId
} from "./DeleteCustomerError.js"
import { Environment, parseBaseUrl, withoutTrailingSlash } from "./Environment.js"
import { checks } from "./Retry.js"
import * as Telemetry from "./Telemetry.js"
import { Transport } from "./Transport.js"

/**
 * Erases customers at one Flowwise environment with one account.
 *
 * **When to use**: provide one of its layers, and call `deleteCustomer`. On Node.js, `NodeFlowwise` of
 * `@effect-flowwise/effect4/node` has faster ones.
 *
 * **Details**: the client sends a request once, and it ends within `timeout` (default: 30 seconds), body included. For several
 * accounts in one process, provide several layers: those of this package are built anew for each account.
 *
 * **Gotchas**: Effect 4 builds a layer value of your own once for all of a program. If it is composed of these and serves
 * several accounts, wrap it in `Layer.fresh`. The `fetch` of Deno and workerd may repeat a request:
 * [runtimes](https://github.com/effect-flowwise/effect-flowwise/blob/main/docs/runtimes.md).
 *
 * @example
 * ```ts
 * import { deleteCustomer, FlowwiseClient } from "@effect-flowwise/effect4"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Effect.provide(FlowwiseClient.layerConfig.pipe(Layer.provide(FetchHttpClient.layer)))
 * )
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class FlowwiseClient extends Context.Service<
  FlowwiseClient,
  {
    /** The environment's name. */
    readonly environment: string
    /** Like the function `deleteCustomer`, in this environment and with this account. */
    readonly deleteCustomer: (customerId: string) => Effect.Effect<CustomerDeleted, DeleteCustomerError>
  }
>()("@effect-flowwise/effect4/FlowwiseClient") {
  /**
   * The service over any `Transport`. With an invalid setting, such as `timeout: 0`, every call fails with a `RequestFailed` of
   * reason `"InvalidRequest"` that names it.
   */
  static readonly make = (
    options?: ClientOptions
  ): Effect.Effect<FlowwiseClient["Service"], never, Transport | Credentials | Environment> =>
    Effect.gen(function* () {
      const transport = yield* Transport
      const credentials = yield* Credentials
      const { baseUrl, name } = yield* Environment
      // A service made by hand, or JavaScript, can bring bad ones.
      const parsed = parseBaseUrl(baseUrl, true)
      const invalid = (what: string) => ({
        environment: name,
        deleteCustomer: () => Effect.fail(fromFailure(invalidRequest(what)))
      })
      if (Result.isFailure(parsed)) return invalid(`The base URL ${parsed.failure}`)
      const problem = checks.client(options ?? {})
      if (problem !== undefined) return invalid(problem)
      const base = parsed.success
      const call = calls({
        environment: name,
        host: base.host,
        origin: base.origin,
        basePath: withoutTrailingSlash(base).slice(base.origin.length),
        timeout: Duration.fromInputUnsafe(options?.timeout ?? "30 seconds"),
        credentials,
        keysOf: prepareKeys(),
        transport,
        telemetry: Telemetry.make(base)
      })
      return {
        environment: name,
        deleteCustomer: (customerId: string, entry?: Entry) => {
          const problem = customerIdProblem(customerId)
          return problem === undefined ? call(customerId, entry) : Effect.fail(invalidId(customerId, problem))
        }
      }
    })

  /** Over any `HttpClient`. */
  static readonly layerWith = (
    options: ClientOptions
  ): Layer.Layer<FlowwiseClient, never, HttpClient.HttpClient | Credentials | Environment> =>
    Layer.fresh(
      Layer.effect(FlowwiseClient, FlowwiseClient.make(options)).pipe(Layer.provide(Transport.layerHttpClient))
    )

  /** Over any `HttpClient`, with the default options. */
  static readonly layer: Layer.Layer<FlowwiseClient, never, HttpClient.HttpClient | Credentials | Environment> =
    FlowwiseClient.layerWith({})

  /** Over any `HttpClient`, with credentials and environment from `FLOWWISE_…` settings. */
  static readonly layerConfig: Layer.Layer<FlowwiseClient, ConfigError, HttpClient.HttpClient> = Layer.fresh(
    FlowwiseClient.layer.pipe(Layer.provide([Credentials.layerConfig, Environment.layerConfig]))
  )
}

/**
 * What `FlowwiseClient.make` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions {
  /** For one request, from the credentials to the end of the body. Default: 30 seconds. */
  readonly timeout?: Duration.Input | undefined
}

const invalidId = (customerId: unknown, problem: string) =>
  new InvalidCustomerId({
    message: `${problem}. Nothing was sent`,
    customerId: typeof customerId === "string" ? customerId : "",
    rejectedBy: "client"
  })

/** Makes the effect that deletes one customer. Its runs are attempts of one call: each knows of those before it. */
const calls =
  (client: Client) =>
  (customerId: string, given?: Entry): Effect.Effect<CustomerDeleted, DeleteCustomerError> => {
    // `ids.map(client.deleteCustomer)` passes an index.
    const entry = typeof given?.attempts === "number" ? given : new Entry()
    const { renew } = client.credentials
    return renew === undefined
      ? attempt(client, customerId, entry)
      : Effect.suspend(() => {
          let refused: ClientCredentials
          return Effect.catchTag(
            attempt(client, customerId, entry, (pair) => {
              refused = pair
            }),
            "Unauthorized",
            (error) =>
              // The refused pair deleted nobody, so another one can be tried.
              Effect.flatMap(renewed(client, renew(refused), error), (another) =>
                another ? attempt(client, customerId, entry) : Effect.fail(error)
              )
          )
        })
  }

const renewed = (client: Client, renew: Effect.Effect<boolean>, error: DeleteCustomerError) =>
  Effect.withFiber<boolean, DeleteCustomerError>((fiber) =>
    Deadline.inTime(Deadline.begin(fiber, client.timeout), fiber, renew, () => error)
  )

/**
 * Deletes one customer, for good.
 *
 * **When to use**: a person asks to be forgotten, and it matters whether this call deleted them. If it only matters
 * that they are gone, use `ensureCustomerDeleted`.
 *
 * **Details**: sends one `DELETE /customer/{customer_id}` within the client's `timeout`, and succeeds only if the answer is a
 * 204. Sends a second one only after a 401, with new keys of `Credentials.layerRefreshing`.
 *
 * - `InvalidCustomerId`: 400, or an id that can't be sent; then nothing was.
 * - `Unauthorized`: 401, the credentials are not valid here.
 * - `CustomerNotFound`: 404, the vendor knows no such customer.
 * - `DeletionFailed`: 500, the vendor failed.
 * - `RateLimited`: 429, with `retryAfter` where the server gave one.
 * - `UnexpectedResponse`: any other answer, a proxy's error page for example.
 * - `RequestFailed`: no answer; with `delivered: "unknown"` the customer may have been deleted all the same.
 *
 * **Gotchas**: if the same value runs again, as under `Effect.retry`, it knows how its earlier runs ended: a 404 after a lost
 * answer says `afterAmbiguousAttempt: true`. A new `deleteCustomer(id)` knows nothing of an earlier one.
 *
 * Source: `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0; RFC 9110 §9.3.5.
 *
 * @example
 * ```ts
 * import { deleteCustomer } from "@effect-flowwise/effect4"
 * import * as Effect from "effect/Effect"
 *
 * const forget = (customerId: string) =>
 *   deleteCustomer(customerId).pipe(
 *     Effect.tap((deleted) => Effect.log(`Deleted in ${deleted.environment}`)),
 *     Effect.catchTag("CustomerNotFound", () => Effect.log("There was nothing to delete"))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const deleteCustomer = (
  customerId: string
): Effect.Effect<CustomerDeleted, DeleteCustomerError, FlowwiseClient> => {
  // The history belongs to this value: each run may get another client, for example one built within a retry.
  const entry = new Entry()
  let last: FlowwiseClient["Service"] | undefined
  let call: Effect.Effect<CustomerDeleted, DeleteCustomerError>
  return FlowwiseClient.use((client) => {
    if (client !== last) {
      const make: (customerId: string, entry: Entry) => typeof call = client.deleteCustomer
      call = make(customerId, entry)
      last = client
    }
    return call
  })
}

/**
 * Like `deleteCustomer`, but a 404 is a success too.
 *
 * **When to use**: in an erasure workflow, which may run more than once for one person.
 *
 * **Details**: the receipt is `CustomerDeleted` or `CustomerAlreadyAbsent`, which says `afterAmbiguousAttempt: true` if an
 * earlier attempt may have deleted the customer. It never retries either.
 *
 * @example
 * ```ts
 * import { ensureCustomerDeleted, Retry } from "@effect-flowwise/effect4"
 * import * as Effect from "effect/Effect"
 *
 * const forget = (customerId: string) =>
 *   ensureCustomerDeleted(customerId).pipe(
 *     Retry.transient(),
 *     Effect.tap((receipt) => Effect.log(`${receipt._tag} in ${receipt.environment}`))
 *   )
 * ```
 *
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
  Effect.catchTag(
    deleteCustomer(customerId),
    "CustomerNotFound",
    Effect.fnUntraced(function* ({ afterAmbiguousAttempt, requestId }) {
      const { environment } = yield* FlowwiseClient
      const observedAt = yield* DateTime.now
      return new CustomerAlreadyAbsent({ customerId, environment, requestId, afterAmbiguousAttempt, observedAt })
    })
  )
