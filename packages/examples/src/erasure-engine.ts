/**
 * The two set-ups of durable erasure: in one process over a SQLite file, and as one of many runners over PostgreSQL.
 */
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Runners from "@effect/cluster/Runners"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SingleRunner from "@effect/cluster/SingleRunner"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** What makes the engine a third faster, and its heap small. */
const lean = {
  // An execution that is over is let go of at once, and not after a minute.
  entityMaxIdleTime: "2 seconds",
  simulateRemoteSerialization: false
} as const

/** The engine in this process, over a file. One process has the file at a time. */
export const embedded = (filename: string) =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(
      SingleRunner.layer({
        // No other runner takes over, so that there is nothing to lock.
        runnerStorage: "memory",
        shardingConfig: { ...lean, entityMessagePollInterval: "1 second" }
      })
    ),
    Layer.provideMerge(SqliteClient.layer({ filename }))
  )

const sharding: Partial<ShardingConfig.ShardingConfig["Type"]> = {
  // A runner that is gone is missed within seconds, and its erasures go on elsewhere.
  runnerHealthCheckInterval: "5 seconds",
  // A database that is gone for longer is noticed, and what it had in hand is read again. Shorter: within ten minutes.
  shardLockRefreshInterval: "3 seconds",
  entityMessagePollInterval: "2 seconds",
  ...lean
}

/** PostgreSQL at `DATABASE_URL`. */
const postgres = PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") })

/** The engine as one runner of many, reachable for the others at `HOST` and `PORT`. */
export const runner = ClusterWorkflowEngine.layer.pipe(
  Layer.provideMerge(NodeClusterSocket.layer({ shardingConfig: sharding })),
  Layer.provideMerge(postgres)
)

/** The engine for those who only ask: erasures are started from here, and run on the runners. */
export const client = ClusterWorkflowEngine.layer.pipe(
  Layer.provideMerge(NodeClusterSocket.layer({ clientOnly: true, shardingConfig: sharding })),
  Layer.provideMerge(postgres)
)

/** Every registered runner, and whether it answers a ping. */
export const health = Effect.gen(function* () {
  const storage = yield* RunnerStorage.RunnerStorage
  const { isAlive } = yield* RunnerHealth.RunnerHealth
  return yield* Effect.forEach(
    yield* storage.getRunners,
    ([{ address }]) => Effect.map(isAlive(address), (answers) => ({ address, answers })),
    { concurrency: "unbounded" }
  )
}).pipe(
  Effect.provide(
    Layer.merge(
      SqlRunnerStorage.layer,
      RunnerHealth.layerPing.pipe(
        Layer.provide(Runners.layerRpc),
        Layer.provide([NodeClusterSocket.layerClientProtocol, SqlMessageStorage.layer])
      )
    ).pipe(
      Layer.provide([
        RpcSerialization.layerMsgPack,
        Layer.effect(ShardingConfig.ShardingConfig, ShardingConfig.configFromEnv)
      ]),
      Layer.provide(postgres)
    )
  ),
  Effect.scoped
)
