// One process of the durable benchmark; see durable.ts.
import * as SqlClient from "@effect/sql/SqlClient"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import { client, embedded, runner } from "@effect-flowwise/examples/erasure-engine"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer } from "@effect-flowwise/workflow"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Role } from "./durable.js"

const role = process.argv[2] as Role
const ids = Array.from({ length: Number(process.argv[3]) }, (_, index) => `cust_${index}`)

const print = (value: unknown) => Effect.sync(() => process.stdout.write(`${JSON.stringify(value)}\n`))

const erasing = <R>(size: Effect.Effect<number | undefined, unknown, R>) =>
  Effect.gen(function* () {
    // The engine is warm when it has done a hundred.
    yield* eraseAll(Array.from({ length: 100 }, (_, index) => `warm_${index}`))
    const before = yield* size
    const began = performance.now()
    yield* eraseAll(ids)
    const milliseconds = performance.now() - began
    const after = yield* size
    yield* print({ milliseconds, ...(before !== undefined && after !== undefined && { bytes: after - before }) })
  })

const eraseAll = (customers: ReadonlyArray<string>) =>
  Effect.forEach(customers, (customerId) => EraseCustomer.execute({ requestId: `dsr-${customerId}`, customerId }), {
    concurrency: 128,
    discard: true
  })

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

const vendor = FlowwiseTest.layer({ customers: ids })
const sqlite = (synchronous: "FULL" | "NORMAL") =>
  erasing(sqliteSize).pipe(
    Effect.provide(EraseCustomer.layer),
    Effect.provide(
      Layer.effectDiscard(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`PRAGMA synchronous = ${synchronous}`))
      ).pipe(Layer.provideMerge(embedded(process.env.DATABASE_FILE ?? "")))
    ),
    Effect.provide(vendor)
  )

const roles: Record<Role, Effect.Effect<unknown, unknown>> = {
  memory: erasing(Effect.succeed(undefined)).pipe(
    Effect.provide(EraseCustomer.layer.pipe(Layer.provideMerge(WorkflowEngine.layerMemory), Layer.provide(vendor)))
  ),
  sqlite: sqlite("FULL"),
  "sqlite-normal": sqlite("NORMAL"),
  runner: Effect.zipRight(print("up"), Effect.never).pipe(
    Effect.provide(EraseCustomer.layer.pipe(Layer.provide(runner), Layer.provide(vendor)))
  ),
  client: erasing(postgresSize).pipe(Effect.provide(client))
}

Effect.runPromise(roles[role])
