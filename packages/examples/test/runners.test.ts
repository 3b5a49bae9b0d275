import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { account, type Stage, trial } from "../src/Trial.js"

// PostgreSQL's binaries come for these; elsewhere it is yours to provide, and the SQLite tests have to do.
const has = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"].includes(`${process.platform}-${process.arch}`)

describe.runIf(has)("three runners over PostgreSQL", () => {
  const survives = (what: string, halfWay: (stage: Stage) => Effect.Effect<void, unknown>) =>
    it.scopedLive(
      `erase every customer, and report each once, ${what}`,
      () =>
        Effect.gen(function* () {
          const customers = 600
          const ended = yield* trial({ customers, concurrency: 50, halfWay })
          const figures = account(ended)
          console.log(what, figures)
          assert.deepStrictEqual(ended.left, [])
          assert.strictEqual(new Set(ended.outcomes.map(({ requestId }) => requestId)).size, customers)
          assert.strictEqual(figures.deleted + figures.absent, customers)
          assert.strictEqual(figures.unexplained, 0)
        }),
      180_000
    )

  survives("although one is killed", ({ killARunner }) => killARunner)

  survives("although the database is gone for ten seconds", ({ postgres, say }) =>
    Effect.gen(function* () {
      yield* postgres.stop
      yield* say("PostgreSQL is stopped")
      yield* Effect.sleep("10 seconds")
      yield* postgres.start
      yield* say("PostgreSQL runs again")
    })
  )

  survives("although the credentials change under them", ({ handOver, rotate, say }) =>
    Effect.gen(function* () {
      yield* rotate
      yield* say("the vendor takes another secret")
      yield* Effect.sleep("5 seconds")
      yield* handOver
      yield* say("the runners have it")
    })
  )
})
