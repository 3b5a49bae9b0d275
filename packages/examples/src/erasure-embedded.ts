/**
 * Durable erasure in one process over a SQLite file. Kill it and start it again: it goes on by itself. The file is
 * `flowwise-erasures.db` in the system's temporary folder; or `ERASURES_FILE`.
 *
 *     pnpm --filter @effect-flowwise/examples erasure:embedded dsr-2026-0042 cust_priya_sharma_2024
 */
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { NodeFlowwise } from "@effect-flowwise/node"
import { EraseCustomer, SqliteEngine } from "@effect-flowwise/workflow"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const [erasureId = "", customerId = ""] = process.argv.slice(2)

const filename = process.env.ERASURES_FILE ?? join(tmpdir(), "flowwise-erasures.db")

const ErasureLive = EraseCustomer.layer.pipe(
  Layer.provideMerge(SqliteEngine.layer({ filename })),
  Layer.provide(NodeFlowwise.layerConfig)
)

EraseCustomer.execute({ erasureId, customerId }).pipe(
  Effect.flatMap(({ attempts, receipt }) => Console.log(receipt._tag, attempts)),
  Effect.provide(ErasureLive),
  NodeRuntime.runMain
)
