import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, it } from "@effect/vitest"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer, SqliteEngine } from "@effect-flowwise/workflow"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Offboarding from "../src/Offboarding.js"

it.scopedLive(
  "an offboarding goes on behind the last step that is done, and erases nobody twice",
  () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "offboarding-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const vendor = yield* Layer.build(FlowwiseTest.layer({ customers: ["cust_1", "cust_2"] }))
      const unsubscribed: Array<string> = []
      const atMailTool = yield* Deferred.make<void>()
      const life = (mailTool: Offboarding.MailTool["Type"]) =>
        Layer.merge(Offboarding.layer, EraseCustomer.layer).pipe(
          Layer.provideMerge(SqliteEngine.layer({ filename: join(folder, "erasures.db") })),
          Layer.provide(Layer.succeed(Offboarding.MailTool, mailTool)),
          Layer.provideMerge(Layer.succeedContext(vendor))
        )
      const request = { offboardingId: "off-1", customerId: "cust_1" }

      // The first life ends while the mail tool is silent.
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE accounts (customer_id TEXT)`
        yield* sql`INSERT INTO accounts VALUES ('cust_1'), ('cust_2')`
        yield* Offboarding.Offboarding.execute(request, { discard: true })
        yield* Deferred.await(atMailTool)
      }).pipe(
        Effect.provide(
          life({ unsubscribe: () => Effect.zipRight(Deferred.succeed(atMailTool, undefined), Effect.never) })
        ),
        Effect.timeoutFail({ duration: "40 seconds", onTimeout: () => new Error("the first life doesn't end") })
      )
      yield* Effect.gen(function* () {
        const done = yield* Offboarding.Offboarding.execute(request)
        assert.deepStrictEqual(done, { accounts: 1 })
        assert.deepStrictEqual(yield* (yield* SqlClient.SqlClient)`SELECT * FROM accounts`, [{ customer_id: "cust_2" }])
        assert.deepStrictEqual(unsubscribed, ["cust_1"])
        const fake = yield* FlowwiseTest
        assert.deepStrictEqual(yield* fake.customers, ["cust_2"])
        assert.strictEqual((yield* fake.requests).length, 1)
      }).pipe(
        Effect.provide(life({ unsubscribe: (customerId) => Effect.sync(() => void unsubscribed.push(customerId)) }))
      )
    }),
  60_000
)
