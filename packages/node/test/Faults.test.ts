import { assert, describe, it } from "@effect/vitest"
import { deleteCustomer } from "@effect-flowwise/client"
import { BROKEN, documented, faults } from "@effect-flowwise/core/cases"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { summary } from "./edition.js"
import { clientAt, poolsOfOne } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

import { testFaults } from "./testFaults.js"

// One row of each family: `Faults.soak.test.ts` has them all.
testFaults(faults.filter((fault, index) => faults.findIndex(({ point }) => point === fault.point) === index))

describe.each(Object.entries(poolsOfOne))("a pool of one connection over %s", (_, httpClient) => {
  it.scopedLive("starves at no answer, read or not", () =>
    Effect.gen(function* () {
      const answerTo: Record<string, RawServer.Answer> = {
        CustomerDeleted: http(204, { "content-length": "1000" }),
        CustomerNotFound: json(404, documented[404]),
        "UnexpectedResponse 502": http(502, {}, "x".repeat(200_000)),
        "UnexpectedResponse 307": http(307, { location: "/customer/x" }),
        "UnexpectedResponse 403": http(403, { "content-encoding": "gzip" }, "x".repeat(200_000)),
        "RateLimited at some time": http(429, { "content-length": "1000" }),
        [BROKEN]: { bytes: "", close: true }
      }
      const server = yield* RawServer.make((target) => answerTo[decodeURIComponent(target.split("/")[2]!)])
      const asked = Array.from({ length: 5 }, () => Object.keys(answerTo)).flat()
      const found = yield* Effect.forEach(asked, (id) => Effect.either(deleteCustomer(id)), {
        concurrency: "unbounded"
      }).pipe(Effect.provide(clientAt(server.baseUrl, httpClient, { timeout: "5 seconds" })))
      assert.deepStrictEqual(
        found.map((result) => summary(Either.merge(result))),
        asked
      )
    })
  )
})
