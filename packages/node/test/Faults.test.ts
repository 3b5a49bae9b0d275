import { afterAll, assert, describe, it } from "@effect/vitest"
import { deleteCustomer } from "@effect-flowwise/client"
import {
  BROKEN,
  documented,
  excuse,
  type Fault,
  faults,
  makeWorld,
  report,
  type TransportName,
  transportNames,
  wrongs
} from "@effect-flowwise/core/cases"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { edition, summary } from "./edition.js"
import { clientAt, poolsOfOne } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

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

afterAll(() => console.log(report(transportNames, (fault, transport) => verdicts.get(keyOf(fault, transport)))))
