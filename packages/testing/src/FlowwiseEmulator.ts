/**
 * The vendor's API over real HTTP, on this machine.
 *
 * @since 0.1.0
 */

import { createHash, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import type { ServeError } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Credentials, Environment } from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ApiCredentials, errors, FlowwiseApi } from "./FlowwiseApi.js"
import * as Vendor from "./Vendor.js"

const LOOPBACK = "127.0.0.1"

/**
 * One request as the emulator received it. Headers are left out: they hold the secret.
 *
 * @since 0.1.0
 * @category models
 */
export interface EmulatedRequest {
  readonly method: string
  /** The request target, byte for byte as it was sent. */
  readonly target: string
  readonly status: number
  /** The answer's `x-request-id`. */
  readonly requestId: string
}

/**
 * An answer in place of the emulator's own.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScriptedResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text as it is, anything else as JSON; no body unless told otherwise. */
  readonly body?: unknown
}

/**
 * @since 0.1.0
 * @category models
 */
export interface EmulatorOptions {
  /** Who exists; nobody unless told otherwise. */
  readonly customers?: Iterable<string>
  readonly clientId?: string
  readonly clientSecret?: string
  /** A free one unless told otherwise. */
  readonly port?: number
}

/**
 * The vendor's API over real HTTP, on loopback only.
 *
 * It answers 401 to other credentials than its own, 204 to the delete of a known customer, who is then gone, 400 to an
 * unknown id with a control character in it, and 404 to every other.
 *
 * @example
 * ```ts
 * import { deleteCustomer } from "@effect-flowwise/client"
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import { FlowwiseEmulator } from "@effect-flowwise/testing"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const program = deleteCustomer("cust_1").pipe(
 *   Effect.provide(NodeFlowwise.layer),
 *   Effect.provide([FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment]),
 *   Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class FlowwiseEmulator extends Context.Tag("@effect-flowwise/testing/FlowwiseEmulator")<
  FlowwiseEmulator,
  {
    /** `http://127.0.0.1:…`, without a trailing slash. */
    readonly baseUrl: string
    readonly clientId: string
    readonly clientSecret: Redacted.Redacted
    /** Who still exists. */
    readonly customers: Effect.Effect<ReadonlyArray<string>>
    /** Every request so far, in the order of the answers. */
    readonly requests: Effect.Effect<ReadonlyArray<EmulatedRequest>>
    /** From now on gives this answer, to this customer or to all, so many times or always. Nothing is deleted by it. */
    readonly respondWith: (
      response: ScriptedResponse,
      options?: { readonly customerId?: string; readonly times?: number }
    ) => Effect.Effect<void>
  }
>() {
  /**
   * Starts an emulator of its own for every build, and stops it with the layer. A `port` that is given can be taken:
   * then building the layer fails with a `ServeError`.
   */
  static readonly layer: {
    (options?: Omit<EmulatorOptions, "port">): Layer.Layer<FlowwiseEmulator>
    (options: EmulatorOptions): Layer.Layer<FlowwiseEmulator, ServeError>
  } = (options: EmulatorOptions = {}): Layer.Layer<FlowwiseEmulator> =>
    Layer.unwrapEffect(
      Effect.sync(() => {
        const server = createServer()
        return emulator(options).pipe(
          Layer.provide(
            Layer.scopedDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
          ),
          Layer.provide(NodeHttpServer.layer(() => server, { host: LOOPBACK, port: options.port ?? 0 })),
          // Only a port that was asked for can be taken, which the overload above says.
          (layer) => layer as Layer.Layer<FlowwiseEmulator>
        )
      })
    )

  /** The emulator as the environment named `"emulator"`. */
  static readonly layerEnvironment: Layer.Layer<Environment, never, FlowwiseEmulator> = Layer.effect(
    Environment,
    Effect.map(FlowwiseEmulator, ({ baseUrl }) => ({ name: "emulator", baseUrl }))
  )

  /** The pair that the emulator accepts. */
  static readonly layerCredentials: Layer.Layer<Credentials, never, FlowwiseEmulator> = Layer.effect(
    Credentials,
    Effect.map(FlowwiseEmulator, (pair) => ({ get: Effect.succeed(pair) }))
  )
}

const emulator = (options: EmulatorOptions) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const vendor = Vendor.make(options.customers)
      const clientId = options.clientId ?? "emulator-client-id"
      const clientSecret = Redacted.make(options.clientSecret ?? "emulator-client-secret")
      const requests: Array<EmulatedRequest> = []

      const numbered = HttpApp.withPreResponseHandler((request, response) =>
        Effect.sync(() => {
          const requestId = `req_${requests.length + 1}`
          requests.push({ method: request.method, target: request.originalUrl, status: response.status, requestId })
          return HttpServerResponse.setHeader(response, "x-request-id", requestId)
        })
      )

      const scripts: Array<{ customerId: string | undefined; left: number; response: ScriptedResponse }> = []

      const scripted = (httpApp: HttpApp.Default) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ originalUrl }) => {
          const segment = originalUrl.split("/").at(-1)
          const script = scripts.find(
            ({ customerId, left }) =>
              left > 0 && (customerId === undefined || encodeURIComponent(customerId) === segment)
          )
          if (script === undefined) {
            return httpApp
          }
          script.left--
          const { status, headers, body } = script.response
          return typeof body === "string" || body === undefined
            ? HttpServerResponse.text(body ?? "", { status, headers })
            : HttpServerResponse.unsafeJson(body, { status, headers })
        })

      const authenticate = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
        [same(headers["x-client-id"], clientId), same(headers["x-client-secret"], Redacted.value(clientSecret))].every(
          Boolean
        )
          ? Effect.void
          : Effect.fail(errors.Unauthorized.documented)
      )

      const handlers = HttpApiBuilder.group(FlowwiseApi, "customer", (handlers) =>
        handlers.handle("deleteCustomer", ({ path }) => vendor.delete(path.customer_id))
      )

      return Layer.effect(
        FlowwiseEmulator,
        Effect.map(HttpServer.HttpServer, ({ address }) => ({
          baseUrl: `http://${LOOPBACK}:${address._tag === "TcpAddress" ? address.port : ""}`,
          clientId,
          clientSecret,
          customers: vendor.customers,
          requests: Effect.sync(() => requests.slice()),
          respondWith: (response, { customerId, times = Number.POSITIVE_INFINITY } = {}) =>
            Effect.sync(() => {
              scripts.push({ customerId, left: times, response })
            })
        }))
      ).pipe(
        Layer.provideMerge(HttpApiBuilder.serve((httpApp) => numbered(scripted(httpApp)))),
        Layer.provide(HttpApiBuilder.api(FlowwiseApi)),
        Layer.provide(handlers),
        // Both headers count, and the platform takes the first of several keys that passes: each checks the pair.
        Layer.provide(Layer.succeed(ApiCredentials, { ApiKeyAuth: () => authenticate, ApiSecret: () => authenticate })),
        // An id of 1,024 bytes is three times as long percent-encoded.
        Layer.provide(HttpRouter.setRouterConfig({ maxParamLength: 4096 }))
      )
    })
  )

/** Compares digests, so that the time it takes says nothing about where the texts differ. */
const same = (given: string | undefined, expected: string) => timingSafeEqual(digest(given ?? ""), digest(expected))

const digest = (text: string) => createHash("sha256").update(text).digest()
