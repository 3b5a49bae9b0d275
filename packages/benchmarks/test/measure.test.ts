import { fork } from "node:child_process"
import { once } from "node:events"
import { createRequire } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
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

describe("the harness", () => {
  it.scoped(
    "every competitor sends the requests that are counted: a DELETE of each id with both keys",
    () =>
      Effect.gen(function* () {
        const server = yield* startServer(programs)
        const child = yield* startChild(programs, server)
        for (const name of names) {
          yield* child.load(name)
          yield* server.ask("record")
          const { sent } = yield* child.exactly({ requests: 3, inFlight: 2, prefix: "a/b é" })
          const heads = yield* server.ask("recorded")
          const ids = heads.map(
            (head) => head.match(/^DELETE \/router\/customer\/a%2Fb%20%C3%A9(\d+) HTTP\/1\.1\r\n/)?.[1]
          )
          assert.strictEqual(sent, 3)
          assert.strictEqual(new Set(ids).size, 3, `${name}: ${heads.map((head) => head.split("\r\n")[0]).join()}`)
          assert.notInclude(ids, undefined)
          for (const head of heads) {
            assert.strictEqual(headerOf(head, "x-client-id"), keys["x-client-id"], name)
            assert.strictEqual(headerOf(head, "x-client-secret"), keys["x-client-secret"], name)
            assert.strictEqual(
              headerOf(head, "traceparent") !== undefined,
              name.startsWith("ours") && name !== "ours, tracing off",
              name
            )
          }
        }
      }),
    timeout
  )

  it.scoped(
    "every competitor checks the status",
    () =>
      Effect.gen(function* () {
        const server = yield* startServer(programs)
        const child = yield* startChild(programs, server)
        for (const name of names) {
          const { message } = yield* Effect.flip(child.load(name, `${server.baseUrl}-of-another`))
          assert.match(message, /400/, name)
        }
      }),
    timeout
  )

  it.scoped(
    "closed and open loops say how many requests the server saw, and how fast they went",
    () =>
      Effect.gen(function* () {
        const server = yield* startServer(programs)
        const child = yield* startChild(programs, server)
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
        const [one, other] = yield* Effect.all([startServer(programs), startServer(programs)])
        const child = yield* startChild(programs, one)
        const { message } = yield* Effect.flip(child.load("node:http", other.baseUrl))
        assert.strictEqual(message, "1 requests were sent, and the server saw 0")
      }),
    timeout
  )

  it("a process ends with its parent's channel", { timeout }, async () => {
    const asked = [
      { name: "server", task: "seen" },
      { name: "child", task: "importAll" }
    ] as const
    for (const { name, task } of asked) {
      const child = fork(fileURLToPath(programs.file(name)), { execArgv: [...programs.flags] })
      try {
        // It answers, so it runs.
        child.send({ task, input: [[]] } satisfies Ask)
        await once(child, "message")
        child.disconnect()
        await once(child, "exit")
      } finally {
        child.kill("SIGKILL")
      }
    }
  })
})
