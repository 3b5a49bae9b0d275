/** Everything that `deleteCustomer` needs on Node.js, as layers. @module */
import { type ClientOptions, Credentials, Environment, FlowwiseClient, Transport } from "@effect-flowwise/client"
import type { ConfigError } from "effect/ConfigError"
import * as Layer from "effect/Layer"
import * as UndiciTransport from "./UndiciTransport.js"

export type { AnyDispatcher, TransportOptions } from "./UndiciTransport.js"

/**
 * What `layerWith` takes.
 * @since 0.1.0
 * @category models
 */
export interface Options extends UndiciTransport.TransportOptions, ClientOptions {}

/**
 * `layerTransport` with options. An invalid one is a `ConfigError` that names it and never shows its value.
 * @since 0.1.0
 * @category layers
 */
export const layerTransportWith = (options: UndiciTransport.TransportOptions): Layer.Layer<Transport, ConfigError> =>
  Layer.scoped(Transport, UndiciTransport.make(options ?? {}))

/**
 * The client's `Transport` directly on undici. It has its own connections, which close with the layer.
 * @since 0.1.0
 * @category layers
 */
export const layerTransport: Layer.Layer<Transport> = Layer.orDie(layerTransportWith({}))

/**
 * The client, with options for itself and its transport. An invalid one is a `ConfigError` that names it.
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<FlowwiseClient, ConfigError, Credentials | Environment> =>
  Layer.fresh(Layer.provide(Layer.effect(FlowwiseClient, FlowwiseClient.make(options)), layerTransportWith(options)))

/**
 * The client with its defaults. You provide the account and the environment.
 * @example
 * ```ts
 * import { Credentials, Environment } from "@effect-flowwise/client"
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import * as Layer from "effect/Layer"
 *
 * const client = Layer.provide(NodeFlowwise.layer, [Credentials.layerConfig, Environment.layerSandbox])
 * ```
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<FlowwiseClient, never, Credentials | Environment> = Layer.fresh(
  Layer.provide(Layer.effect(FlowwiseClient, FlowwiseClient.make()), layerTransport)
)

/**
 * The client from `FLOWWISE_CLIENT_ID`, `FLOWWISE_CLIENT_SECRET`, and `FLOWWISE_BASE_URL` or `FLOWWISE_ENVIRONMENT`.
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<FlowwiseClient, ConfigError> = Layer.fresh(
  Layer.provide(layer, [Credentials.layerConfig, Environment.layerConfig])
)
