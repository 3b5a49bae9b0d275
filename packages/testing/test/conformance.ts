/** What everything that stands in for the vendor must do. For this repository's packages; it is not published. */

import { assert } from "@effect/vitest"
import {
  type CustomerDeleted,
  type DeleteCustomerError,
  deleteCustomer,
  type FlowwiseClient
} from "@effect-flowwise/client"
import type { InvalidScript, ScriptOptions } from "@effect-flowwise/testing"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"

export const faults = [
  "deletionFailed",
  "rateLimited",
  "unavailable",
  "unauthorized",
  "notFound",
  "invalid",
  "noAnswer",
  "lostAnswer"
] as const

export type Fault = (typeof faults)[number]

/** What each stand-in lets a test see and do. */
export class World extends Context.Tag("@effect-flowwise/testing/conformance/World")<
  World,
  {
    readonly customers: Effect.Effect<ReadonlyArray<string>>
    /** The ids that were asked for, in the order of arrival. */
    readonly requested: Effect.Effect<ReadonlyArray<string>>
    readonly create: (customerId: string) => Effect.Effect<void>
    readonly script: (fault: Fault, options?: ScriptOptions) => Effect.Effect<void, InvalidScript>
  }
>() {}

export type Subject = (customers: Iterable<string>) => Layer.Layer<FlowwiseClient | World>

/** The part of an outcome that every stand-in must agree on. */
const summary = (outcome: CustomerDeleted | DeleteCustomerError) => {
  switch (outcome._tag) {
    case "InvalidCustomerId":
      return `${outcome._tag} by the ${outcome.rejectedBy}`
    case "UnexpectedResponse":
      return `${outcome._tag} ${outcome.status}`
    case "RequestFailed":
      return `${outcome._tag} ${outcome.reason}, delivered ${outcome.delivered}`
    case "RateLimited":
      return `${outcome._tag} ${Option.match(outcome.retryAfter, { onNone: () => "", onSome: Duration.format })}`
    default:
      return outcome._tag
  }
}

const ask = (customerId: string) =>
  Effect.map(Effect.either(deleteCustomer(customerId)), (result) => summary(Either.merge(result)))

const expected: Record<Fault, string> = {
  deletionFailed: "DeletionFailed",
  rateLimited: "RateLimited 2s",
  unavailable: "UnexpectedResponse 503",
  unauthorized: "Unauthorized",
  notFound: "CustomerNotFound",
  invalid: "InvalidCustomerId by the server",
  noAnswer: "RequestFailed Transport, delivered unknown",
  lostAnswer: "RequestFailed Transport, delivered unknown"
}

const strange = [
  "a/b",
  "a%2Fb",
  "%2e%2e",
  "a?b#c",
  "a\\b",
  " a ",
  "\u0000",
  "\u{1f600}",
  "\u00e9",
  "e\u0301",
  "__proto__",
  "x".repeat(1024)
]

const refused = ["", ".", "..", "\ud800", "x".repeat(1025)]

export interface Case {
  readonly claim: string
  readonly customers: ReadonlyArray<string>
  readonly test: Effect.Effect<void, unknown, FlowwiseClient | World>
}

