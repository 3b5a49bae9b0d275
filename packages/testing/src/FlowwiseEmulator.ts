/**
 * The vendor's API over real HTTP, on this machine.
 *
 * @since 0.1.0
 */

import { createHash, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Credentials, Environment } from "@effect-flowwise/client"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { constTrue } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as EmulatorControl from "./EmulatorControl.js"
import * as EmulatorScript from "./EmulatorScript.js"
import { ApiCredentials, errors, FlowwiseApi } from "./FlowwiseApi.js"
import * as RateLimit from "./RateLimit.js"
import * as Script from "./Script.js"
import * as Vendor from "./Vendor.js"

const LOOPBACK = "127.0.0.1"
const MAX_BODY_BYTES = 64 * 1024

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
  /** None while there is no answer. */
  readonly status: Option.Option<number>
  /** The answer's `x-request-id`. */
  readonly requestId: string
}

/**
 * How an emulator starts.
 *
 * @since 0.1.0
 * @category models
 */
export interface EmulatorOptions {
  /** The customers who exist. Default: none. */
  readonly customers?: Iterable<string> | undefined
  /** The client id that is accepted. Default: `"emulator-client-id"`. */
  readonly clientId?: string | undefined
  /** The secret that is accepted. Default: `"emulator-client-secret"`. */
  readonly clientSecret?: string | undefined
  /** Default: a free port. */
  readonly port?: number | undefined
  /** Answers 429 to more than `limit` requests in an `interval`, with the rest of the interval as `retry-after`. */
  readonly rateLimit?: { readonly limit: number; readonly interval: Duration.DurationInput } | undefined
  /** Called with each request when it has been answered, dropped, or given up by the client. */
  readonly log?: ((request: EmulatedRequest) => void) | undefined
}

/**
 * The vendor's API over real HTTP, on loopback only.
 *
 * It answers a `DELETE` with 401 for wrong credentials, 204 for a known customer, who is then gone, 400 for an unknown id
 * with a control character, and 404 for any other id. `POST /customer` makes a customer.
 *
 * @example
 * ```ts
 * import { deleteCustomer } from "@effect-flowwise/client"
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import { FlowwiseEmulator } from "@effect-flowwise/testing"
 * import * as Effect from "effect/Effect"
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
    /** The customers who still exist. */
    readonly customers: Effect.Effect<ReadonlyArray<string>>
    /** Makes a customer like `POST /customer`, if there is none with this id. */
    readonly create: (customerId: string) => Effect.Effect<void>
    /** Every request so far, in the order of arrival. */
    readonly requests: Effect.Effect<ReadonlyArray<EmulatedRequest>>
    /** Gives this response instead. By default for every customer and every request. */
    readonly respondWith: (
      response: EmulatorScript.ScriptedResponse,
      options?: Script.ScriptOptions
    ) => Effect.Effect<void, Script.InvalidScript>
    /**
     * Follows one line of a [script](https://github.com/effect-flowwise/effect-flowwise/blob/main/docs/emulator.md): a JSON object
     * such as `{"drop":"afterDeletion","times":1}`.
     */
    readonly script: (line: string) => Effect.Effect<void, Script.InvalidScript>
    /** Accepts only these secrets from now on: both at the beginning of a rotation, only the new one at its end. */
    readonly acceptSecrets: (clientSecrets: ReadonlyArray<string>) => Effect.Effect<void>
    /** Every answer comes this late. */
    readonly delay: (duration: Duration.DurationInput) => Effect.Effect<void, Script.InvalidScript>
  }
>() {
  /**
   * Starts an emulator for every build, and stops it with the layer. It fails only if a `port` is taken (`ServeError`), or if
   * a `rateLimit` or `port` is invalid (`InvalidScript`).
   */
  static readonly layer: {
    (
      options?: EmulatorOptions & { readonly port?: undefined; readonly rateLimit?: undefined }
    ): Layer.Layer<FlowwiseEmulator>
    (options: EmulatorOptions): Layer.Layer<FlowwiseEmulator, HttpServerError.ServeError | Script.InvalidScript>
  } = (options: EmulatorOptions = {}): Layer.Layer<FlowwiseEmulator> =>
    // The overloads say when it can fail, which the implementation alone can't.
    emulator(options) as Layer.Layer<FlowwiseEmulator>

  /** The emulator as the environment named `"emulator"`. */
  static readonly layerEnvironment: Layer.Layer<Environment, never, FlowwiseEmulator> = Layer.effect(
    Environment,
    Effect.map(FlowwiseEmulator, ({ baseUrl }) => ({ name: "emulator", baseUrl }))
  )

  /** The pair that the emulator accepts. */
  static readonly layerCredentials: Layer.Layer<Credentials, never, FlowwiseEmulator> = Layer.effect(
    Credentials,
    Effect.map(FlowwiseEmulator, ({ clientId, clientSecret }) => ({ get: Effect.succeed({ clientId, clientSecret }) }))
  )
}

