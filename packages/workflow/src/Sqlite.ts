/**
 * A SQLite file as a `SqlClient`, over libsql. Every write takes the file's lock before it reads, and waits for it without
 * blocking the process, so that another process that writes to the file delays the engine and never makes it fail.
 *
 * @since 0.1.0
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type Libsql from "libsql"
import { StorageUnavailable } from "./Erasure.js"

type Database = InstanceType<typeof Libsql>
/** Records, or arrays of values. */
type Rows = ReadonlyArray<object>

const BEGIN = "BEGIN IMMEDIATE"
const PREPARED = 200
/** Statements that take no write lock. `WITH` may write, so it isn't one of them. */
const READS = /^\s*(SELECT|PRAGMA|VACUUM|EXPLAIN)\b/i

const often = Schedule.exponential("1 millis", 1.5).pipe(Schedule.union(Schedule.spaced("50 millis")))

const isBusy = ({ cause }: SqlError) =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" && cause.code.startsWith("SQLITE_BUSY")

/** @internal */
export const layer = (filename: string, options: { readonly alone: boolean }) =>
  Layer.scoped(
    SqlClient.SqlClient,
    Effect.gen(function* () {
      const { own, shared } = connections(yield* open(filename), filename)
      const semaphore = yield* Effect.makeSemaphore(1)
      const acquired = shared(semaphore.withPermits(1))
      const opened = Effect.gen(function* () {
        yield* acquired.executeRaw("PRAGMA journal_mode = WAL", [])
        return yield* acquired.executeValues("SELECT file FROM pragma_database_list WHERE name = 'main'", [])
      })
      // The real path, whatever links lead to it; empty for a database in memory.
      const [[file] = []] = yield* Effect.mapError(opened, ({ cause }) => unopened(filename, cause))
      if (options.alone && file) {
        yield* claim(String(file))
      }
      const transactionAcquirer = Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          restore(semaphore.take(1)),
          Effect.as(
            Effect.flatMap(Effect.scope, (scope) => Scope.addFinalizer(scope, semaphore.release(1))),
            own
          )
        )
      )
      return yield* SqlClient.make({
        acquirer: Effect.succeed(acquired),
        transactionAcquirer,
        compiler: Statement.makeCompilerSqlite(),
        beginTransaction: BEGIN,
        spanAttributes: [["db.system.name", "sqlite"]]
      })
    })
  ).pipe(Layer.provide(Reactivity.layer))

const unavailable = (filename: string, message: string) => new StorageUnavailable({ filename, message })

const open = (filename: string) =>
  Effect.gen(function* () {
    const { default: Driver } = yield* Effect.tryPromise({
      try: () => import("libsql"),
      catch: () => unavailable(filename, "The SQLite driver is not installed. Run: npm install libsql@0.5")
    })
    return yield* Effect.acquireRelease(
      Effect.try({
        try: () => new Driver(filename),
        catch: (error) => unopened(filename, error)
      }),
      (db) => Effect.sync(() => db.close())
    )
  })

const unopened = (filename: string, error: unknown) => {
  const why = error instanceof Error ? `: ${error.message}` : ""
  return unavailable(filename, `The database ${filename} can't be opened${why}. Check its path and permissions`)
}

/** Holds a lock beside the file while the engine runs. The system releases it when the process ends. */
const claim = (file: string) =>
  Effect.flatMap(open(`${file}.lock`), (db) =>
    Effect.try({
      try: () => db.exec("BEGIN EXCLUSIVE"),
      catch: () =>
        unavailable(
          file,
          `Another engine runs erasures on ${file}. Stop it first: a file has one engine at a time. For more than one, use PostgreSQL`
        )
    })
  )

const connections = (db: Database, filename: string) => {
  const attempt = <A>(evaluate: () => A) =>
    Effect.try({ try: evaluate, catch: (cause) => new SqlError({ cause, message: "Failed to execute statement" }) })

  // Not a prepared statement: after SQLITE_BUSY it would stay active in this driver, and no later transaction could
  // commit.
  const exec = (sql: string) => attempt(() => db.exec(sql))

  const locked = Effect.logWarning(
    `Another process has kept the database ${filename} locked for 10 seconds. Erasures go on as soon as the lock is free`
  )
  const untilFree = <A>(effect: Effect.Effect<A, SqlError>) =>
    effect.pipe(
      Effect.retry({ while: isBusy, schedule: Schedule.upTo(often, "10 seconds") }),
      Effect.tapError((error) => (isBusy(error) ? locked : Effect.void)),
      Effect.retry({ while: isBusy })
    )

  const statements = new Map<string, Libsql.Statement>()
  const prepared = (sql: string) => {
    const statement = statements.get(sql) ?? db.prepare(sql)
    statements.delete(sql)
    statements.set(sql, statement)
    for (const oldest of statements.keys()) {
      if (statements.size <= PREPARED) break
      statements.delete(oldest)
    }
    return statement
  }
  const run = (sql: string, params: ReadonlyArray<unknown>, how: { readonly keep: boolean; readonly raw: boolean }) =>
    Effect.flatMap(SqlClient.SafeIntegers, (safe) =>
      attempt(() => {
        const statement = how.keep ? prepared(sql) : db.prepare(sql)
        if (!statement.reader) {
          statement.run(...params)
          return []
        }
        return statement
          .safeIntegers(safe)
          .raw(how.raw)
          .all(...params) as Rows
      })
    )

  const rollback = Effect.suspend(() => (db.inTransaction ? exec("ROLLBACK") : Effect.void))
  // An interruption may come just after the transaction has begun.
  const begin = Effect.onInterrupt(Effect.interruptible(untilFree(exec(BEGIN))), () => Effect.ignore(rollback))
  const commit = Effect.tapError(exec("COMMIT"), () => rollback)
  const control: Record<string, Effect.Effect<unknown, SqlError> | undefined> = {
    [BEGIN]: begin,
    COMMIT: commit,
    ROLLBACK: rollback
  }

  /** A statement outside a transaction. One that writes gets a transaction of its own. */
  const single = (sql: string, statement: Effect.Effect<Rows, SqlError>) =>
    READS.test(sql)
      ? untilFree(statement)
      : Effect.uninterruptibleMask((restore) =>
          Effect.zipRight(
            begin,
            Effect.zipLeft(
              Effect.tapErrorCause(restore(statement), () => rollback),
              commit
            )
          )
        )

  const connection = (around: typeof single): Connection => {
    const execute =
      (keep: boolean): Connection["execute"] =>
      (sql, params, transform) => {
        const rows = around(sql, run(sql, params, { keep, raw: false }))
        return transform === undefined ? rows : Effect.map(rows, transform)
      }
    return {
      execute: execute(true),
      executeUnprepared: (sql, params, transform) =>
        Effect.suspend(() => {
          const known = control[sql]
          return known === undefined ? execute(false)(sql, params, transform) : Effect.as(known, [])
        }),
      executeRaw: (sql, params) => execute(true)(sql, params, undefined),
      executeValues: (sql, params) =>
        around(sql, run(sql, params, { keep: true, raw: true })) as unknown as Effect.Effect<
          ReadonlyArray<ReadonlyArray<unknown>>,
          SqlError
        >,
      executeStream: (sql, params, transform) =>
        Stream.unwrap(Effect.map(execute(true)(sql, params, transform), Stream.fromIterable))
    }
  }
  return {
    /** For the holder of the connection. */
    own: connection((_, statement) => statement),
    /** For all others: a statement waits for its turn. */
    shared: (inTurn: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
      connection((sql, statement) => inTurn(single(sql, statement)))
  }
}
