import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { tasks as childTasks } from "./child.js"
import { type Name, names } from "./competitors.js"
import { BenchmarkFailed, type Process, type Programs, start } from "./processes.js"
import type { tasks as serverTasks } from "./server.js"
import { bundles } from "./stage.js"

interface Rounds {
  readonly rounds: number
  /** Milliseconds of a round for each competitor: first unmeasured, then measured. */
  readonly runUp: number
  readonly length: number
}

export interface Effort {
  /** Milliseconds for the code to be compiled, before anything is measured. */
  readonly warmUp: number
  readonly throughput: Rounds
  readonly growth: Rounds
  readonly latency: Rounds
  /** Fresh processes for each start-up figure. */
  readonly starts: number
  /** Requests that are sent, and then those whose allocations are counted. */
  readonly allocation: { readonly warmUp: number; readonly requests: number }
  /** The numbers of requests between which the heap must not grow; a quick run has too few to tell. */
  readonly heap: { readonly early: number; readonly late: number } | undefined
}

export const inFlight = 64
export const otherLoads = [1, 8, 512] as const
export const requestsPerSecond = 500
/** Those whose heap is watched, since that takes so many requests. */
const watched: ReadonlyArray<Name> = ["undici.request", "ours, OpenTelemetry", "ours", "ours, tracing off"]

/** Megabytes of young generation: room for the requests whose allocations are counted, without a collection. */
const ROOM = 256

export const measure = (programs: Programs, effort: Effort) =>
  Effect.gen(function* () {
    const { peerModules, sizes } = yield* Effect.promise(bundles)
    const { growth, latency, startUp, throughput } = yield* underLoad(programs, effort)
    yield* Console.error(`Start-up: ${effort.starts} fresh processes each`)
    const laterStarts = yield* inRounds(effort.starts - 1, (name) =>
      Effect.scoped(Effect.map(fresh(programs, name), ({ started }) => started))
    )
    const imports = yield* Effect.replicateEffect(importTimes(programs, peerModules), 2 * effort.starts)
    yield* Console.error(`Allocation: ${effort.allocation.requests} requests each`)
    const allocation = yield* Effect.all(
      perCompetitor((name) => allocated(programs, name, effort.allocation)),
      { concurrency: 2 } // what is allocated does not depend on who else runs
    )
    const heap = effort.heap === undefined ? undefined : yield* heapGrowth(programs, effort.heap)
    return {
      throughput,
      growth,
      latency,
      startUp: perCompetitor((name) => [startUp[name], ...laterStarts[name]]),
      imports,
      allocation,
      inMemory: yield* inMemory(fileURLToPath(new URL("allocation.js", programs.file("child")))),
      heap,
      bundles: sizes
    }
  })

export type Measurements = Effect.Effect.Success<ReturnType<typeof measure>>

const underLoad = (programs: Programs, { growth, latency, throughput, warmUp }: Effort) =>
  Effect.gen(function* () {
    const server = yield* startServer(programs)
    const competitors = yield* Effect.all(perCompetitor((name) => startCompetitor(programs, server, name)))

    yield* Console.error(`Throughput: ${throughput.rounds} rounds with ${inFlight} in flight`)
    yield* inRounds(1, (name) => competitors[name].closedLoop({ inFlight, runUp: warmUp, length: 0 }))
    const closed = yield* inRounds(throughput.rounds, (name) =>
      competitors[name].closedLoop({ inFlight, ...throughput })
    )

    yield* Console.error(`Growth: ${growth.rounds} rounds each with ${otherLoads.join(", ")} in flight`)
    const others = yield* Effect.forEach(otherLoads, (count) =>
      inRounds(growth.rounds, (name) => competitors[name].closedLoop({ inFlight: count, ...growth }))
    )

    yield* Console.error(`Latency: ${latency.rounds} rounds with ${requestsPerSecond} requests a second`)
    const open = yield* inRounds(latency.rounds, (name) =>
      competitors[name].openLoop({ requestsPerSecond, ...latency })
    )
    const startUp = perCompetitor((name) => competitors[name].started)
    return { startUp, throughput: closed, growth: others, latency: open }
  }).pipe(Effect.scoped)

/** A competitor in a process that has done nothing before. */
const startCompetitor = (
  programs: Programs,
  server: Effect.Effect.Success<ReturnType<typeof startServer>>,
  name: Name,
  flags?: ReadonlyArray<string>
) =>
  Effect.gen(function* () {
    const child = yield* startChild(programs, server, flags)
    return { ...child, started: yield* child.load(name) }
  })

