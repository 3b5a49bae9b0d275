/**
 * Starts an erasure on the runners, and prints what has become of it. Run it again to look again: the same erasure id never
 * runs twice.
 *
 *     DATABASE_URL=postgres://… pnpm --filter @effect-flowwise/examples erasure:start dsr-2026-0042 cust_priya_sharma_2024
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { EraseCustomer } from "@effect-flowwise/workflow"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { client } from "./erasure-engine.js"

const [erasureId = "", customerId = ""] = process.argv.slice(2)

EraseCustomer.start({ erasureId, customerId }).pipe(
  Effect.zipRight(Effect.flatten(EraseCustomer.poll(erasureId))),
  Effect.flatMap((state) => Console.log(state._tag, state.attempts)),
  Effect.provide(client),
  NodeRuntime.runMain
)
