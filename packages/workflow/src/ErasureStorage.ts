/**
 * Lists erasures that wait, and purges those that have ended, in the tables of Effect's cluster. For SQLite and PostgreSQL.
 *
 * @since 0.1.0
 * @module
 */
import * as MachineId from "@effect/cluster/MachineId"
import * as Snowflake from "@effect/cluster/Snowflake"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Workflow from "@effect/workflow/Workflow"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { ErasureWaiting } from "./Erasure.js"
import { workflow as EraseCustomer } from "./Execution.js"
import { parseNote } from "./Waiting.js"

const BATCH = 500
// Of the engine's durable clock.
const CLOCK = "Workflow/-/DurableClock"
const first = MachineId.make(0)

const entityType = ({ name }: Workflow.Any) => `Workflow/${name}`

/** How the engine stores the reply to an execution that is over, and the end of the reply to one that waits. */
const over = `{"_tag":"Success","value":{"_tag":"Complete"%`
const suspended = `"_tag":"Suspended"}}`

const forget = (json: string) => JSON.stringify(JSON.parse(json), (key, value) => (key === "customerId" ? "" : value))
const forgotten = `%"customerId":""%`

/**
 * Every erasure that waits: for an approval, for credentials, for the vendor, or for an upgrade.
 *
 * **Details**: the first call makes an index on the engine's tables. With it, the time depends on how many erasures wait, not
 * on how many are stored. The result names no customer.
 *
 * @example
 * ```ts
 * import { ErasureStorage } from "@effect-flowwise/workflow"
 * import * as Effect from "effect/Effect"
 *
 * const stuck = Effect.map(ErasureStorage.waiting, (all) => all.filter(({ status }) => status.for === "Credentials"))
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const waiting: Effect.Effect<
  ReadonlyArray<{ readonly erasureId: string; readonly receivedAt: DateTime.Utc; readonly status: ErasureWaiting }>,
  SqlError,
  SqlClient.SqlClient
> = Effect.gen(function* () {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  // The query and the index need the same expression, or else the index is not used.
  const ending = sql.onDialectOrElse({
    pg: () => `right(payload, ${suspended.length})`,
    orElse: () => `substr(payload, -${suspended.length})`
  })
  const waits = `${ending} = '${suspended}'`
  yield* index("erasure_waiting", `cluster_replies (request_id) WHERE ${waits}`)
  // CROSS, since SQLite then begins with the replies.
  const rows = yield* sql<{ payload: string; reply: string }>`
    SELECT m.payload, r.reply
    FROM (SELECT request_id, payload AS reply FROM cluster_replies WHERE ${sql.literal(waits)}) r
    CROSS JOIN cluster_messages m
    WHERE m.id = r.request_id AND m.entity_type = ${entityType(EraseCustomer)} AND m.tag = 'run'
    ORDER BY m.id`
  return rows.flatMap(({ payload, reply }) =>
    Option.toArray(parseNote(JSON.parse(reply).value.cause?.defect?.message)).map(({ status }) => {
      const { erasureId, receivedAt }: { erasureId: string; receivedAt: string } = JSON.parse(payload)
      return { erasureId, receivedAt: DateTime.unsafeMake(receivedAt), status }
    })
  )
})

/** Makes an index that the engine lacks, once. Without the right to do so, queries are slower. */
const index = (name: string, on: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // Making it again would wait for all writers.
    const [there] = yield* sql.onDialectOrElse({
      pg: () => sql`SELECT 1 FROM pg_class WHERE relname = ${name}`,
      orElse: () => sql`SELECT 1 FROM sqlite_master WHERE name = ${name}`
    })
    if (there === undefined) {
      yield* Effect.ignore(sql.unsafe(`CREATE INDEX IF NOT EXISTS ${name} ON ${on}`))
    }
  })

