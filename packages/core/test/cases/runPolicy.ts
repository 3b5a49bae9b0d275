/** Runs a row of the table of policies on one edition of the client, over one transport. */
import { assert } from "vitest"
import type { Policy } from "./policies.js"
import * as RawServer from "./RawServer.js"
import type { Edition, makeWorld, TransportName } from "./run.js"

/** Runs one row, fails where it is not as promised, and gives the outcomes as JSON without what differs from run to run. */
export const runPolicy = async (
  edition: Edition,
  world: Awaited<ReturnType<typeof makeWorld>>,
  policy: Policy,
  transport: TransportName
): Promise<ReadonlyArray<unknown>> => {
  let requests = 0
  const server = await RawServer.listen(() => policy.answers[Math.min(requests++, policy.answers.length - 1)], {
    tls: policy.tls && world.certificates[policy.tls]
  })
  try {
    const baseUrl = policy.closed === true ? `http://127.0.0.1:${world.closedPort}` : server.baseUrl
    const outcomes = await edition.perform(transport, baseUrl, policy)
    assert.strictEqual(outcomes.length, policy.outcomes.length, "outcomes")
    for (const [at, expected] of policy.outcomes.entries()) assertHolds(outcomes[at], expected, policy.name)
    assert.strictEqual(requests, policy.requests, "requests")
    return JSON.parse(
      JSON.stringify(outcomes)
        .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:1234")
        .replaceAll(
          /"(deletedAt|observedAt)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g,
          '"$1":"2026-01-31T10:00:00.000Z"'
        )
    )
  } finally {
    await server.close()
  }
}

/** All that is expected is there, at any depth. */
export const assertHolds = (found: unknown, expected: unknown, name: string): void => {
  if (typeof expected !== "object" || expected === null) {
    assert.strictEqual(found, expected, name)
    return
  }
  assert(typeof found === "object" && found !== null, `${name}: ${JSON.stringify(found)}`)
  for (const [key, value] of Object.entries(expected)) {
    assertHolds((found as Record<string, unknown>)[key], value, `${name}: ${key} of ${JSON.stringify(found)}`)
  }
}
