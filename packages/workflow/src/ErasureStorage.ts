/**
 * The rows that Effect's cluster keeps of erasures: who waits, and what is left behind. For SQLite and PostgreSQL.
 *
 * @since 0.1.0
 */
import * as MachineId from "@effect/cluster/MachineId"
import * as Snowflake from "@effect/cluster/Snowflake"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Workflow from "@effect/workflow/Workflow"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { workflow as EraseCustomer } from "./EraseCustomer.js"
import type { ErasureWaiting } from "./Erasure.js"
import { parseNote } from "./Waiting.js"

const BATCH = 500
// Of the engine's durable clock.
const CLOCK = "Workflow/-/DurableClock"
const first = MachineId.make(0)

const entityType = ({ name }: Workflow.Any) => `Workflow/${name}`

/** How the engine stores the reply to an execution that is over, and to one that waits. */
const over = `{"_tag":"Success","value":{"_tag":"Complete"%`
const suspended = `%"_tag":"Suspended"}}`

const forget = (json: string) => JSON.stringify(JSON.parse(json), (key, value) => (key === "customerId" ? "" : value))
const forgotten = `%"customerId":""%`

/**
 * Every erasure that waits for longer: for an approval, for credentials, or for the vendor.
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
  ReadonlyArray<{ readonly erasureId: string; readonly status: ErasureWaiting }>,
  SqlError,
  SqlClient.SqlClient
> = Effect.gen(function* () {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const rows = yield* sql<{ payload: string; reply: string }>`
    SELECT m.payload, r.payload AS reply
    FROM cluster_messages m JOIN cluster_replies r ON r.request_id = m.id
    WHERE m.entity_type = ${entityType(EraseCustomer)} AND m.tag = 'run' AND r.payload LIKE ${suspended}
    ORDER BY m.id`
  return rows.flatMap(({ payload, reply }) =>
    Option.toArray(parseNote(JSON.parse(reply).value.cause?.defect?.message)).map(({ status }) => ({
      erasureId: JSON.parse(payload).erasureId,
      status
    }))
  )
})

/**
 * Forgets whose erasures are over for so long, and gives how many they were. The customer id becomes empty in what is kept
 * of the request and of the outcome; the steps in between go altogether. The erasure id stays, so that
 * nothing runs a second time: `poll` gives the outcome without the customer id, and `execute` fails as `ErasureIdTaken`.
 *
 * `workflow` is the workflow to purge, `EraseCustomer.workflow` unless told otherwise. One of your own that uses
 * `EraseCustomer.step` is purged of its steps and of every field that is named `customerId`.
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
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const type = entityType(options.workflow ?? EraseCustomer)
    const cutoff = Math.max(0, Math.floor((yield* Clock.currentTimeMillis) - Duration.toMillis(options.olderThan)))
    // An id holds the time at which it was made.
    const before = sql.literal(String(Snowflake.make({ timestamp: cutoff, machineId: first, sequence: 0 })))

    const batch = (last: string) =>
      sql.withTransaction(
        Effect.gen(function* () {
          const rows = yield* sql<Row>`
          SELECT m.id, m.entity_id, m.payload, r.id AS reply_id, r.payload AS reply
          FROM cluster_messages m JOIN cluster_replies r ON r.request_id = m.id
          WHERE m.entity_type = ${type} AND m.tag = 'run' AND r.payload LIKE ${over} AND r.id < ${before}
          AND m.id > ${sql.literal(last)} AND m.payload NOT LIKE ${forgotten}
          ORDER BY m.id LIMIT ${sql.literal(String(BATCH))}`
          if (rows.length === 0) {
            return rows
          }
          for (const { id, payload, reply, reply_id } of rows) {
            yield* sql`UPDATE cluster_messages SET payload = ${forget(payload)} WHERE id = ${id}`
            yield* sql`UPDATE cluster_replies SET payload = ${forget(reply)} WHERE id = ${reply_id}`
          }
          const types = sql.in("entity_type", [type, CLOCK])
          const steps = sql`${types} AND ${sql.in(
            "entity_id",
            rows.map((row) => row.entity_id)
          )}
          AND NOT (entity_type = ${type} AND tag = 'run')`
          yield* sql`DELETE FROM cluster_replies WHERE request_id IN (SELECT id FROM cluster_messages WHERE ${steps})`
          yield* sql`DELETE FROM cluster_messages WHERE ${steps}`
          return rows
        })
      )
    let total = 0
    let last: string | bigint | undefined = 0n
    while (last !== undefined) {
      const rows: ReadonlyArray<Row> = yield* batch(String(last))
      total += rows.length
      last = rows.at(-1)?.id
    }
    return total
  }).pipe(Effect.provideService(SqlClient.SafeIntegers, true))

interface Row {
  readonly id: string | bigint
  readonly entity_id: string
  readonly payload: string
  readonly reply_id: string | bigint
  readonly reply: string
}
