import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { afterAll } from "vitest"
import { install, run, settings, start } from "./Installed.js"

const CUSTOMERS = 5000
const KILLS = 50
const CONCURRENCY = 8

const { bin, folder, remove } = await install()
afterAll(remove)

const ids = Array.from({ length: CUSTOMERS }, (_, index) => `cust_${index + 1}`)
const file = join(folder, "ids.txt")
writeFileSync(file, ids.join("\n"))

/** Starts the command, and kills it some turns after it has reported so many outcomes. */
const killed = (args: ReadonlyArray<string>, outcomes: number, turns: number, env: Record<string, string>) =>
  Effect.promise(async () => {
    const { child, closed, until } = start(bin, args, env)
    await until(({ stderr, stdout }) => stderr !== "" && linesOf(stdout).length >= outcomes)
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
    child.kill("SIGKILL")
    return closed
  })

const linesOf = (text: string) => text.split("\n").slice(0, -1)

const tally = (all: ReadonlyArray<string>) => {
  const times = new Map<string, number>()
  for (const one of all) times.set(one, (times.get(one) ?? 0) + 1)
  return times
}

it.live.each([0, 20])(
  `13.5 ${KILLS} kills cost ${CONCURRENCY} requests each at most, and each of ${CUSTOMERS} customers is told once (answers take %i ms)`,
  (delay) =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const journal = join(folder, `journal-${delay}.jsonl`)
      const args = ["delete", "--file", file, "--journal", journal, "--concurrency", String(CONCURRENCY)]
      yield* emulator.delay(delay)
      const reported: Array<string> = []
      for (let kill = 1; kill <= KILLS; kill++) {
        const outcomes = yield* Random.nextIntBetween(0, 90)
        const turns = yield* Random.nextIntBetween(0, 50)
        const { signal, stdout } = yield* killed(args, outcomes, turns, env)
        assert.strictEqual(signal, "SIGKILL", "a run must not end before it is killed")
        reported.push(...linesOf(stdout))
      }
      yield* emulator.delay(0)
      const last = yield* Effect.promise(() => run(bin, args, env))
      assert.strictEqual(last.code, 0, last.stderr)
      reported.push(...linesOf(last.stdout))

      assert.deepStrictEqual(yield* emulator.customers, [])
      const idsReported = reported.map((line) => line.split(/ +/)[1]!)
      assert.strictEqual(new Set(idsReported).size, idsReported.length)

      // The journal, from the top: one outcome each, and no second intent but of what was under way at a kill.
      const open = new Set<number>()
      const atKill = new Set<number>()
      const done = new Set<number>()
      const repeats: Array<number> = []
      let mostAtOnce = 0
      for (const entry of linesOf(readFileSync(journal, "utf8")).map((line) => JSON.parse(line))) {
        switch (entry._tag) {
          case "Resumed":
            mostAtOnce = Math.max(mostAtOnce, open.size)
            for (const line of open) atKill.add(line)
            open.clear()
            break
          case "Intent":
            assert.isFalse(done.has(entry.line) || open.has(entry.line))
            if (atKill.has(entry.line)) repeats.push(entry.line)
            open.add(entry.line)
            break
          case "Outcome":
            assert.isTrue(open.delete(entry.line) && !done.has(entry.line))
            done.add(entry.line)
            assert.strictEqual(entry.outcome.customerId, ids[entry.line - 1])
            if (entry.outcome._tag !== "CustomerDeleted") {
              assert.strictEqual(entry.outcome._tag, "CustomerAlreadyAbsent")
              assert.isTrue(entry.outcome.afterAmbiguousAttempt && atKill.has(entry.line))
            }
        }
      }
      assert.strictEqual(done.size, CUSTOMERS)
      assert.isAtMost(mostAtOnce, CONCURRENCY)

      const repeatsOf = tally(repeats.map((line) => ids[line - 1]!))
      const requests = yield* emulator.requests
      for (const [id, times] of tally(requests.map(({ target }) => target.slice("/customer/".length)))) {
        assert.isAtMost(times, 1 + (repeatsOf.get(id) ?? 0), id)
      }

      const report = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
      const { alreadyAbsent, deleted, notAskedFor, notDeleted, runs, unknown } = JSON.parse(report.stdout)
      assert.deepStrictEqual(
        { sum: deleted + alreadyAbsent, notAskedFor, notDeleted, runs, unknown },
        { sum: CUSTOMERS, notAskedFor: 0, notDeleted: 0, runs: KILLS + 1, unknown: 0 }
      )
      console.info(
        `${KILLS} kills, ${delay} ms: ${requests.length} requests for ${CUSTOMERS} customers; ${mostAtOnce} open at once at most, ` +
          `${repeats.length} announced again; ${deleted} deleted, ${alreadyAbsent} already absent`
      )
    }).pipe(Effect.withRandom(Random.make("kill -9")), Effect.provide(FlowwiseEmulator.layer({ customers: ids }))),
  600_000
)
