/**
 * One runner of many. It runs erasures until SIGTERM, and then lets go of them for the others:
 *
 *     DATABASE_URL=postgres://… HOST=10.0.0.1 PORT=34431 pnpm --filter @effect-flowwise/examples erasure:runner
 *
 * The secret is read from a file, as a secret manager mounts it, so that a new one is taken up without a restart.
 */
import { readFile } from "node:fs/promises"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Credentials, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { EraseCustomer } from "@effect-flowwise/workflow"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { runner } from "./erasure-engine.js"

const credentials = Layer.unwrapEffect(
  Effect.gen(function* () {
    const clientId = yield* Config.string("FLOWWISE_CLIENT_ID")
    const file = yield* Config.string("FLOWWISE_CLIENT_SECRET_FILE")
    const load = Effect.map(
      Effect.tryPromise(() => readFile(file, "utf8")),
      (clientSecret) => ({ clientId, clientSecret: Redacted.make(clientSecret) })
    )
    return Credentials.layerRefreshing({ load, timeToLive: "5 minutes" })
  })
)

const erasures = Layer.unwrapEffect(
  Effect.map(Config.withDefault(Config.duration("ERASURE_FIRST_WAIT"), "1 minute" as const), (baseDelay) =>
    EraseCustomer.layerWith({ patience: { baseDelay } })
  )
)

erasures.pipe(
  Layer.provide(runner),
  Layer.provide(NodeFlowwise.layer.pipe(Layer.provide([credentials, Environment.layerConfig]))),
  Layer.tap(() => Effect.log("The runner is up")),
  Layer.launch,
  NodeRuntime.runMain
)
