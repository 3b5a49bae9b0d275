/**
 * Durable erasure on many machines over PostgreSQL: the runners, whoever starts erasures on them, and their health.
 */
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Runners from "@effect/cluster/Runners"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const sharding: Partial<ShardingConfig.ShardingConfig["Type"]> = {
  // A runner that is gone is missed within seconds, and its erasures go on elsewhere.
  runnerHealthCheckInterval: "5 seconds",
  // A database that is gone for longer is noticed, and what it had in hand is read again. Shorter: within ten minutes.
  shardLockRefreshInterval: "3 seconds",
  entityMessagePollInterval: "2 seconds",
  // An execution that is over is let go of at once, and not after a minute. These two make the engine a third faster.
  entityMaxIdleTime: "2 seconds",
  simulateRemoteSerialization: false
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