export const cases = (subject: Subject): ReadonlyArray<Case> => [
  {
    claim: "deletes a customer once",
    customers: ["cust_1", "cust_2"],
    test: Effect.gen(function* () {
      const world = yield* World
      const deleted = yield* deleteCustomer("cust_1")
      assert.strictEqual(deleted.customerId, "cust_1")
      assert.isTrue(Option.isSome(deleted.requestId))
      assert.deepStrictEqual(yield* world.customers, ["cust_2"])
      const again = yield* Effect.flip(deleteCustomer("cust_1"))
      assert(again._tag === "CustomerNotFound")
      assert.deepStrictEqual([again.customerId, again.afterAmbiguousAttempt], ["cust_1", false])
      assert.isTrue(Option.isSome(again.requestId))
      assert.deepStrictEqual(yield* world.requested, ["cust_1", "cust_1"])
    })
  },
  {
    claim: "knows nobody unless told, and whoever is made later",
    customers: [],
    test: Effect.gen(function* () {
      const world = yield* World
      assert.strictEqual(yield* ask("cust_1"), "CustomerNotFound")
      yield* world.create("cust_1")
      yield* world.create("cust_1")
      assert.deepStrictEqual(yield* world.customers, ["cust_1"])
      assert.strictEqual(yield* ask("cust_1"), "CustomerDeleted")
    })
  },
  {
    claim: "rejects an unknown id with a control character",
    customers: [],
    test: Effect.gen(function* () {
      assert.strictEqual(yield* ask("cust\t1"), "InvalidCustomerId by the server")
    })
  },
  {
    claim: "never sees an id that the client refuses",
    customers: refused,
    test: Effect.gen(function* () {
      const world = yield* World
      yield* world.script("deletionFailed", { times: 1 })
      for (const id of refused) assert.strictEqual(yield* ask(id), "InvalidCustomerId by the client")
      assert.deepStrictEqual(yield* world.requested, [])
      assert.strictEqual(yield* ask("cust_1"), "DeletionFailed")
    })
  },
  {
    claim: "takes strange ids as they are",
    customers: strange,
    test: Effect.gen(function* () {
      const world = yield* World
      yield* Effect.forEach(strange, deleteCustomer)
      assert.deepStrictEqual(yield* world.requested, strange)
      assert.deepStrictEqual(yield* world.customers, [])
    })
  },
  {
    claim: "deletes for exactly one of twenty who ask at once",
    customers: ["cust_1"],
    test: Effect.gen(function* () {
      const outcomes = yield* Effect.all(
        Array.from({ length: 20 }, () => ask("cust_1")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(outcomes.filter((outcome) => outcome === "CustomerDeleted").length, 1)
    })
  },
  {
    claim: "starts afresh for every build",
    customers: [],
    test: Effect.gen(function* () {
      const fresh = subject(["cust_1"])
      const outcomes = yield* Effect.all([Effect.provide(ask("cust_1"), fresh), Effect.provide(ask("cust_1"), fresh)])
      assert.deepStrictEqual(outcomes, ["CustomerDeleted", "CustomerDeleted"])
    })
  },
  ...faults.map(
    (fault): Case => ({
      claim: `script: ${fault}, so many times, and then works`,
      customers: ["cust_1", "cust_2"],
      test: Effect.gen(function* () {
        const world = yield* World
        yield* world.script(fault, { times: 2 })
        const outcomes = yield* Effect.all([ask("cust_1"), ask("cust_1"), ask("cust_2")])
        assert.deepStrictEqual(outcomes, [expected[fault], expected[fault], "CustomerDeleted"])
        // Only a lost answer has deleted anybody.
        assert.deepStrictEqual(yield* world.customers, fault === "lostAnswer" ? [] : ["cust_1"])
      })
    })
  ),
  {
    claim: "script: for one customer, always, and nobody else",
    customers: ["cust_1", "cust_2"],
    test: Effect.gen(function* () {
      const world = yield* World
      yield* world.script("unavailable", { customerId: "cust_1" })
      const outcomes = yield* Effect.forEach(["cust_1", "cust_2", "cust_1"], ask)
      assert.deepStrictEqual(outcomes, ["UnexpectedResponse 503", "CustomerDeleted", "UnexpectedResponse 503"])
    })
  },
  {
    claim: "script: counted steps in their order, then the latest that is not counted",
    customers: ["cust_1"],
    test: Effect.gen(function* () {
      const world = yield* World
      yield* world.script("unavailable")
      yield* world.script("deletionFailed", { times: 1 })
      yield* world.script("rateLimited", { times: 1 })
      yield* world.script("notFound")
      const outcomes = yield* Effect.all(Array.from({ length: 4 }, () => ask("cust_1")))
      assert.deepStrictEqual(outcomes, ["DeletionFailed", "RateLimited 2s", "CustomerNotFound", "CustomerNotFound"])
    })
  },
  {
    claim: "script: refuses what can't happen, in words",
    customers: [],
    test: Effect.gen(function* () {
      const world = yield* World
      const impossible: ReadonlyArray<ScriptOptions> = [
        { times: -1 },
        { times: 0 },
        { times: 1.5 },
        { times: Number.NaN },
        { customerId: ".." },
        { customerId: "" }
      ]
      for (const options of impossible) {
        const error = yield* Effect.flip(world.script("unavailable", options))
        assert.strictEqual(error._tag, "InvalidScript")
        assert.match(error.message, /times must be|customerId is one/)
      }
      assert.strictEqual(yield* ask("cust_1"), "CustomerNotFound")
    })
  },
  {
    claim: "any order of creates, deletes and faults goes as the model says",
    customers: [],
    test: Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(FastCheck.commands([creates, deletes, scripts], { size: "+1" }), (commands) =>
          Effect.flatMap(Effect.runtime<FlowwiseClient | World>(), (runtime) =>
            Effect.promise(() =>
              FastCheck.asyncModelRun(
                () => ({ model: { customers: new Set<string>(), steps: [] }, real: Runtime.runPromise(runtime) }),
                commands
              )
            )
          ).pipe(Effect.provide(subject([])), Effect.runPromise)
        ),
        { numRuns: 25 }
      )
    )
  }
]

