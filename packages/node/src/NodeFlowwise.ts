/**
 * Everything that `deleteCustomer` needs on Node.js, as layers.
 *
 * @since 0.1.0
 */

import * as HttpClient from "@effect/platform/HttpClient"
import { type Credentials, type Environment, FlowwiseClient } from "@effect-flowwise/client"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { HttpClientOptions } from "./UndiciDispatcher.js"
import * as UndiciDispatcher from "./UndiciDispatcher.js"
import * as UndiciHttpClient from "./UndiciHttpClient.js"

export type { HttpClientOptions }

/**
 * `layerHttpClient` with a pool, time-outs, a proxy or a dispatcher of your own.
 *
 * An option that can't be used is a `ConfigError` when the layer is built, since it mostly comes from a setting. It
 * names the option and never shows the value, since a proxy's URL may hold a password.
 *
 * @example
 * ```ts
 * import { FlowwiseClient } from "@effect-flowwise/client"
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import * as Layer from "effect/Layer"
 *
 * const FlowwiseLive = FlowwiseClient.layerConfig.pipe(
 *   Layer.provide(NodeFlowwise.layerHttpClientWith({ connections: 16, proxy: "environment" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClientWith = (options: HttpClientOptions): Layer.Layer<HttpClient.HttpClient, ConfigError> =>
  Layer.scoped(HttpClient.HttpClient, Effect.flatMap(UndiciDispatcher.make(options), UndiciHttpClient.make))

/**
 * A platform `HttpClient` over a connection pool of its own, for any request. Closing the layer closes its connections.
 *
 * Time-outs: 10 seconds to connect, 30 for the headers, 30 between two pieces of a body.
 *
 * @example
 * ```ts
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import * as HttpClient from "@effect/platform/HttpClient"
 * import * as Effect from "effect/Effect"
 *
 * const status = HttpClient.get("https://example.com").pipe(
 *   Effect.map((response) => response.status),
 *   Effect.provide(NodeFlowwise.layerHttpClient)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient> = Layer.orDie(layerHttpClientWith({}))

/**
 * The client over `layerHttpClient`; which account and which environment is yours to provide.
 *
 * @example
 * ```ts
 * import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Effect.provide(NodeFlowwise.layer.pipe(Layer.provide([Credentials.layerConfig, Environment.layerSandbox])))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<FlowwiseClient, never, Credentials | Environment> = Layer.provide(
  FlowwiseClient.layer,
  layerHttpClient
)

/**
 * The client over `layerHttpClient`, with account and environment from `FLOWWISE_CLIENT_ID`, `FLOWWISE_CLIENT_SECRET`,
 * and `FLOWWISE_BASE_URL` or `FLOWWISE_ENVIRONMENT`. A missing or unusable setting is a `ConfigError` that names it.
 *
 * @example
 * ```ts
 * import { deleteCustomer } from "@effect-flowwise/client"
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import * as Effect from "effect/Effect"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(Effect.provide(NodeFlowwise.layerConfig))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<FlowwiseClient, ConfigError> = Layer.provide(
  FlowwiseClient.layerConfig,
  layerHttpClient
)
