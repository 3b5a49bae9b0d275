/** Everything that waits goes on by timers that a test fakes, though the network takes real turns. */
import { afterEach, assert, describe, it, vi } from "vitest"
import type { Call } from "./policies.js"
import * as RawServer from "./RawServer.js"
import { http } from "./RawServer.js"
import { type Edition, transportNames } from "./run.js"

const realSetImmediate = globalThis.setImmediate

/** Ten seconds of faked time, a tenth of a second after each of the network's turns. */
const tenSeconds = async () => {
  for (let tenths = 0; tenths < 100; tenths++) {
    await vi.advanceTimersByTimeAsync(100)
    await new Promise((resolve) => realSetImmediate(resolve))
  }
}

const waits: ReadonlyArray<
  Call & {
    readonly name: string
    readonly answers: ReadonlyArray<RawServer.Answer | undefined>
    readonly tags: ReadonlyArray<string>
    readonly takes: number
  }
> = [
  {
    name: "the pace of deleteCustomers goes on",
    operation: "deleteCustomers",
    ids: ["1", "2", "3"],
    rateLimit: { limit: 1, interval: 3000 },
    answers: [http(204), http(204), http(204)],
    tags: ["CustomerDeleted", "CustomerDeleted", "CustomerDeleted"],
    takes: 6000
  },
  {
    name: "a wait between two attempts goes on",
    operation: "deleteCustomer",
    ids: ["1"],
    retry: {},
    answers: [http(429, { "retry-after": "5" }), http(204)],
    tags: ["CustomerDeleted"],
    takes: 5000
  },
  {
    name: "the time-out strikes",
    operation: "deleteCustomer",
    ids: ["1"],
    timeout: 5000,
    answers: [undefined],
    tags: ["RequestFailed"],
    // The real time before the wait counts too.
    takes: 4500
  }
]

export const testFakeTimers = (edition: Edition) => {
  afterEach(() => void vi.useRealTimers())

  describe.each(transportNames)("under vi.useFakeTimers, over %s", (transport) => {
    it.each(waits)("$name", async ({ answers, tags, takes, ...call }) => {
      let requests = 0
      const server = await RawServer.listen(() => answers[requests++])
      try {
        vi.useFakeTimers()
        const began = Date.now()
        const performed = edition
          .perform(transport, server.baseUrl, call)
          .then((outcomes) => ({ outcomes, took: Date.now() - began }))
        await tenSeconds()
        const { outcomes, took } = await performed
        assert.deepStrictEqual(
          outcomes.map((outcome) => (outcome as { readonly _tag: string })._tag),
          tags
        )
        assert.strictEqual(requests, answers.length)
        assert.isAtLeast(took, takes)
        assert.isBelow(took, 10_000)
      } finally {
        await server.close()
      }
    })
  })
}
