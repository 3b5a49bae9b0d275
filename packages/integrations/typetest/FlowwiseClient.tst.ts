import type * as HttpClient from "@effect/platform/HttpClient"
import {
  Credentials,
  type CustomerAlreadyAbsent,
  type CustomerDeleted,
  CustomerId,
  type CustomerNotFound,
  type DeleteCustomerError,
  type DeletionFailed,
  type DeletionOutcome,
  type DeletionUnconfirmed,
  deleteCustomer,
  deleteCustomers,
  Environment,
  ensureCustomerDeleted,
  FlowwiseClient,
  type InvalidCustomerId,
  type RateLimited,
  type RequestFailed,
  Retry,
  type Unauthorized,
  type UnexpectedResponse
} from "@effect-flowwise/client"
import type { ConfigError } from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { describe, expect, test } from "tstyche"

const pair = { clientId: "app_1", clientSecret: Redacted.make("secret") }

describe("deleteCustomer", () => {
  test("says what it gives, how it fails, and what it needs", () => {
    expect(deleteCustomer).type.toBe<
      (customerId: string) => Effect.Effect<CustomerDeleted, DeleteCustomerError, FlowwiseClient>
    >()
  })

  test("takes a string, and a CustomerId is one", () => {
    expect(deleteCustomer).type.not.toBeCallableWith(1)
    expect(deleteCustomer).type.toBeCallableWith("cust_1" as CustomerId)
    expect<string>().type.not.toBeAssignableTo<CustomerId>()
  })

  test("fails with exactly these seven", () => {
    expect<DeleteCustomerError>().type.toBe<
      | InvalidCustomerId
      | Unauthorized
      | CustomerNotFound
      | DeletionFailed
      | RateLimited
      | UnexpectedResponse
      | RequestFailed
    >()
    expect<typeof DeleteCustomerError.Type>().type.toBe<DeleteCustomerError>()
  })

  test("a caught tag leaves the union", () => {
    const caught = deleteCustomer("cust_1").pipe(
      Effect.catchTags({ CustomerNotFound: () => Effect.void, RateLimited: () => Effect.void })
    )
    expect(caught).type.toBe<
      Effect.Effect<
        // biome-ignore lint/suspicious/noConfusingVoidType: this is what Effect.void gives.
        CustomerDeleted | void,
        InvalidCustomerId | Unauthorized | DeletionFailed | UnexpectedResponse | RequestFailed,
        FlowwiseClient
      >
    >()
  })
})

describe("ensureCustomerDeleted", () => {
  test("gives a receipt, and never fails with CustomerNotFound", () => {
    expect(ensureCustomerDeleted).type.toBe<
      (
        customerId: string
      ) => Effect.Effect<
        CustomerDeleted | CustomerAlreadyAbsent,
        Exclude<DeleteCustomerError, CustomerNotFound>,
        FlowwiseClient
      >
    >()
  })
})

describe("Retry", () => {
  const ours = deleteCustomer("cust_1")
  const narrowed = Effect.catchTag(ours, "RequestFailed", () => Effect.die("never"))

  test("transient leaves the type as it is", () => {
    expect(ours.pipe(Retry.transient())).type.toBe<typeof ours>()
    expect(narrowed.pipe(Retry.transient({ times: 1, maxDelay: "1 minute" }))).type.toBe<typeof narrowed>()
    expect(Effect.fail("mine").pipe(Retry.transient())).type.toBe<Effect.Effect<never, string>>()
  })

  test("attemptTimeout leaves it too, since it limits the calls within", () => {
    expect(ours.pipe(Retry.transient({ attemptTimeout: "5 seconds" }))).type.toBe<typeof ours>()
    expect(Effect.fail("mine").pipe(Retry.transient({ attemptTimeout: "5 seconds" }))).type.toBe<
      Effect.Effect<never, string>
    >()
  })

  test("transient takes its options, and nothing else", () => {
    expect(Retry.transient).type.not.toBeCallableWith({ retries: 3 })
    expect(Retry.transient).type.not.toBeCallableWith({ attemptTimeout: "soon" })
    expect(Retry.schedule).type.not.toBeCallableWith({ attemptTimeout: "5 seconds" })
  })

  test("isTransient and schedule are for Effect.retry", () => {
    expect(Effect.retry(ours, { while: Retry.isTransient, times: 2 })).type.toBe<typeof ours>()
    expect(Effect.retry(ours, Retry.schedule())).type.toBe<typeof ours>()
    expect(Effect.retry(Effect.fail("mine"), Retry.schedule())).type.toBe<Effect.Effect<never, string>>()
  })
})

describe("deleteCustomers", () => {
  test("needs a client, and fails where the credentials are refused", () => {
    const outcomes = deleteCustomers(["cust_1"])
    expect(outcomes).type.toBe<Stream.Stream<DeletionOutcome, Unauthorized, FlowwiseClient>>()
    expect(deleteCustomers(new Set(["cust_1"]), { concurrency: 4, retry: false })).type.toBe<typeof outcomes>()
  })

  test("fails as the ids do too, and needs what they need", () => {
    const ids = Stream.fromEffect(Effect.as(Environment, "cust_1")).pipe(Stream.concat(Stream.fail("disk" as const)))
    expect(deleteCustomers(ids)).type.toBe<
      Stream.Stream<DeletionOutcome, "disk" | Unauthorized, Environment | FlowwiseClient>
    >()
  })

  test("takes strings, and options it knows", () => {
    expect(deleteCustomers).type.not.toBeCallableWith([1])
    expect(deleteCustomers).type.not.toBeCallableWith(Stream.make(1))
    expect(deleteCustomers).type.toBeCallableWith([], { rateLimit: { limit: 30, interval: "1 minute" } })
    expect(deleteCustomers).type.toBeCallableWith([], { retry: { times: 5, attemptTimeout: "5 seconds" } })
    expect(deleteCustomers).type.not.toBeCallableWith([], { retry: true })
    expect(deleteCustomers).type.not.toBeCallableWith([], { rateLimit: { limit: 30 } })
    expect(deleteCustomers).type.not.toBeCallableWith([], { journal: "ids.txt" })
  })

  test("tells one of three outcomes, and rejects for each error but those that say absent or refused", () => {
    expect<DeletionOutcome>().type.toBe<CustomerDeleted | CustomerAlreadyAbsent | DeletionUnconfirmed>()
    expect<typeof DeletionOutcome.Type>().type.toBe<DeletionOutcome>()
    expect<DeletionUnconfirmed["customerId"]>().type.toBe<string>()
    expect<DeletionUnconfirmed["error"]>().type.toBe<Exclude<DeleteCustomerError, CustomerNotFound | Unauthorized>>()
  })
})

