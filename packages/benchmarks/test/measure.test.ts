import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { createRequire } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { keys, names } from "../src/competitors.js"
import type { Ask } from "../src/ipc.js"
import { startChild, startServer } from "../src/measure.js"
import type { Programs } from "../src/processes.js"

/** From their sources, so that the test needs no build. */
const programs: Programs = {
  file: (name) => new URL(`../src/${name}.ts`, import.meta.url),
  flags: ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href]
}
const timeout = 30_000

const headerOf = (head: string, name: string) => head.match(new RegExp(`^${name}: *(.*)$`, "im"))?.[1]

const harness = Effect.gen(function* () {
  const server = yield* startServer(programs)
  return { server, child: yield* startChild(programs, server) }
})

class Harness extends Context.Tag("Harness")<Harness, Effect.Effect.Success<typeof harness>>() {}

it.layer(Layer.scoped(Harness, harness), { timeout })("the harness", (it) => {
  it.effect(
    "every competitor sends the requests that are counted: a DELETE of each id with both keys",
    () =>
      Effect.gen(function* () {
        const { child, server } = yield* Harness
        for (const name of names) {
          yield* child.load(name)
          yield* server.ask("record")
          const { sent } = yield* child.exactly({ requests: 3, inFlight: 2, prefix: "a/b é" })
          const heads = yield* server.ask("recorded")
          const targets = heads.map((head) => head.split("\r\n")[0] ?? "")
          assert.strictEqual(sent, 3)
          assert.strictEqual(new Set(targets).size, 3, name)
          for (const target of targets) {
            assert.match(target, /^DELETE \/router\/customer\/a%2Fb%20%C3%A9\d+ HTTP\/1\.1$/, name)
          }
          for (const head of heads) {
            assert.strictEqual(headerOf(head, "x-client-id"), keys["x-client-id"], name)
            assert.strictEqual(headerOf(head, "x-client-secret"), keys["x-client-secret"], name)
            const traced = name.startsWith("ours") && name !== "ours, tracing off"
            assert.strictEqual(headerOf(head, "traceparent") !== undefined, traced, name)
          }
        }
      }),
    timeout
  )

  it.effect(
    "every competitor checks the status",
    () =>
      Effect.gen(function* () {
        const { child, server } = yield* Harness
        for (const name of names) {
          const { message } = yield* Effect.flip(child.load(name, `${server.baseUrl}-of-another`))
          assert.match(message, /400/, name)
        }
      }),
    timeout
  )

  it.effect(
    "closed and open loops say how many requests the server saw, and how fast they went",
    () =>
      Effect.gen(function* () {
        const { child, server } = yield* Harness
        yield* child.load("undici dispatch")
        const before = yield* server.ask("seen")
        const closed = yield* child.closedLoop({ inFlight: 4, runUp: 10, length: 50 })
        const open = yield* child.openLoop({ requestsPerSecond: 500, runUp: 10, length: 50 })
        const after = yield* server.ask("seen")
        assert.strictEqual(after.requests - before.requests, closed.sent + open.sent)
        assert.strictEqual(open.sent, 30)
        assert.isAbove(closed.perSecond, 0)
        assert.isAbove(closed.cpuMicros, 0)
        assert.isTrue(0 < open.p50 && open.p50 <= open.p99)
      }),
    timeout
  )

  it.scoped(
    "requests that the server did not see fail the run",
    () =>
      Effect.gen(function* () {
        const { child } = yield* Harness
        const other = yield* startServer(programs)
        const { message } = yield* Effect.flip(child.load("node:http", other.baseUrl))
        assert.strictEqual(message, "1 requests were sent, and the server saw 0")
      }),
    timeout
  )
})

describe("a process of the bench", () => {
  it("ends with its parent's channel, whatever it does", { timeout }, async () => {
    const fromSource = (name: "child" | "server") =>
      fork(fileURLToPath(programs.file(name)), { execArgv: [...programs.flags] })
    const ask = async (child: ChildProcess, task: string, ...input: ReadonlyArray<unknown>) => {
      child.send({ task, input } satisfies Ask)
      const [answer] = await once(child, "message")
      return answer.output
    }
    const [server, child] = [fromSource("server"), fromSource("child")]
    try {
      await ask(child, "load", "node:http", await ask(server, "listen"))
      const busy: Ask = { task: "closedLoop", input: [{ inFlight: 2, runUp: 0, length: 600_000 }] }
      child.send(busy)
      while ((await ask(server, "seen")).requests < 10);
      for (const process of [child, server]) {
        process.disconnect()
        await once(process, "exit")
      }
    } finally {
      child.kill("SIGKILL")
      server.kill("SIGKILL")
    }
  })
})
