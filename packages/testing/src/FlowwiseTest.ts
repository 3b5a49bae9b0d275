/**
 * The client over a vendor in memory, for tests.
 *
 * @since 0.1.0
 */
import {
  Credentials,
  type CustomerDeleted,
  DeleteCustomerError,
  DeletionFailed,
  Environment,
  FlowwiseClient,
  RateLimited,
  RequestFailed,
  Transport,
  type TransportObserver,
  UnexpectedResponse
} from "@effect-flowwise/client"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
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
  /** None while it is under way, and after an interruption. */
  readonly outcome: Option.Option<CustomerDeleted | DeleteCustomerError>
}

/**
 * How likely each fault is for a request: from 0 to 1 each, and at most 1 together.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChaosRates {
  /** The customer is deleted, and the answer lost. */
  readonly lostAnswer?: number | undefined
  /** No connection: nothing is delivered. */
  readonly noConnection?: number | undefined
  /** The vendor's 500: nobody is deleted. */
  readonly deletionFailed?: number | undefined
  /** A 429 that asks for a second's wait. */
  readonly rateLimited?: number | undefined
  /** A gateway's 503. */
  readonly unavailable?: number | undefined
}

interface Fault {
  readonly error: (customerId: string) => DeleteCustomerError
  /** Whether the deletion takes effect all the same. */
  readonly deletes: boolean
}

/**
 * The real client over a vendor in memory. The code that checks ids, judges answers and makes errors is the code that runs in
 * production. No socket is opened. Time is Effect's `Clock` and chance its `Random`.
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
    /** The customers who still exist. */
    readonly customers: Effect.Effect<ReadonlyArray<string>>
    /** Makes a customer, if there is none with this id. */
    readonly create: (customerId: string) => Effect.Effect<void>
    /** Every request so far with its outcome, in the order of arrival. For an id that the client refuses there is none. */
    readonly requests: Effect.Effect<ReadonlyArray<FakeRequest>>
    /** Requests fail with exactly this error, and nobody is deleted. By default for every customer and every request. */
    readonly fail: (
      error: DeleteCustomerError,
      options?: Script.ScriptOptions
    ) => Effect.Effect<void, Script.InvalidScript>
    /** Requests delete the customer and lose the answer: `RequestFailed`, delivered `"unknown"`. */
    readonly loseAnswer: (options?: Script.ScriptOptions) => Effect.Effect<void, Script.InvalidScript>
    /** Every answer comes this late, by Effect's clock. The client's own time-out applies. */
    readonly delay: (duration: Duration.DurationInput) => Effect.Effect<void, Script.InvalidScript>
    /** Requests fail at random, in the same way for the same seed. Scripted errors come first. */
    readonly chaos: (options: {
      readonly seed: number | string
      readonly rates: ChaosRates
    }) => Effect.Effect<void, Script.InvalidScript>
  }
>() {
  /** Every build has its own customers. The environment's name is `"test"`. */
  static readonly layer = (
    options: { readonly customers?: Iterable<string> | undefined } = {}
  ): Layer.Layer<FlowwiseClient | FlowwiseTest> => {
    // Copied now: an iterable that can be read only once would leave the second build empty.
    const customers = Array.from(options.customers ?? [])
    return Layer.effectContext(
      Effect.gen(function* () {
        const vendor = Vendor.make(customers)
        const script = Script.make<Fault>()
        const requests: Array<Received> = []
        const underWay = new Map<unknown, Received>()
        let latency = Effect.void
        let misfortune: Effect.Effect<Fault | undefined> = Effect.succeed(undefined)

        /** Takes no time unless a delay was set, so that a call is over before the client sets a timer. */
        const answer = (customerId: string, requestId: string, observer: TransportObserver) =>
          Effect.gen(function* () {
            const fault = Option.getOrUndefined(script.next(customerId)) ?? (yield* misfortune)
            yield* latency
            if (fault !== undefined) {
              if (fault.deletes) yield* Effect.ignore(vendor.delete(customerId))
              observer.failed(fault.error(customerId))
              return
            }
            const headers = { "x-request-id": requestId }
            yield* Effect.match(vendor.delete(customerId), {
              onSuccess: () => observer.head(204, headers),
              onFailure: ({ _tag }) => {
                const { example, status } = errors[_tag]
                observer.head(status, headers)
                observer.body({ text: JSON.stringify(example), complete: true })
              }
            })
          })

        const client = yield* FlowwiseClient.make().pipe(
          Effect.provideService(Transport, {
            send: ({ path }, observer) => {
              const customerId = decodeURIComponent(path.slice("/customer/".length))
              const received = { customerId, outcome: Option.none() }
              underWay.set(observer.fiber, received)
              observer.left("yes")
              const runtime = Runtime.make({
                context: observer.fiber.currentContext,
                runtimeFlags: Runtime.defaultRuntimeFlags,
                fiberRefs: observer.fiber.getFiberRefs()
              })
              const fiber = Runtime.runFork(runtime, answer(customerId, `req_${requests.push(received)}`, observer))
              return () => fiber.unsafeInterruptAsFork(fiber.id())
            }
          }),
          Effect.provideService(Environment, { name: "test", baseUrl: "https://flowwise.test" }),
          Effect.provideService(Credentials, {
            get: Effect.succeed({ clientId: "test-client-id", clientSecret: Redacted.make("test-client-secret") })
          })
        )

        const recorded = FlowwiseClient.of({
          ...client,
          deleteCustomer: (...call) =>
            Effect.onExit(client.deleteCustomer(...call), (exit) =>
              Effect.withFiberRuntime((fiber) => {
                const received = underWay.get(fiber)
                underWay.delete(fiber)
                if (received !== undefined) received.outcome = outcomeOf(exit)
                return Effect.void
              })
            )
        })

        return Context.make(FlowwiseClient, recorded).pipe(
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

interface Received {
  readonly customerId: string
  outcome: FakeRequest["outcome"]
}

const outcomeOf = (exit: Exit.Exit<CustomerDeleted, DeleteCustomerError>): FakeRequest["outcome"] =>
  Exit.match(exit, { onFailure: Cause.failureOption, onSuccess: Option.some })

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
  const entries = Object.entries(rates).filter((entry): entry is [string, number] => entry[1] !== undefined)
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
