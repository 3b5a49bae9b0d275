/** Runs rows of the table of faults on an edition, over each transport. */
import { afterAll, assert, describe, it } from "vitest"
import type { Fault } from "./Fault.js"
import { type Edition, excuse, faults, makeWorld, report, type TransportName, transportNames, wrongs } from "./run.js"

/** Prints the table of verdicts where it has run all of them. Gives what a row runs in. */
export const testFaults = async (edition: Edition, rows: ReadonlyArray<Fault> = faults) => {
  const world = await makeWorld()
  afterAll(world.close)
  const verdicts = new Map<string, string>()
  const keyOf = (fault: Fault, transport: TransportName) => `${transport} ${faults.indexOf(fault)}`

  describe.concurrent.each(transportNames)("faults over %s", (transport) => {
    for (const fault of rows) {
      it(`${fault.point}. ${fault.name}: ${Array.from(new Set(fault.outcomes)).join(", ")}`, {
        // A deadline that a busy machine missed is met the second time.
        retry: 1,
        timeout: 60_000
      }, async () => {
        const verdict = await wrongs(edition, world, fault, transport)
        verdicts.set(keyOf(fault, transport), verdict)
        assert.include(["", excuse(fault, transport)], verdict)
      })
    }
  })

  afterAll(() => {
    if (rows === faults) console.log(report(transportNames, (fault, name) => verdicts.get(keyOf(fault, name))))
  })
  return world
}

/** One row of each family. */
export const oneOfEach = faults.filter(
  (fault, index) => faults.findIndex(({ point }) => point === fault.point) === index
)
