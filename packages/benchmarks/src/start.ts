// How long a whole program takes from the start of its process to its first answer, and how much of a processor the command.
// Writes its tables into docs/performance.md; with --quick it prints them from two rounds and writes nothing.
import { spawn } from "node:child_process"
import { once } from "node:events"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { startServer } from "./measure.js"
import { BenchmarkFailed } from "./processes.js"
import { machineLine, publishStarts } from "./publish.js"
import { render } from "./report.js"
import { layOut, layOutStarts, programs } from "./stage.js"
import { type Command, isCommand, type Program, startNames, startTables } from "./starts.js"

const { quick } = parseArgs({ options: { quick: { type: "boolean", default: false } } }).values
const rounds = quick ? 2 : 21

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Starts a Node, with standard output and descriptor 3 to read; what it complains of is told where it fails. */
const start = (args: ReadonlyArray<string>) => {
  // Nothing of this environment: additional certificates alone triple the start of an empty Node.
  const child = spawn(process.execPath, [...args], {
    env: { PATH: process.env.PATH, FLOWWISE_CLIENT_ID: "app_1", FLOWWISE_CLIENT_SECRET: "a-secret-of-the-benchmarks" },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    timeout: 60_000
  })
  const [, stdout, stderr, third] = child.stdio as unknown as [null, Readable, Readable, Readable]
  const complaints = text(stderr)
  const ended = once(child, "exit").then(async ([code]) => {
    if (code !== 0 && !child.killed) throw new Error(`node ${args.join(" ")} ended with ${code}: ${await complaints}`)
  })
  return { child, ended, stdout, third: text(third) }
}

/** Milliseconds until the program prints that it has deleted. */
const firstAnswer = async (name: Program, baseUrl: string): Promise<number> => {
  const [program, way] = name.split(", ")
  const begin = performance.now()
  const { child, ended, stdout } = start([file(`dist/programs/${way}/${program}.js`), baseUrl])
  const printed = await Promise.race([once(stdout, "data"), ended])
  const time = performance.now() - begin
  if (String(printed) !== "deleted\n") throw new Error(`${name} printed ${printed}`)
  child.kill("SIGKILL") // its kept-alive connections would hold it
  await ended
  return time
}

const commands: Readonly<Record<Command, ReadonlyArray<string>>> = {
  "node -e 0": ["-e", "0"],
  "flowwise --version": [file("../cli/dist/bin.js"), "--version"],
  "flowwise delete x --dry-run": [file("../cli/dist/bin.js"), "delete", "x", "--dry-run"]
}

/** Milliseconds of processor time until the command has ended. */
const wholeRun = async (name: Command): Promise<number> => {
  const { ended, stdout, third } = start(["--require", file("src/processor-time.cjs"), ...commands[name]])
  stdout.resume()
  await ended
  return Number(await third) / 1000
}

Effect.gen(function* () {
  yield* Console.log(machineLine())
  yield* Effect.tryPromise({
    try: () => layOut().then(layOutStarts),
    catch: (error) => new BenchmarkFailed({ message: String(error) })
  })
  const server = yield* startServer(programs)
  const times = Object.fromEntries(startNames.map((name) => [name, [] as Array<number>]))
  // The first round fills the machine's caches, and doesn't count. Each round begins with another one.
  for (let round = 0; round <= rounds; round++) {
    const first = round % startNames.length
    for (const name of [...startNames.slice(first), ...startNames.slice(0, first)]) {
      const time = yield* Effect.tryPromise({
        try: () => (isCommand(name) ? wholeRun(name) : firstAnswer(name, server.baseUrl)),
        catch: (error) => new BenchmarkFailed({ message: String(error) })
      })
      if (round > 0) times[name]?.push(time)
    }
  }
  for (const table of Object.values(startTables)) yield* Console.log(`\n${render(table(times))}`)
  if (!quick) yield* Effect.sync(() => publishStarts(times))
}).pipe(Effect.scoped, NodeRuntime.runMain)
