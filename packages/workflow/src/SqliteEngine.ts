/**
 * Effect's workflow engine in one process, over a SQLite file.
 *
 * @since 0.1.0
 * @module
 */
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import type { MessageStorage } from "@effect/cluster/MessageStorage"
import type { Runners } from "@effect/cluster/Runners"
import type { Sharding } from "@effect/cluster/Sharding"
import type { ShardingConfig } from "@effect/cluster/ShardingConfig"
import * as SingleRunner from "@effect/cluster/SingleRunner"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { WorkflowEngine } from "@effect/workflow/WorkflowEngine"
import type { ConfigError } from "effect/ConfigError"
import * as Layer from "effect/Layer"
import type { StorageUnavailable } from "./Erasure.js"
import * as Sqlite from "./Sqlite.js"

/**
 * The engine over a SQLite file, which is created where there is none. It also provides the file as a `SqlClient`, for
 * `ErasureStorage` and for tables of your own.
 *
 * **When to use**: erasures run in one process. For several processes or machines, use the engine over PostgreSQL.
 *
 * **Details**: needs the package `libsql`. Other processes may read from the file and write to it: a write waits until
 * the file is free, and after 10 seconds the log says so. A second engine on the same file fails with
 * `StorageUnavailable`, and so does a file that can't be opened. `shardingConfig` goes to Effect's `SingleRunner`.
 *
 * **Gotchas**: a file `erasures.db.lock` beside the database keeps a second engine out. If it stays behind after the engine
 * has ended, it locks nothing.
 *
 * @example
 * ```ts
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import { EraseCustomer, SqliteEngine } from "@effect-flowwise/workflow"
 * import * as Layer from "effect/Layer"
 *
 * const ErasureLive = EraseCustomer.layer.pipe(
 *   Layer.provideMerge(SqliteEngine.layer({ filename: "erasures.db" })),
 *   Layer.provide(NodeFlowwise.layerConfig)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: {
  readonly filename: string
  readonly shardingConfig?: Partial<ShardingConfig["Type"]> | undefined
}): Layer.Layer<WorkflowEngine | Sharding | Runners | MessageStorage | SqlClient, StorageUnavailable | ConfigError> =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(
      SingleRunner.layer({
        // No other runner takes over, so there is nothing to lock.
        runnerStorage: "memory",
        shardingConfig: {
          entityMessagePollInterval: "1 second",
          // Frees an execution soon after it ends, instead of after a minute.
          entityMaxIdleTime: "2 seconds",
          simulateRemoteSerialization: false,
          ...options.shardingConfig
        }
      })
    ),
    Layer.provideMerge(Sqlite.layer(options.filename, { alone: true }))
  )

/**
 * The same file without an engine, for a program that reports or purges while the engine runs in another process.
 *
 * **Details**: fails with `StorageUnavailable` where the file can't be opened.
 *
 * @example
 * ```ts
 * import { ErasureStorage, SqliteEngine } from "@effect-flowwise/workflow"
 * import * as Effect from "effect/Effect"
 *
 * const report = ErasureStorage.waiting.pipe(Effect.provide(SqliteEngine.layerClient({ filename: "erasures.db" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (options: { readonly filename: string }): Layer.Layer<SqlClient, StorageUnavailable> =>
  Sqlite.layer(options.filename, { alone: false })
