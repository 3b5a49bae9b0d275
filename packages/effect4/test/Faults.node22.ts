import {
  excuse,
  type Fault,
  faults,
  makeWorld,
  report,
  type TransportName,
  transportNames,
  wrongs
} from "@effect-flowwise/core/cases"
import { afterAll, assert, describe, it } from "vitest"
import { edition } from "./adapter.js"

const world = await makeWorld()
afterAll(world.close)

const verdicts = new Map<string, string>()
const keyOf = (fault: Fault, transport: TransportName) => `${transport} ${faults.indexOf(fault)}`

describe.concurrent.each(transportNames)("faults over %s", (transport) => {
  for (const fault of faults) {
    it(`${fault.point}. ${fault.name}: ${Array.from(new Set(fault.outcomes)).join(", ")}`, {
      timeout: 60_000
    }, async () => {
      const verdict = await wrongs(edition, world, fault, transport)
      verdicts.set(keyOf(fault, transport), verdict)
      assert.include(["", excuse(fault, transport)], verdict)
    })
  }
})

afterAll(() => console.log(report(transportNames, (fault, transport) => verdicts.get(keyOf(fault, transport)))))
