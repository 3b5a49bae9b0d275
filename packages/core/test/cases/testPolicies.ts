/** Runs the table of policies on an edition, and holds its JSON against the golden files of both. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, expect, it } from "vitest"
import { policies } from "./policies.js"
import { type Edition, makeWorld, transportNames } from "./run.js"
import { runPolicy } from "./runPolicy.js"

const golden = (edition: Edition["name"]) => new URL(`./golden/${edition}.json`, import.meta.url)

const writtenBy = (edition: Edition["name"]): Record<string, ReadonlyArray<unknown>> =>
  JSON.parse(readFileSync(golden(edition), "utf8"))

export const testPolicies = async (edition: Edition) => {
  const world = await makeWorld()
  afterAll(world.close)

  describe.each(transportNames)("policies over %s", (transport) => {
    it.each(policies)("$name", async (policy) => {
      await runPolicy(edition, world, policy, transport)
    })
  })

  describe("the JSON of every error, receipt and outcome", () => {
    it("is what it was", async () => {
      const written: Record<string, unknown> = {}
      for (const policy of policies) {
        written[policy.name] = await runPolicy(edition, world, policy, "NodeFlowwise.layerTransport")
      }
      for (const [name, json] of Object.entries(edition.byHand())) written[`made by hand: ${name}`] = [json]
      await expect(`${JSON.stringify(written, null, 2)}\n`).toMatchFileSnapshot(fileURLToPath(golden(edition.name)))
    })

    it.each(["effect3", "effect4"] as const)("of %s is read without loss", (other) => {
      for (const [name, outcomes] of Object.entries(writtenBy(other))) {
        for (const json of outcomes) assert.deepStrictEqual(edition.reread(json), { json, isEqual: true }, name)
      }
    })

    it("is the same in both editions", () => {
      // Effect 3 writes the tag last, Effect 4 first.
      assert.deepStrictEqual(writtenBy("effect4"), writtenBy("effect3"))
    })
  })
}
