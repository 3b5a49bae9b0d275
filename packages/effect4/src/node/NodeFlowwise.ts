/** Everything that `deleteCustomer` needs on Node.js, as layers. @module */
import type { ConfigError } from "effect/Config"
import * as Layer from "effect/Layer"
import { Credentials } from "../Credentials.js"
import { Environment } from "../Environment.js"
import { type ClientOptions, FlowwiseClient } from "../FlowwiseClient.js"
import { Transport } from "../Transport.js"
import * as UndiciTransport from "./UndiciTransport.js"

export type { AnyDispatcher, TransportOptions } from "./UndiciTransport.js"

/**
 * What `layerWith` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends UndiciTransport.TransportOptions, ClientOptions {}

/**
 * `layerTransport` with options.
 *
 * **Details**: an option that can't be used is a `ConfigError` when the layer is built. It names the option and never shows
 * the value, since a proxy's URL may hold a password.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransportWith = (options: UndiciTransport.TransportOptions): Layer.Layer<Transport, ConfigError> =>
  Layer.effect(Transport, UndiciTransport.make(options ?? {}))

/**
 * The client's `Transport` directly on undici. It has its own connections, which close with the layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransport: Layer.Layer<Transport> = Layer.orDie(layerTransportWith({}))

/**
 * The client, with options for itself and its transport.
 *
 * **Details**: an option that can't be used is a `ConfigError` when the layer is built, as in `layerTransportWith`.
 *
 * @example
 * ```ts
 * import { Credentials, Environment } from "@effect-flowwise/effect4"
 * import { NodeFlowwise } from "@effect-flowwise/effect4/node"
 * import * as Layer from "effect/Layer"
 *
 * const FlowwiseLive = NodeFlowwise.layerWith({ timeout: "5 seconds", proxy: "environment" }).pipe(
 *   Layer.provide([Credentials.layerConfig, Environment.layerProduction])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<FlowwiseClient, ConfigError, Credentials | Environment> =>
  Layer.fresh(
    Layer.effect(FlowwiseClient, FlowwiseClient.make(options)).pipe(Layer.provide(layerTransportWith(options)))
  )

/**
 * The client with its defaults. You provide the account and the environment.
 *
 * @example
 * ```ts
 * import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/effect4"
 * import { NodeFlowwise } from "@effect-flowwise/effect4/node"
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
export const layer: Layer.Layer<FlowwiseClient, never, Credentials | Environment> = Layer.fresh(
  Layer.effect(FlowwiseClient, FlowwiseClient.make()).pipe(Layer.provide(layerTransport))
)

/**
 * The client, with account and environment from `FLOWWISE_CLIENT_ID`, `FLOWWISE_CLIENT_SECRET`, and `FLOWWISE_BASE_URL` or
 * `FLOWWISE_ENVIRONMENT`. A missing or invalid setting is a `ConfigError` that names it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<FlowwiseClient, ConfigError> = Layer.fresh(
  layer.pipe(Layer.provide([Credentials.layerConfig, Environment.layerConfig]))
)
