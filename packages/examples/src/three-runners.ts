/**
 * Three runners over PostgreSQL erase customers at an emulator of the vendor, and one of them is killed half-way. All of
 * it is on this machine:
 *
 *     pnpm --filter @effect-flowwise/examples erasure:three-runners 10000
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { account, trial } from "./Trial.js"

trial({ customers: Number(process.argv[2] ?? 1_000), halfWay: ({ killARunner }) => killARunner }).pipe(
  Effect.flatMap((ended) => Console.log(account(ended))),
  Effect.scoped,
  NodeRuntime.runMain
)