/** The vendor and its script, as simply as they can be said. */
interface Model {
  readonly customers: Set<string>
  steps: ReadonlyArray<{
    readonly fault: Fault
    readonly customerId: string | undefined
    times: number | undefined
  }>
}

type Real = <A, E>(effect: Effect.Effect<A, E, FlowwiseClient | World>) => Promise<A>

type Command = FastCheck.AsyncCommand<Model, Real>

const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => name
})

/** What the model says comes of a request, and what that leaves behind. */
const predict = (model: Model, customerId: string): string => {
  const fitting = model.steps.filter((step) => step.customerId === undefined || step.customerId === customerId)
  const step = fitting.find(({ times }) => times !== undefined) ?? fitting.at(-1)
  if (step?.times !== undefined) {
    step.times--
    model.steps = model.steps.filter(({ times }) => times !== 0)
  }
  if (step === undefined) {
    return model.customers.delete(customerId) ? "CustomerDeleted" : "CustomerNotFound"
  }
  if (step.fault === "lostAnswer") {
    model.customers.delete(customerId)
  }
  return expected[step.fault]
}

const customerIds = FastCheck.constantFrom("a", "b", "c/d", "\u{1f600}")

const creates = customerIds.map((customerId) =>
  command(`create ${customerId}`, async ({ customers }, real) => {
    customers.add(customerId)
    await real(Effect.flatMap(World, (world) => world.create(customerId)))
  })
)

const deletes = customerIds.map((customerId) =>
  command(`delete ${customerId}`, async (model, real) => {
    assert.strictEqual(await real(ask(customerId)), predict(model, customerId))
    assert.deepStrictEqual(await real(Effect.flatMap(World, ({ customers }) => customers)), [...model.customers])
  })
)

const scripts = FastCheck.record({
  fault: FastCheck.constantFrom(...faults),
  customerId: FastCheck.option(customerIds, { nil: undefined }),
  // What is not counted would end the story, so it is rare.
  times: FastCheck.option(FastCheck.integer({ min: 1, max: 3 }), { nil: undefined, freq: 20 })
}).map(({ fault, customerId, times }) =>
  command(`script ${fault} for ${customerId ?? "all"}, ${times ?? "always"}`, async (model, real) => {
    model.steps = [...model.steps, { fault, customerId, times }]
    const options = { ...(customerId !== undefined && { customerId }), ...(times !== undefined && { times }) }
    await real(Effect.flatMap(World, (world) => world.script(fault, options)))
  })
)
