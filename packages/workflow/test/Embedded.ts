import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as SingleRunner from "@effect/cluster/SingleRunner"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { EraseCustomer } from "@effect-flowwise/workflow"
import * as Layer from "effect/Layer"

/** Erasures in this process, over a SQLite file. */
export const embedded = (filename: string, options: EraseCustomer.EraseCustomerOptions = {}) =>
  EraseCustomer.layerWith(options).pipe(
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(
      SingleRunner.layer({ runnerStorage: "memory", shardingConfig: { entityMessagePollInterval: "500 millis" } })
    ),
    Layer.provideMerge(SqliteClient.layer({ filename }))
  )
