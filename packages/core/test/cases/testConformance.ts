/** Runs the conformance of a stand-in for the vendor, and a comparison with a model of it. */
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import {
  type Conformance,
  conformance,
  deleted,
  type Misfortune,
  misfortunes,
  notFound,
  outcomes,
  type Scope
} from "./conformance.js"
import { assertHolds } from "./runPolicy.js"

/** A stand-in with a client of an edition, as its adapter makes it. */
export interface StandIn {
  /** The JSON of the outcome. */
  readonly deleteCustomer: (customerId: string) => Promise<unknown>
  readonly customers: () => Promise<ReadonlyArray<string>>
  readonly requested: () => Promise<ReadonlyArray<string>>
  readonly create: (customerId: string) => Promise<void>
  /** What is wrong with it, in words, where it is refused. */
  readonly script: (misfortune: Misfortune, scope: Scope) => Promise<string | undefined>
  readonly close: () => Promise<void>
}

type Open = (customers: ReadonlyArray<string>) => Promise<StandIn>

export const testConformance = (name: string, open: Open) =>
  describe(`conformance of ${name}`, () => {
    it.each(conformance)("$claim", (row) => within(open, row.customers, (world) => run(world, row)))

    it("starts afresh for every build", async () => {
      for (let build = 0; build < 2; build++) {
        await within(open, ["cust_1"], async (world) => {
          assertHolds(await world.deleteCustomer("cust_1"), deleted, "the first request")
          assert.deepStrictEqual(await world.requested(), ["cust_1"])
        })
      }
    })

    it("any order of creates, deletes and faults goes as the model says", { timeout: 30_000 }, () =>
      fc.assert(
        fc.asyncProperty(fc.commands([creates, deletes, scripts], { size: "+1" }), (commands) =>
          within(open, [], (real) =>
            fc.asyncModelRun(() => ({ model: { customers: new Set<string>(), steps: [] }, real }), commands)
          )
        ),
        { numRuns: 25 }
      )
    )
  })

const within = async (open: Open, customers: ReadonlyArray<string>, test: (world: StandIn) => Promise<void>) => {
  const world = await open(customers)
  await test(world).finally(world.close)
}

const run = async (world: StandIn, { claim, steps }: Conformance) => {
  for (const step of steps) {
    if ("delete" in step) {
      assertHolds(await world.deleteCustomer(step.delete), step.gives, claim)
    } else if ("deleteAtOnce" in step) {
      const all = await Promise.all(step.deleteAtOnce.map(world.deleteCustomer))
      const tags = all.map((outcome) => (outcome as { readonly _tag: string })._tag)
      assert.lengthOf(
        tags.filter((tag) => tag === "CustomerDeleted"),
        step.deletions
      )
    } else if ("create" in step) {
      await world.create(step.create)
    } else if ("script" in step) {
      const { script, ...scope } = step
      assert.isUndefined(await world.script(script, scope))
    } else if ("refuses" in step) {
      assert.match((await world.script("unavailable", step.refuses)) ?? "not refused", step.saying)
    } else if ("customers" in step) {
      assert.deepStrictEqual(await world.customers(), step.customers)
    } else {
      assert.deepStrictEqual(await world.requested(), step.requested)
    }
  }
}

/** The vendor and its script, as simply as they can be said. */
interface Model {
  readonly customers: Set<string>
  steps: ReadonlyArray<{ readonly misfortune: Misfortune; readonly scope: Scope; left: number }>
}

const command = (name: string, run: (model: Model, real: StandIn) => Promise<void>) => ({
  check: () => true,
  run,
  toString: () => name
})

/** What the model says comes of a request, and what that leaves behind. */
const predict = (model: Model, customerId: string) => {
  const fitting = model.steps.filter(({ scope }) => scope.customerId === undefined || scope.customerId === customerId)
  const step = fitting.find(({ scope }) => scope.times !== undefined) ?? fitting.at(-1)
  if (step === undefined) return model.customers.delete(customerId) ? deleted : notFound
  step.left--
  model.steps = model.steps.filter(({ left }) => left > 0)
  if (step.misfortune === "lostAnswer") model.customers.delete(customerId)
  const { customerId: _, ...outcome } = outcomes[step.misfortune]
  return outcome
}

const customerIds = fc.constantFrom("a", "b", "c/d", "\u{1f600}")

const creates = customerIds.map((customerId) =>
  command(`create ${customerId}`, async ({ customers }, real) => {
    customers.add(customerId)
    await real.create(customerId)
  })
)

const deletes = customerIds.map((customerId) =>
  command(`delete ${customerId}`, async (model, real) => {
    assertHolds(await real.deleteCustomer(customerId), predict(model, customerId), customerId)
    assert.deepStrictEqual(await real.customers(), [...model.customers])
  })
)

const scripts = fc
  .record({
    misfortune: fc.constantFrom(...misfortunes),
    customerId: fc.option(customerIds, { nil: undefined }),
    // What is not counted would end the story, so it is rare.
    times: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 20 })
  })
  .map(({ misfortune, customerId, times }) => {
    const scope = { ...(customerId !== undefined && { customerId }), ...(times !== undefined && { times }) }
    return command(`script ${misfortune} ${JSON.stringify(scope)}`, async (model, real) => {
      model.steps = [...model.steps, { misfortune, scope, left: times ?? Number.POSITIVE_INFINITY }]
      assert.isUndefined(await real.script(misfortune, scope))
    })
  })
