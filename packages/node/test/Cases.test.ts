import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { DeleteCustomerError, RateLimited } from "@effect-flowwise/client"
import { makeWorld, policies, runPolicy, transportNames } from "@effect-flowwise/core/cases"
import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { afterAll, assert, describe, expect, it } from "vitest"
import { AnyOutcome, edition } from "./edition.js"

const world = await makeWorld()
afterAll(world.close)

describe.each(transportNames)("policies over %s", (transport) => {
  it.each(policies)("$name", async (policy) => {
    await runPolicy(edition, world, policy, transport)
  })
})

const golden = (edition: "effect3" | "effect4") =>
  new URL(`../../core/test/cases/golden/${edition}.json`, import.meta.url)

describe("the JSON of every error, receipt and outcome", () => {
  it("is what it was", async () => {
    const written: Record<string, unknown> = {}
    for (const policy of policies) {
      written[policy.name] = await runPolicy(edition, world, policy, "NodeFlowwise.layerTransport")
    }
    const toJson = Schema.encodeSync(DeleteCustomerError)
    for (const duration of [Duration.millis(1.5), Duration.nanos(1_500_001n), Duration.infinity]) {
      const error = new RateLimited({ retryAfter: Option.some(duration) })
      written[`made by hand: a wait of ${Duration.format(duration)}`] = [toJson(error)]
    }
    await expect(`${JSON.stringify(written, null, 2)}\n`).toMatchFileSnapshot(fileURLToPath(golden("effect3")))
  })

  it.each(["effect3", "effect4"] as const)("of %s is read without loss", (edition) => {
    const all: Record<string, ReadonlyArray<unknown>> = JSON.parse(readFileSync(golden(edition), "utf8"))
    for (const [name, outcomes] of Object.entries(all)) {
      for (const json of outcomes) {
        const value = Schema.decodeUnknownSync(AnyOutcome)(json)
        assert.deepStrictEqual<unknown>(Schema.encodeSync(AnyOutcome)(value), json, name)
        assert.isTrue(Equal.equals(Schema.decodeUnknownSync(AnyOutcome)(json), value), name)
      }
    }
  })

  it("is the same in both editions", () => {
    // Effect 3 writes the tag last, Effect 4 first.
    assert.deepStrictEqual(
      JSON.parse(readFileSync(golden("effect4"), "utf8")),
      JSON.parse(readFileSync(golden("effect3"), "utf8"))
    )
  })
})
