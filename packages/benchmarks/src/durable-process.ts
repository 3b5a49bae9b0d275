// One process of the durable benchmark; see durable.ts.
import * as SqlClient from "@effect/sql/SqlClient"
import * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import { CustomerDeleted, FlowwiseClient } from "@effect-flowwise/client"
import { client, runner } from "@effect-flowwise/examples/erasure-engine"
import { EraseCustomer, SqliteEngine } from "@effect-flowwise/workflow"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Role } from "./durable.js"

const role = process.argv[2] as Role
const ids = Array.from({ length: Number(process.argv[3]) }, (_, index) => `cust_${index}`)

const print = (value: unknown) => Effect.sync(() => process.stdout.write(`${JSON.stringify(value)}\n`))

type Once = (customerId: string) => Effect.Effect<unknown, unknown, WorkflowEngine.WorkflowEngine>

const erasing = <R, R2 = never>(
  size: Effect.Effect<number | undefined, unknown, R>,
  once: Once = erase,
  transactions: Effect.Effect<number | undefined, unknown, R2> = Effect.succeed(undefined)
) =>
  Effect.gen(function* () {
    const all = (customers: ReadonlyArray<string>) =>
      Effect.forEach(customers, once, { concurrency: 128, discard: true })
    // The engine is warm when it has done a hundred.
    yield* all(Array.from({ length: 100 }, (_, index) => `warm_${index}`))
    const before = { bytes: yield* size, transactions: yield* transactions }
    const began = performance.now()
    yield* all(ids)
    const milliseconds = performance.now() - began
    const after = { bytes: yield* size, transactions: yield* transactions }
    yield* print({
      milliseconds,
      bytes: difference(before.bytes, after.bytes),
      transactions: difference(before.transactions, after.transactions)
    })
  })

const difference = (before: number | undefined, after: number | undefined) =>
  before === undefined || after === undefined ? undefined : after - before

const erase = (customerId: string) =>
  Effect.retry(EraseCustomer.execute({ erasureId: `dsr-${customerId}`, customerId }), {
    while: ({ _tag }) => _tag === "EngineFailed"
  })

const sqliteSize = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
  const rows = yield* sql<{ size: number }>`
    SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()`
  return Number(rows[0]?.size)
})

/** So many transactions has the server committed. A connection that is idle tells it after ten seconds. */
const committed = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.sleep("11 seconds")
  const rows = yield* sql<{ count: string }>`SELECT sum(xact_commit) AS count FROM pg_stat_database`
  return Number(rows[0]?.count)
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
  payload: { id: Schema.String },
  idempotencyKey: ({ id }) => id
})
const nothing = [1, 2].map((number) => Activity.make({ name: `Nothing/${number}`, execute: Effect.void }))
const bare = Bare.toLayer(() => Effect.all(nothing, { discard: true }))

/** A vendor that takes no time. */
const vendor = Layer.succeed(FlowwiseClient, {
  environment: "stub",
  deleteCustomer: (customerId) =>
    Effect.map(DateTime.now, (deletedAt) => new CustomerDeleted({ customerId, environment: "stub", deletedAt }))
})
const sqlite = (synchronous: "FULL" | "NORMAL", once: Once = erase) =>
  erasing(sqliteSize, once).pipe(
    Effect.provide(Layer.merge(EraseCustomer.layer, bare)),
    Effect.provide(
      Layer.effectDiscard(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`PRAGMA synchronous = ${synchronous}`))
      ).pipe(Layer.provideMerge(SqliteEngine.layer({ filename: process.env.DATABASE_FILE ?? "" })))
    ),
    Effect.provide(vendor)
  )

const runBare = (id: string) => Bare.execute({ id })
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
  client: erasing(postgresSize, erase, committed).pipe(Effect.provide(client))
}

Effect.runPromise(roles[role])
