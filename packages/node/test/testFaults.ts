import { afterAll, assert, describe, it } from "@effect/vitest"
import { excuse, type Fault, makeWorld, type TransportName, transportNames, wrongs } from "@effect-flowwise/core/cases"
import { edition } from "./edition.js"

export const world = await makeWorld()
afterAll(world.close)

/** Tests rows of the table over each transport, and hands on the verdicts. */
export const testFaults = (
  rows: ReadonlyArray<Fault>,
  onVerdict: (fault: Fault, transport: TransportName, verdict: string) => void = () => {}
) =>
  describe.concurrent.each(transportNames)("faults over %s", (transport) => {
    for (const fault of rows) {
      it(`${fault.point}. ${fault.name}: ${Array.from(new Set(fault.outcomes)).join(", ")}`, {
        // A deadline that a busy machine missed is met the second time.
        retry: 1,
        timeout: 60_000
      }, async () => {
        const verdict = await wrongs(edition, world, fault, transport)
        onVerdict(fault, transport, verdict)
        assert.include(["", excuse(fault, transport)], verdict)
      })
    }
  })
