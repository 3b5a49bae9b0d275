import { assert, describe, it } from "@effect/vitest"
import { type Fault, faults, testFaults, transportNames, wrongs } from "@effect-flowwise/core/cases"
import * as Effect from "effect/Effect"
import { edition } from "./edition.js"
import * as RawServer from "./RawServer.js"

const world = await testFaults(edition)

describe.each(transportNames)("memory over %s", (transport) => {
  it.scopedLive(
    "never grows by as much as one of the answers that are too large to keep",
    () =>
      Effect.gen(function* () {
        const before = process.memoryUsage.rss()
        let peak = before
        const look = setInterval(() => {
          peak = Math.max(peak, process.memoryUsage.rss())
        }, 5)
        yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(look)))
        for (const fault of faults.filter(isLarge))
          yield* Effect.promise(() => wrongs(edition, world, fault, transport))
        assert.isBelow(peak - before, RawServer.ENDLESS)
      }),
    60_000
  )
})

const isLarge = (fault: Fault) =>
  fault
    .answers({ own: 0, elsewhere: 0, closed: 0 })
    .some((answer) => answer !== undefined && (answer.endless !== undefined || answer.bytes.length > 1024 * 1024))