describe("layers", () => {
  test("a missing layer does not run", () => {
    expect(Effect.runPromise).type.not.toBeCallableWith(deleteCustomer("cust_1"))
    expect(Effect.runPromise).type.not.toBeCallableWith(
      deleteCustomer("cust_1").pipe(
        Effect.provide(FlowwiseClient.layer.pipe(Layer.provide([Credentials.layer(pair), Environment.layerSandbox])))
      )
    )
  })

  test("provide and need what they say", () => {
    expect(FlowwiseClient.layer).type.toBe<
      Layer.Layer<FlowwiseClient, never, HttpClient.HttpClient | Credentials | Environment>
    >()
    expect(FlowwiseClient.layerConfig).type.toBe<Layer.Layer<FlowwiseClient, ConfigError, HttpClient.HttpClient>>()
    expect(Credentials.layer(pair)).type.toBe<Layer.Layer<Credentials, ConfigError>>()
    expect(Credentials.layerRefreshing({ load: Effect.fail("down"), timeToLive: "1 minute" })).type.toBe<
      Layer.Layer<Credentials, string | ConfigError>
    >()
    expect(Credentials.layerRefreshing({ load: Effect.as(FlowwiseClient, pair), timeToLive: "1 minute" })).type.toBe<
      Layer.Layer<Credentials, ConfigError, FlowwiseClient>
    >()
    expect(Credentials.layerConfig).type.toBe<Layer.Layer<Credentials, ConfigError>>()
    expect(Environment.layer("https://a.example")).type.toBe<Layer.Layer<Environment, ConfigError>>()
    expect(Environment.layerSandbox).type.toBe<Layer.Layer<Environment>>()
    expect(Environment.layerProduction).type.toBe<Layer.Layer<Environment>>()
    expect(Environment.layerConfig).type.toBe<Layer.Layer<Environment, ConfigError>>()
  })

  test("a secret is redacted, an id need not be", () => {
    expect(Credentials.layer).type.toBeCallableWith({ clientId: Redacted.make("a"), clientSecret: Redacted.make("b") })
    expect(Credentials.layer).type.not.toBeCallableWith({ clientId: "a", clientSecret: "b" })
  })

  test("make takes a duration, and nothing else", () => {
    expect(FlowwiseClient.make).type.toBeCallableWith({ timeout: "5 seconds" })
    expect(FlowwiseClient.make).type.not.toBeCallableWith({ timeout: "soon" })
    expect(FlowwiseClient.make).type.not.toBeCallableWith({ retries: 3 })
    expect(FlowwiseClient.make).type.not.toBeCallableWith({
      transformClient: (client: HttpClient.HttpClient) => client
    })
  })
})

describe("options", () => {
  // Under exactOptionalPropertyTypes, which the compiler's settings here turn on.
  test("may all be undefined, so that a program can pass on what it has read", () => {
    expect(FlowwiseClient.make).type.toBeCallableWith({ timeout: undefined })
    expect(FlowwiseClient.layerWith).type.toBeCallableWith({ timeout: undefined })
    expect(Environment.layer).type.toBeCallableWith("https://a.example", { name: undefined, allowHttp: undefined })
    const schedule = { times: undefined, baseDelay: undefined, maxDelay: undefined }
    expect(Retry.schedule).type.toBeCallableWith(schedule)
    expect(Retry.transient).type.toBeCallableWith({ ...schedule, attemptTimeout: undefined, budget: undefined })
    expect(deleteCustomers).type.toBeCallableWith([], {
      concurrency: undefined,
      rateLimit: undefined,
      retry: undefined,
      haltWhen: undefined
    })
  })
})

describe("models", () => {
  test("errors carry what the contract says", () => {
    expect<CustomerNotFound["afterAmbiguousAttempt"]>().type.toBe<boolean>()
    expect<InvalidCustomerId["rejectedBy"]>().type.toBe<"client" | "server">()
    expect<RateLimited["retryAfter"]>().type.toBe<Option.Option<Duration.Duration>>()
    expect<UnexpectedResponse["status"]>().type.toBe<number>()
    expect<UnexpectedResponse["error"]>().type.toBe<
      Option.Option<{ readonly message: string; readonly code: string; readonly type: string }>
    >()
    expect<RequestFailed["reason"]>().type.toBe<
      "Connection" | "Certificate" | "Timeout" | "Transport" | "InvalidRequest"
    >()
    expect<RequestFailed["delivered"]>().type.toBe<"no" | "unknown">()
  })

  test("CustomerId is a schema of a branded string", () => {
    expect(CustomerId).type.toBeAssignableTo<Schema.Schema<CustomerId, string>>()
    expect<CustomerId>().type.toBeAssignableTo<string>()
  })
})
