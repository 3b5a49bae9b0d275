import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import { ErasureOutcome } from "@effect-flowwise/workflow"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { build } from "esbuild"

const CUSTOMERS = 1_000
const KILLS = 100

/** Beside the sources, so that what is left out of the bundle is found. */
const bundle = fileURLToPath(new URL("../node_modules/.eraser.mjs", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "erasure-"))

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL("fixtures/eraser.ts", import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["libsql"],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
  })
)
afterAll(() => {
  rmSync(folder, { recursive: true })
  rmSync(bundle)
})

/** Holds every answer back for a moment, so that a kill finds customers who are deleted and nobody knows. */
const slowAnswers = (baseUrl: string, arrived: () => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((incoming, outgoing) => {
          const { headers, method, url } = incoming
          arrived()
          request(baseUrl + url, { headers: { ...headers, host: new URL(baseUrl).host }, method }, async (answer) => {
            await setTimeout(40)
            outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
            answer.pipe(outgoing)
          }).end()
        }).listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      }),
      (server) => Effect.promise(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

/** One life of the process; it is killed after a moment, or ends by itself. Gives what it printed. */
const live = async (baseUrl: string, first: number, moment: Promise<unknown> | undefined) => {
  const args = [bundle, join(folder, "erasures.db"), baseUrl, `${first}`, `${CUSTOMERS}`, "8"]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  const lines: Array<string> = []
  // What a kill has cut off is no line.
  let rest = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n")
    rest = parts.pop() ?? ""
    lines.push(...parts)
  })
  const closed = once(child, "close")
  void moment?.then(() => child.kill("SIGKILL"))
  const [code, signal] = await closed
  return { code, signal, outcomes: lines.filter((line) => line !== "ready") }
}

const decode = Schema.decodeSync(Schema.parseJson(ErasureOutcome))

it.live(
  `erases ${CUSTOMERS} customers although it is killed ${KILLS} times, and tells of every request that may have been it`,
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      // So that kills find requests under way, before the deletion and behind it.
      yield* emulator.delay("20 millis")
      let arrivals = 0
      let onArrival = () => {}
      const baseUrl = yield* slowAnswers(emulator.baseUrl, () => {
        arrivals++
        onArrival()
      })
      /** When a life ends: some before it has sent anything, most a moment after one of its first requests. */
      const momentOf = (chance: number, delay: number) => {
        if (chance < 0.2) return setTimeout(delay * 300)
        const nth = arrivals + 1 + Math.floor(chance * 5)
        return new Promise<void>((resolve) => {
          onArrival = () => {
            if (arrivals >= nth) resolve()
          }
        }).then(() => setTimeout(delay * 80))
      }
      const began = performance.now()
      const reported = new Map<string, Set<string>>()
      let kills = 0
      let next = 0
      for (;;) {
        const moment = kills < KILLS ? momentOf(yield* Random.next, yield* Random.next) : undefined
        // The last life asks for all of them again.
        const first = moment === undefined ? 0 : next
        const { code, outcomes, signal } = yield* Effect.promise(() => live(baseUrl, first, moment))
        for (const line of outcomes) {
          const { erasureId } = decode(line)
          reported.set(erasureId, (reported.get(erasureId) ?? new Set()).add(line))
        }
        while (reported.has(`dsr-${next}`)) next++
        if (signal === null) {
          assert.strictEqual(code, 0)
          break
        }
        kills++
      }
      assert.strictEqual(kills, KILLS, "kills while there was something to do")

      assert.deepStrictEqual(yield* emulator.customers, [])
      assert.strictEqual(reported.size, CUSTOMERS)
      const requests = Arr.groupBy(yield* emulator.requests, ({ target }) => target)
      const figures = { requests: 0, repeated: 0, unknown: 0, deleted: 0, absent: 0 }
      for (const [erasureId, lines] of reported) {
        const [line, ...others] = lines
        assert.deepStrictEqual(others, [], `${erasureId} has one outcome, whoever asks`)
        const outcome = decode(line!)
        const received = requests[`/customer/${outcome.customerId}`] ?? []
        const told = new Set(outcome.attempts.flatMap((attempt) => Option.toArray(attempt.requestId)))
        const untold = received.filter((request) => !told.has(request.requestId))
        const unknown = outcome.attempts.filter(({ result }) => result === "Unknown")
        assert.isAtMost(untold.length, unknown.length, `every request for ${erasureId} has an intent`)
        assert.strictEqual(received.filter(({ status }) => Option.contains(status, 204)).length, 1)
        if (outcome.receipt._tag === "CustomerAlreadyAbsent") {
          assert.isTrue(outcome.receipt.afterAmbiguousAttempt, `${erasureId} may be its own deletion`)
        }
        figures.requests += received.length
        figures.repeated += received.length - 1
        figures.unknown += unknown.length
        figures[outcome.receipt._tag === "CustomerDeleted" ? "deleted" : "absent"]++
      }
      console.log({ kills, ...figures, seconds: Math.round((performance.now() - began) / 1000) })
      assert.isAbove(figures.repeated, 0, "some kills hit a request under way")
      assert.isAbove(figures.absent, 0, "some kills hit a customer who was gone already")
    }).pipe(
      Effect.scoped,
      Effect.provide(FlowwiseEmulator.layer({ customers: Array.from({ length: CUSTOMERS }, (_, i) => `cust_${i}`) }))
    ),
  600_000
)
