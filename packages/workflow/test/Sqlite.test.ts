import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer } from "@effect-flowwise/workflow"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { embedded } from "./fixtures/Embedded.js"
import { forgetsAndTells } from "./fixtures/storage.js"

describe("EraseCustomer, over a SQLite file", () => {
  /** A folder for the test, gone behind it. */
  const inFolder = <A, E>(body: (filename: string) => Effect.Effect<A, E>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "erasure-"))),
      (folder) => body(join(folder, "erasures.db")),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )

  it.live("keeps an outcome over a restart, and sends nothing again", () =>
    inFolder((filename) =>
      Effect.gen(function* () {
        const run = EraseCustomer.execute({ requestId: "dsr-1", customerId: "cust_1" }).pipe(
          Effect.zip(Effect.flatMap(FlowwiseTest, ({ requests }) => requests))
        )
        const life = Layer.provideMerge(embedded(filename), FlowwiseTest.layer({ customers: ["cust_1"] }))
        const [first, sent] = yield* Effect.provide(run, life)
        const [second, sentAgain] = yield* Effect.provide(run, life)
        assert.strictEqual(first.receipt._tag, "CustomerDeleted")
        assert.strictEqual(sent.length, 1)
        assert.deepStrictEqual(second, first)
        assert.strictEqual(sentAgain.length, 0)
      })
    )
  )

  it.live("forgets whose erasures are over, and tells what waits", () =>
    inFolder((filename) =>
      Effect.provide(
        forgetsAndTells,
        Layer.provideMerge(embedded(filename), FlowwiseTest.layer({ customers: ["cust_whose_id_must_go"] }))
      )
    )
  )
})
