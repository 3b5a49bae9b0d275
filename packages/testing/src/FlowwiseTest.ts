/**
 * The client over a vendor in memory, for tests.
 *
 * @since 0.1.0
 */

import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import {
  Credentials,
  type CustomerDeleted,
  DeleteCustomerError,
  DeletionFailed,
  Environment,
  FlowwiseClient,
  RateLimited,
  RequestFailed,
  UnexpectedResponse
} from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { errors } from "./FlowwiseApi.js"
import * as Script from "./Script.js"
import * as Vendor from "./Vendor.js"

/**
 * One request that the fake received.
 *
 * @since 0.1.0
 * @category models
 */
export interface FakeRequest {
  readonly customerId: string
  /** None while it is under way, and where it was interrupted. */
  readonly outcome: Option.Option<CustomerDeleted | DeleteCustomerError>
}

/**
 * How often a request shall go wrong in which way, each from 0 to 1 and 1 at most in all.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChaosRates {
  /** The customer is deleted, and the answer lost. */
  readonly lostAnswer?: number
  /** No connection: nothing is delivered. */
  readonly noConnection?: number
  /** The vendor's 500: nobody is deleted. */
  readonly deletionFailed?: number
  /** A 429 that asks for a second's wait. */
  readonly rateLimited?: number
  /** A gateway's 503. */
  readonly unavailable?: number
}

interface Fault {
  readonly error: (customerId: string) => DeleteCustomerError
  /** Whether the deletion takes effect all the same. */
  readonly deletes: boolean
}

/**
 * A fake that is the real client over a vendor in memory: ids are refused and encoded, answers judged and errors made
 * by the very code that runs in production. No socket is opened, and time and chance are Effect's.
 *
 * @example
 * ```ts
 * import { deleteCustomer, RateLimited } from "@effect-flowwise/client"
 * import { FlowwiseTest } from "@effect-flowwise/testing"
 * import * as Effect from "effect/Effect"
 *
 * const test = Effect.gen(function* () {
 *   const fake = yield* FlowwiseTest
 *   yield* fake.fail(new RateLimited(), { times: 1 })
 *   yield* Effect.flip(deleteCustomer("cust_1")) // RateLimited
 *   yield* deleteCustomer("cust_1")
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
    /** Makes a customer; one who exists stays. */
    readonly create: (customerId: string) => Effect.Effect<void>
    /** Every request so far with its outcome, in the order of arrival. An id that the client refuses makes none. */
    readonly requests: Effect.Effect<ReadonlyArray<FakeRequest>>
    /** From now on fails with this very error, for one customer or all, so many times or always; nobody is deleted. */
    readonly fail: (
      error: DeleteCustomerError,
      options?: Script.ScriptOptions
    ) => Effect.Effect<void, Script.InvalidScript>
    /** From now on deletes the customer and then loses the answer: `RequestFailed`, delivered `"unknown"`. */
    readonly loseAnswer: (options?: Script.ScriptOptions) => Effect.Effect<void, Script.InvalidScript>
    /** From now on answers after so long, by Effect's clock. The client's own time-out applies. */
    readonly delay: (duration: Duration.DurationInput) => Effect.Effect<void, Script.InvalidScript>
    /** From now on goes wrong at random, in the same way for the same seed. Scripted errors come first. */
    readonly chaos: (options: {
      readonly seed: number | string
      readonly rates: ChaosRates
    }) => Effect.Effect<void, Script.InvalidScript>
  }
