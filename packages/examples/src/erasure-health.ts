/**
 * Asks every registered runner for its health, and fails where one doesn't answer:
 *
 *     DATABASE_URL=postgres://… pnpm --filter @effect-flowwise/examples erasure:health
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { health } from "./erasure-engine.js"

Effect.gen(function* () {
  const runners = yield* health
  for (const { address, answers } of runners) {
    yield* Console.log(`${address.host}:${address.port} ${answers ? "answers" : "does not answer"}`)
  }
  if (runners.length === 0) yield* Console.log("There is no runner")
  if (runners.length === 0 || runners.some(({ answers }) => !answers)) process.exitCode = 1
}).pipe(NodeRuntime.runMain)
