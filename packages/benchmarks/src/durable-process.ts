// One process of the durable benchmark; see durable.ts.
import * as SqlClient from "@effect/sql/SqlClient"
import * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import { client, embedded, runner } from "@effect-flowwise/examples/erasure-engine"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer } from "@effect-flowwise/workflow"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Role } from "./durable.js"

const role = process.argv[2] as Role
const ids = Array.from({ length: Number(process.argv[3]) }, (_, index) => `cust_${index}`)

const print = (value: unknown) => Effect.sync(() => process.stdout.write(`${JSON.stringify(value)}\n`))

type Once = (customerId: string) => Effect.Effect<unknown, unknown, WorkflowEngine.WorkflowEngine>

const erasing = <R>(size: Effect.Effect<number | undefined, unknown, R>, once: Once = erase) =>
  Effect.gen(function* () {
    const all = (customers: ReadonlyArray<string>) =>
      Effect.forEach(customers, once, { concurrency: 128, discard: true })
    // The engine is warm when it has done a hundred.
    yield* all(Array.from({ length: 100 }, (_, index) => `warm_${index}`))
    const before = yield* size
    const began = performance.now()
    yield* all(ids)
    const milliseconds = performance.now() - began
    const after = yield* size
    yield* print({ milliseconds, ...(before !== undefined && after !== undefined && { bytes: after - before }) })
  })

const erase = (customerId: string) => EraseCustomer.execute({ requestId: `dsr-${customerId}`, customerId })

const sqliteSize = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
  const rows = yield* sql<{ size: number }>`
    SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()`
  return Number(rows[0]?.size)
})

const postgresSize = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ size: string }>`
    SELECT pg_total_relation_size('cluster_messages') + pg_total_relation_size('cluster_replies') AS size`
  return Number(rows[0]?.size)
})

/** What the engine takes for a workflow of two activities that do nothing, which is its share of an erasure. */
const Bare = Workflow.make({
  name: "Bare",
  payload: { requestId: Schema.String },
  idempotencyKey: ({ requestId }) => requestId
})
const nothing = [1, 2].map((number) => Activity.make({ name: `Nothing/${number}`, execute: Effect.void }))
const bare = Bare.toLayer(() => Effect.all(nothing, { discard: true }))

const vendor = FlowwiseTest.layer({ customers: ids })
const sqlite = (synchronous: "FULL" | "NORMAL", once: Once = erase) =>
  erasing(sqliteSize, once).pipe(
    Effect.provide(Layer.merge(EraseCustomer.layer, bare)),
    Effect.provide(
      Layer.effectDiscard(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`PRAGMA synchronous = ${synchronous}`))
      ).pipe(Layer.provideMerge(embedded(process.env.DATABASE_FILE ?? "")))
    ),
    Effect.provide(vendor)
  )

const runBare = (requestId: string) => Bare.execute({ requestId })
const memory = (once: Once = erase) =>
  erasing(Effect.succeed(undefined), once).pipe(
    Effect.provide(
      Layer.merge(EraseCustomer.layer, bare).pipe(Layer.provideMerge(WorkflowEngine.layerMemory), Layer.provide(vendor))
    )
  )

const roles: Record<Role, Effect.Effect<unknown, unknown>> = {
  memory: memory(),
  "memory-bare": memory(runBare),
  "sqlite-bare": sqlite("FULL", runBare),
  sqlite: sqlite("FULL"),
  "sqlite-normal": sqlite("NORMAL"),
  runner: Effect.zipRight(print("up"), Effect.never).pipe(
    Effect.provide(EraseCustomer.layer.pipe(Layer.provide(runner), Layer.provide(vendor)))
  ),
  client: erasing(postgresSize).pipe(Effect.provide(client))
}

Effect.runPromise(roles[role])