const emulator = (options: EmulatorOptions) => {
  // Copied now: an iterable that can be read only once would leave the second build empty.
  const customers = Array.from(options.customers ?? [])
  return Layer.unwrapScoped(
    Effect.gen(function* () {
      const { port = 0 } = options
      if (!Number.isInteger(port) || port < 0 || port > 65_535) {
        return yield* Script.invalid(`port must be a whole number up to 65535, and is ${String(port)}`)
      }
      const clientId = options.clientId ?? "emulator-client-id"
      const clientSecret = Redacted.make(options.clientSecret ?? "emulator-client-secret")
      const vendor = Vendor.make(customers)
      const script = EmulatorScript.make(Redacted.value(clientSecret))
      const requests: Array<{ -readonly [K in keyof EmulatedRequest]: EmulatedRequest[K] }> = []
      const limited = yield* RateLimit.make(options.rateLimit)

      /** The script's answer, or the API's. */
      const answer = <R>(api: HttpApp.Default<never, R>, request: HttpServerRequest.HttpServerRequest) =>
        Effect.gen(function* () {
          const step = Option.getOrUndefined(Option.flatMap(customerIdOf(request), script.next))
          yield* script.latency
          if (step?.delay !== undefined) {
            yield* Effect.sleep(step.delay)
          }
          if (step !== undefined && "status" in step) {
            return EmulatorScript.toResponse(step)
          }
          if (step !== undefined && "drop" in step) {
            if (step.drop === "afterDeletion") yield* api
            NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()
            return yield* Effect.never
          }
          if (step !== undefined && "never" in step) {
            return yield* Effect.never
          }
          return yield* Effect.flatMap(limited, Option.match({ onNone: () => api, onSome: Effect.succeed }))
        })

      const numbered = <R>(api: HttpApp.Default<never, R>): HttpApp.Default<never, R> =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          if (EmulatorControl.isControl(request) && isLoopback(request.headers.host)) {
            return EmulatorControl.respond(request, script)
          }
          const requestId = `req_${requests.length + 1}`
          const { method, originalUrl: target } = request
          const entry = { method, target, status: Option.none<number>(), requestId }
          requests.push(entry)
          return (
            isLoopback(request.headers.host) ? answer(api, request) : HttpServerResponse.empty({ status: 421 })
          ).pipe(
            // The platform runs an app uninterruptibly. This lets a client that leaves, or a layer that closes, end it.
            Effect.interruptible,
            Effect.catchAllCause((cause) =>
              Cause.isInterruptedOnly(cause)
                ? Effect.failCause(cause)
                : Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)
            ),
            Effect.map((response) => {
              entry.status = Option.some(response.status)
              return HttpServerResponse.setHeader(response, "x-request-id", requestId)
            }),
            Effect.ensuring(Effect.sync(() => options.log?.({ ...entry })))
          )
        }).pipe(HttpServerRequest.withMaxBodySize(Option.some(MAX_BODY_BYTES)))

      const authenticate = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
        const isSecret = script.secrets().map((secret) => same(headers["x-client-secret"], secret))
        const matches = [same(headers["x-client-id"], clientId), isSecret.some(Boolean)]
        return matches.every(Boolean) ? Effect.void : Effect.fail(errors.Unauthorized.documented)
      })

      const handlers = HttpApiBuilder.group(FlowwiseApi, "customer", (handlers) =>
        handlers
          .handle("deleteCustomer", ({ path }) => vendor.delete(path.customer_id))
          .handle("createCustomer", ({ payload }) =>
            Effect.gen(function* () {
              yield* vendor.create(payload.customer_id)
              const now = DateTime.formatIso(yield* DateTime.now)
              const id = `emulated_${requests.length}`
              return { ...payload, id, project_id: "emulator", status: "ACTIVE", added_on: now, updated_on: now }
            })
          )
      )

      const server = createServer({ maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 10_000 })
      server.maxConnections = 1024

      return Layer.effect(
        FlowwiseEmulator,
        Effect.map(HttpServer.HttpServer, ({ address }) => ({
          baseUrl: `http://${LOOPBACK}:${address._tag === "TcpAddress" ? address.port : ""}`,
          clientId,
          clientSecret,
          customers: vendor.customers,
          create: vendor.create,
          requests: Effect.sync(() => requests.map((request) => ({ ...request }))),
          respondWith: script.respondWith,
          script: script.add,
          acceptSecrets: script.acceptSecrets,
          delay: script.delay
        }))
      ).pipe(
        Layer.provideMerge(
          Layer.unwrapEffect(Effect.map(HttpApiBuilder.httpApp, (api) => HttpServer.serve(numbered(api)))).pipe(
            // The platform's span of a request shows its headers, and so the secret.
            Layer.locally(HttpMiddleware.currentTracerDisabledWhen, constTrue)
          )
        ),
        Layer.provide([HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer]),
        Layer.provide(HttpApiBuilder.api(FlowwiseApi)),
        Layer.provide(handlers),
        // Both headers count, and the platform takes the first of several keys that passes: each checks the pair.
        Layer.provide(Layer.succeed(ApiCredentials, { ApiKeyAuth: () => authenticate, ApiSecret: () => authenticate })),
        // An id of 1,024 bytes is three times as long percent-encoded.
        Layer.provide(
          HttpRouter.setRouterConfig({ maxParamLength: 4096, caseSensitive: true, ignoreDuplicateSlashes: false })
        ),
        // The platform waits until open connections end, and a client that keeps one alive never ends it.
        Layer.provide(Layer.scopedDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))),
        Layer.provide(NodeHttpServer.layer(() => server, { host: LOOPBACK, port }))
      )
    })
  )
}

/** A web page can make its own name resolve to this machine. The `Host` of its requests is that name. */
const isLoopback = (host: string | undefined) => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? "")

/** Whom a request asks to delete; none where it asks for something else. */
const customerIdOf = ({ method, originalUrl }: HttpServerRequest.HttpServerRequest) =>
  Option.fromNullable(method === "DELETE" ? /^\/customer\/([^/?]+)/.exec(originalUrl)?.[1] : undefined).pipe(
    Option.flatMap((segment) => Either.getRight(Either.try(() => decodeURIComponent(segment))))
  )

/** Compares digests, so that the time does not depend on where the texts differ. */
const same = (given: string | undefined, expected: string) =>
  timingSafeEqual(digest(given ?? ""), digest(expected)) && given !== undefined

const digest = (text: string) => createHash("sha256").update(text).digest()