/**
 * Keeps two gauges: `flowwise.erasures.waiting`, how many erasures wait, and `flowwise.erasures.waiting.oldest`, the
 * seconds since the oldest of them was received. Both have a tag `for` with the cause: `Approval`, `Credentials`, `Vendor`
 * or `Upgrade`.
 *
 * **Details**: reads `waiting` every `interval`; default: 1 minute. If the database can't be read, the gauges stay as they
 * are and the log has a warning.
 *
 * @example
 * ```ts
 * import { EraseCustomer, ErasureStorage, SqliteEngine } from "@effect-flowwise/workflow"
 * import * as Layer from "effect/Layer"
 *
 * const ErasureLive = Layer.merge(EraseCustomer.layer, ErasureStorage.layerMetrics()).pipe(
 *   Layer.provide(SqliteEngine.layer({ filename: "erasures.db" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMetrics = (
  options: { readonly interval?: Duration.DurationInput | undefined } = {}
): Layer.Layer<never, never, SqlClient.SqlClient> =>
  measure.pipe(
    Effect.catchAll(() => Effect.logWarning("The erasures that wait can't be counted: the database can't be read")),
    Effect.repeat(Schedule.spaced(options.interval ?? "1 minute")),
    Effect.forkScoped,
    Layer.scopedDiscard
  )

const count = Metric.gauge("flowwise.erasures.waiting", { description: "Erasures that wait, by cause" })
const oldest = Metric.gauge("flowwise.erasures.waiting.oldest", {
  description: "Seconds since the oldest erasure that waits was received, by cause"
})

const measure = Effect.gen(function* () {
  const all = yield* waiting
  const now = yield* Clock.currentTimeMillis
  for (const cause of ErasureWaiting.fields.for.literals) {
    const ages = all
      .filter(({ status }) => status.for === cause)
      .map(({ receivedAt }) => (now - DateTime.toEpochMillis(receivedAt)) / 1000)
    yield* Metric.set(Metric.tagged(count, "for", cause), ages.length)
    yield* Metric.set(
      Metric.tagged(oldest, "for", cause),
      ages.reduce((one, other) => Math.max(one, other), 0)
    )
  }
})

/**
 * Forgets the customers of erasures that ended longer ago than `olderThan`, and gives their number. It empties the customer id
 * in the stored request and outcome, and deletes the steps in between. The erasure id stays, so that no erasure runs again:
 * `poll` gives the outcome without the customer id, and `execute` fails with `ErasureIdTaken`.
 *
 * **Details**: `workflow` is the workflow to purge. Default: `EraseCustomer.workflow`. For a workflow of your own that uses
 * `EraseCustomer.step`, it deletes all steps and empties every field named `customerId`. It works in transactions of 500
 * erasures. The first call makes an index on the engine's tables.
 *
 * @example
 * ```ts
 * import { ErasureStorage } from "@effect-flowwise/workflow"
 * import * as Effect from "effect/Effect"
 * import * as Schedule from "effect/Schedule"
 *
 * const daily = ErasureStorage.purge({ olderThan: "90 days" }).pipe(Effect.repeat(Schedule.spaced("1 day")))
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const purge = (options: {
  readonly olderThan: Duration.DurationInput
  readonly workflow?: Workflow.Any | undefined
}): Effect.Effect<number, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const type = entityType(options.workflow ?? EraseCustomer)
    const cutoff = Math.max(0, Math.floor((yield* Clock.currentTimeMillis) - Duration.toMillis(options.olderThan)))
    yield* index("erasure_execution", "cluster_messages (entity_id)")
    let total = 0
    let last: string | bigint | undefined = 0n
    while (last !== undefined) {
      const rows: ReadonlyArray<Row> = yield* purgeBatch(type, cutoff, String(last))
      total += rows.length
      yield* breathe
      last = rows.at(-1)?.id
    }
    return total
  }).pipe(Effect.provideService(SqlClient.SafeIntegers, true))

/** Lets the process do something else, since a transaction over SQLite blocks it. */
const breathe = Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))

interface Row {
  readonly id: string | bigint
  readonly entity_id: string
  readonly payload: string
  readonly reply_id: string | bigint
  readonly reply: string
}

const purgeBatch = (type: string, cutoff: number, last: string) =>
  Effect.gen(function* () {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    // An id holds the time at which it was made.
    const before = sql.literal(String(Snowflake.make({ timestamp: cutoff, machineId: first, sequence: 0 })))
    // CROSS, since SQLite then begins with the messages, in the order of their ids, and ends with the last one of the batch.
    const rows = yield* sql<Row>`
      SELECT m.id, m.entity_id, m.payload, r.id AS reply_id, r.payload AS reply
      FROM cluster_messages m CROSS JOIN cluster_replies r
      WHERE r.request_id = m.id AND m.entity_type = ${type} AND m.tag = 'run' AND r.payload LIKE ${over} AND r.id < ${before}
      AND m.id > ${sql.literal(last)} AND m.payload NOT LIKE ${forgotten}
      ORDER BY m.id LIMIT ${sql.literal(String(BATCH))}`
    if (rows.length === 0) {
      return rows
    }
    yield* rewrite(
      "cluster_messages",
      rows.map(({ id, payload }) => [String(id), forget(payload)])
    )
    yield* rewrite(
      "cluster_replies",
      rows.map(({ reply, reply_id }) => [String(reply_id), forget(reply)])
    )
    const ids = rows.map((row) => row.entity_id)
    const steps = sql`${sql.in("entity_type", [type, CLOCK])} AND ${sql.in("entity_id", ids)}
      AND NOT (entity_type = ${type} AND tag = 'run')`
    yield* sql`DELETE FROM cluster_replies WHERE request_id IN (SELECT id FROM cluster_messages WHERE ${steps})`
    yield* sql`DELETE FROM cluster_messages WHERE ${steps}`
    return rows
  }).pipe((batch) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(batch)))

/** Gives rows new payloads, in one statement. */
const rewrite = (table: string, payloads: ReadonlyArray<readonly [id: string, payload: string]>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.onDialectOrElse({
      pg: () => sql`
        UPDATE ${sql(table)} SET payload = new.value ->> 1
        FROM json_array_elements(${JSON.stringify(payloads)}::json) AS new
        WHERE id = (new.value ->> 0)::bigint`,
      orElse: () => sql`
        UPDATE ${sql(table)} SET payload = new.value ->> 1
        FROM json_each(${JSON.stringify(payloads)}) AS new
        WHERE ${sql(table)}.id = CAST(new.value ->> 0 AS INTEGER)`
    })
  )