/** The same with a server of its own. */
const fresh = (programs: Programs, name: Name, flags?: ReadonlyArray<string>) =>
  Effect.flatMap(startServer(programs), (server) => startCompetitor(programs, server, name, flags))

const allocated = (programs: Programs, name: Name, { requests, warmUp }: Effort["allocation"]) =>
  Effect.gen(function* () {
    const { exactly } = yield* fresh(programs, name, [`--min-semi-space-size=${ROOM}`, `--max-semi-space-size=${ROOM}`])
    yield* exactly({ requests: warmUp, inFlight })
    const { allocated, collections } = yield* exactly({ requests, inFlight })
    // A collection takes away what was to be counted.
    return collections === 0 ? allocated / requests : undefined
  }).pipe(Effect.scoped)

/** KiB for each deletion over a dispatcher in memory, as `allocation.ts` measures it. */
export const inMemory = (program: string): Effect.Effect<{ readonly traced: number; readonly untraced: number }> =>
  Effect.sync(() => {
    const flags = ["--expose-gc", "--min-semi-space-size=512", "--max-semi-space-size=512"]
    return JSON.parse(execFileSync(process.execPath, [...flags, program], { encoding: "utf8" }))
  })

const heapGrowth = (programs: Programs, { early, late }: NonNullable<Effort["heap"]>) =>
  Effect.gen(function* () {
    yield* Console.error(`Heap: ${late} requests of ${watched.length} competitors`)
    const grown = yield* Effect.forEach(
      watched,
      (name) =>
        Effect.gen(function* () {
          const { exactly } = yield* fresh(programs, name)
          const before = yield* exactly({ requests: early, inFlight })
          const after = yield* exactly({ requests: late - early, inFlight })
          return { name, early: before.inUse, late: after.inUse }
        }).pipe(Effect.scoped),
      { concurrency: 2 } // nor does what is kept
    )
    return { early, late, grown }
  })

const importTimes = (programs: Programs, peerModules: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { ask } = yield* start<typeof childTasks>(programs, "child")
    return {
      peers: yield* ask("importAll", peerModules),
      client: yield* ask("importAll", ["@effect-flowwise/client"])
    }
  }).pipe(Effect.scoped)

export const startServer = (programs: Programs) =>
  Effect.gen(function* () {
    const { ask } = yield* start<typeof serverTasks>(programs, "server")
    return { ask, baseUrl: yield* ask("listen") }
  })

export const startChild = (
  programs: Programs,
  server: Effect.Effect.Success<ReturnType<typeof startServer>>,
  flags: ReadonlyArray<string> = []
) =>
  Effect.gen(function* () {
    const { ask } = yield* start<typeof childTasks>(programs, "child", ["--expose-gc", ...flags])
    const check = checked(server)
    return {
      load: (name: Name, baseUrl = server.baseUrl) => check(ask("load", name, baseUrl)),
      closedLoop: (options: Parameters<(typeof childTasks)["closedLoop"]>[0]) => check(ask("closedLoop", options)),
      openLoop: (options: Parameters<(typeof childTasks)["openLoop"]>[0]) => check(ask("openLoop", options)),
      exactly: (options: Parameters<(typeof childTasks)["exactly"]>[0]) => check(ask("exactly", options))
    }
  })

/** Fails unless the server saw each request that was sent. Adds how busy the server was meanwhile, from 0 to 1. */
const checked =
  (server: Process<typeof serverTasks>) =>
  <A extends { readonly sent: number }>(task: Effect.Effect<A, BenchmarkFailed>) =>
    Effect.gen(function* () {
      const before = yield* server.ask("seen")
      const output = yield* task
      const after = yield* server.ask("seen")
      const seen = after.requests - before.requests
      if (seen !== output.sent) {
        return yield* new BenchmarkFailed({ message: `${output.sent} requests were sent, and the server saw ${seen}` })
      }
      return { ...output, serverBusy: (after.cpu - before.cpu) / (after.time - before.time) }
    })

/** All in each round, and in each round another one first, so that no quiet moment is one competitor's alone. */
const inRounds = <A, E, R>(count: number, one: (name: Name) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const figures = perCompetitor((): Array<A> => [])
    for (let round = 0; round < count; round++) {
      const first = round % names.length
      for (const name of [...names.slice(first), ...names.slice(0, first)]) {
        figures[name].push(yield* one(name))
      }
    }
    return figures
  })

const perCompetitor = <A>(make: (name: Name) => A) =>
  Object.fromEntries(names.map((name) => [name, make(name)])) as { [K in Name]: A }