>() {
  /** Fresh state for every build; the environment's name is `"test"`. */
  static readonly layer = (
    options: { readonly customers?: Iterable<string> } = {}
  ): Layer.Layer<FlowwiseClient | FlowwiseTest> => {
    // Once: what gives its ids only once would leave the second build empty.
    const customers = Array.from(options.customers ?? [])
    return Layer.effectContext(
      Effect.gen(function* () {
        const vendor = Vendor.make(customers)
        const script = Script.make<Fault>()
        const requests: Array<{ customerId: string; outcome: FakeRequest["outcome"] }> = []
        let latency = Effect.void
        let misfortune: Effect.Effect<Fault | undefined> = Effect.succeed(undefined)

        const httpClient = HttpClient.make((request, url, _signal, fiber) =>
          Effect.gen(function* () {
            const customerId = decodeURIComponent(url.pathname.slice("/customer/".length))
            const call = fiber.getFiberRef(currentCall)
            const received = { customerId, outcome: Option.none() }
            const headers = { "x-request-id": `req_${requests.push(received)}` }
            call.received = received
            const fault = Option.getOrUndefined(script.next(customerId)) ?? (yield* misfortune)
            yield* latency
            if (fault !== undefined) {
              if (fault.deletes) {
                yield* Effect.ignore(vendor.delete(customerId))
              }
              call.error = fault.error(customerId)
              return yield* onTheWire(call.error, request, headers)
            }
            const answer = yield* Effect.match(vendor.delete(customerId), {
              onSuccess: () => new Response(null, { status: 204, headers }),
              onFailure: ({ _tag }) => Response.json(errors[_tag].example, { status: errors[_tag].status, headers })
            })
            return HttpClientResponse.fromWeb(request, answer)
          })
        )

        const [bounded, unbounded] = yield* Effect.all([
          FlowwiseClient.make(),
          FlowwiseClient.make({ timeout: Duration.infinity })
        ]).pipe(
          Effect.provideService(HttpClient.HttpClient, httpClient),
          Effect.provideService(Environment, { name: "test", baseUrl: "https://flowwise.test" }),
          Effect.provideService(Credentials, {
            get: Effect.succeed({ clientId: "test-client-id", clientSecret: Redacted.make("test-client-secret") })
          })
        )

        const deleteCustomer = (customerId: string) => {
          // Once: the client knows an attempt that is run again by its being the same effect.
          const [quick, slow] = [unbounded.deleteCustomer(customerId), bounded.deleteCustomer(customerId)]
          return Effect.suspend(() => {
            const call: Call = {}
            // `TestClock` stops at every timer that was ever set, for some milliseconds: none where nothing takes time.
            return (latency === Effect.void ? quick : slow).pipe(
              Effect.locally(currentCall, call),
              // The client has made of a scripted error what it makes of any: here is the one that was asked for.
              Effect.mapError((error) => call.error ?? error),
              Effect.tapBoth({
                onFailure: (error) => Effect.sync(() => ended(call, error)),
                onSuccess: (deleted) => Effect.sync(() => ended(call, deleted))
              })
            )
          })
        }

        return Context.make(FlowwiseClient, { ...bounded, deleteCustomer }).pipe(
          Context.add(FlowwiseTest, {
            customers: vendor.customers,
            create: vendor.create,
            requests: Effect.sync(() => requests.map((request) => ({ ...request }))),
            fail: (error, options) =>
              Schema.is(DeleteCustomerError)(error)
                ? script.set({ error: () => error, deletes: false }, options)
                : Script.invalid("fail takes one of the errors of deleteCustomer"),
            loseAnswer: (options) => script.set(misfortunes.lostAnswer, options),
            delay: (duration) =>
              Effect.map(Script.validDelay(duration), (valid) => {
                latency = Effect.sleep(valid)
              }),
            chaos: ({ seed, rates }) =>
              Effect.map(chaos(seed, rates), (next) => {
                misfortune = next
              })
          })
        )
      })
    )
  }
}

/** What the transport tells the service of the call that it is part of. */
interface Call {
  received?: { outcome: FakeRequest["outcome"] }
  error?: DeleteCustomerError | undefined
}

const currentCall = FiberRef.unsafeMake<Call>({})

/** What the client would have met to fail with this error, so that its spans, metrics and memory are right too. */
const onTheWire = (
  error: DeleteCustomerError,
  request: HttpClientRequest.HttpClientRequest,
  headers: Record<string, string>
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> => {
  if (error._tag === "RequestFailed") {
    const code = error.delivered === "no" ? "ECONNREFUSED" : error.reason === "Timeout" ? "ETIMEDOUT" : "ECONNRESET"
    return new HttpClientError.RequestError({ request, reason: "Transport", cause: { code } })
  }
  const respond = (status: number, body: string | null = null) =>
    Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body, { status, headers })))
  switch (error._tag) {
    case "RateLimited":
      return respond(429)
    case "UnexpectedResponse":
      // No `Response` can be made of every status, and of those none is a deletion.
      return respond(error.status < 200 || error.status > 599 || error.status === 204 ? 302 : error.status)
    default:
      return respond(errors[error._tag].status, JSON.stringify(errors[error._tag].example))
  }
}

const ended = ({ received }: Call, outcome: CustomerDeleted | DeleteCustomerError) => {
  if (received !== undefined) {
    received.outcome = Option.some(outcome)
  }
}

const misfortunes: Record<keyof ChaosRates, Fault> = {
  lostAnswer: {
    error: () =>
      new RequestFailed({
        message: "The connection broke: the customer may or may not be deleted. Ask again",
        reason: "Transport",
        delivered: "unknown"
      }),
    deletes: true
  },
  noConnection: {
    error: () =>
      new RequestFailed({
        message: "No connection: nothing was sent. Ask again",
        reason: "Connection",
        delivered: "no"
      }),
    deletes: false
  },
  deletionFailed: { error: (customerId) => new DeletionFailed({ customerId }), deletes: false },
  rateLimited: { error: () => new RateLimited({ retryAfter: Option.some(Duration.seconds(1)) }), deletes: false },
  unavailable: { error: () => new UnexpectedResponse({ status: 503 }), deletes: false }
}

const chaos = (seed: number | string, rates: ChaosRates) => {
  const entries = Object.entries(rates)
  const unknown = entries.find(([name]) => !Object.hasOwn(misfortunes, name))
  if (unknown !== undefined) {
    return Script.invalid(`chaos knows no ${unknown[0]}, only ${Object.keys(misfortunes).join(", ")}`)
  }
  const sum = entries.reduce((total, [, rate]) => total + rate, 0)
  if (!entries.every(([, rate]) => rate >= 0) || !(sum <= 1)) {
    return Script.invalid(`the rates of chaos must be 0 or more each, and 1 at most in all`)
  }
  const random = Random.make(seed)
  return Effect.succeed(
    Effect.map(random.next, (chance): Fault | undefined => {
      let reached = 0
      for (const [name, rate] of entries) {
        reached += rate
        if (chance < reached) {
          return misfortunes[name as keyof ChaosRates]
        }
      }
      return undefined
    })
  )
}
