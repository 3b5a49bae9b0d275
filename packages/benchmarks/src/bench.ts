// Measures and prints. A whole run also writes its figures into the documentation; a quick one leaves it alone.
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { type Effort, measure } from "./measure.js"
import { BenchmarkFailed } from "./processes.js"
import { machineLine, publish } from "./publish.js"
import { render, tables } from "./report.js"
import { layOut, programs } from "./stage.js"

const whole: Effort = {
  warmUp: 2_000,
  throughput: { rounds: 7, runUp: 150, length: 600 },
  growth: { rounds: 3, runUp: 100, length: 400 },
  latency: { rounds: 3, runUp: 250, length: 2_000 },
  starts: 5,
  allocation: { warmUp: 2_000, requests: 500 },
  heap: { early: 10_000, late: 100_000 }
}

const glance: Effort = {
  warmUp: 200,
  throughput: { rounds: 5, runUp: 30, length: 80 },
  growth: { rounds: 1, runUp: 30, length: 80 },
  latency: { rounds: 1, runUp: 50, length: 200 },
  starts: 1,
  allocation: { warmUp: 500, requests: 200 },
  heap: undefined
}

const { quick } = parseArgs({ options: { quick: { type: "boolean", default: false } } }).values

Effect.gen(function* () {
  const effort = quick ? glance : whole
  yield* Console.log(machineLine())
  yield* Effect.tryPromise({ try: layOut, catch: (error) => new BenchmarkFailed({ message: String(error) }) })
  const measurements = yield* measure(programs, effort)
  for (const table of Object.values(tables)) yield* Console.log(`\n${render(table(measurements))}`)
  if (!quick) yield* Effect.sync(() => publish(measurements, effort))
}).pipe(NodeRuntime.runMain)
