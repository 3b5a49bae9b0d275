import { once } from "node:events"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { DeletionOutcome } from "@effect-flowwise/client"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterAll } from "vitest"
import { install, run, settings, start } from "./Installed.js"

const { bin, folder, remove } = await install()
afterAll(remove)

const timeout = 120_000
// Windows has no signals for another process: there, a signal is the end.
const withSignals = it.runIf(process.platform !== "win32")
const decodeOutcome = Schema.decodeSync(Schema.parseJson(DeletionOutcome))
const linesOf = (text: string) => text.split("\n").slice(0, -1)

const emulating = (customers: ReadonlyArray<string>) => Effect.provide(FlowwiseEmulator.layer({ customers }))

const many = Array.from({ length: 200 }, (_, index) => `cust_${index + 1}`)
const fileOf = (name: string, ids: ReadonlyArray<string>) => {
  const path = join(folder, name)
  writeFileSync(path, ids.join("\n"))
  return path
}

describe("flowwise delete", () => {
  it.live(
    "tells what became of each customer, and ends with 0 only if all are gone",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const gone = yield* Effect.promise(() => run(bin, ["delete", "cust_1", "nobody"], env))
        assert.deepStrictEqual(linesOf(gone.stdout).sort(), [
          "absent   nobody  request req_2",
          "deleted  cust_1  request req_1"
        ])
        assert.strictEqual(gone.code, 0)

        yield* emulator.respondWith({ status: 403, body: "\u001B[31mno" }, { customerId: "cust_2" })
        const some = yield* Effect.promise(() => run(bin, ["delete", "cust_2", "cust_3", "--json"], env))
        const outcomes = linesOf(some.stdout).map((line) => decodeOutcome(line))
        assert.deepStrictEqual(outcomes.map(({ _tag, customerId }) => `${_tag} ${customerId}`).sort(), [
          "CustomerDeleted cust_3",
          "DeletionUnconfirmed cust_2"
        ])
        assert.strictEqual(some.code, 1)
        assert.include(some.stderr, "2 customers: 1 deleted, 0 already absent, 1 not known to be gone")
        assert.deepStrictEqual(yield* emulator.customers, ["cust_2"])
      }).pipe(emulating(["cust_1", "cust_2", "cust_3"])),
    timeout
  )

  it.live(
    "stops with 3 where the credentials are refused, and with 2 where there are none",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const file = fileOf("refused.txt", many)
        const journal = join(folder, "refused.journal")
        const wrong = { ...env, FLOWWISE_CLIENT_SECRET: "not-the-secret" }
        const refused = yield* Effect.promise(() => run(bin, ["delete", "--file", file, "--journal", journal], wrong))
        assert.strictEqual(refused.code, 3, refused.stderr)
        assert.include(refused.stderr, "flowwise: the credentials were refused")
        assert.notInclude(refused.stderr, "Nothing was sent")
        assert.notInclude(refused.stderr + refused.stdout + readFileSync(journal, "utf8"), "not-the-secret")
        assert.isAtMost((yield* emulator.requests).length, 16)
        const { stdout } = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
        const { notAskedFor, unknown } = JSON.parse(stdout)
        assert.deepStrictEqual({ notAskedFor, unknown }, { notAskedFor: 200, unknown: 0 })

        for (const args of [
          ["--log-level", "debug", "delete", "cust_1"],
          ["delete", "cust_1", "--log-level", "debug"]
        ]) {
          const debugged = yield* Effect.promise(() => run(bin, args, wrong))
          assert.include(debugged.stderr, "DEBUG")
          assert.deepStrictEqual([debugged.code, debugged.stdout], [3, ""])
        }

        const none = yield* Effect.promise(() =>
          run(bin, ["delete", "cust_1"], { FLOWWISE_BASE_URL: env.FLOWWISE_BASE_URL })
        )
        assert.strictEqual(none.code, 2)
        const unset = "FLOWWISE_CLIENT_ID is not set; FLOWWISE_CLIENT_SECRET is not set"
        assert.include(none.stderr, `\nflowwise: ${unset}. Nothing was sent\n`)
        const mistyped = yield* Effect.promise(() => run(bin, ["delete", "cust_1"], { FLOWWISE_ENVIRONMENT: "prod" }))
        assert.deepStrictEqual(
          [mistyped.code, mistyped.stderr],
          [2, 'flowwise: FLOWWISE_ENVIRONMENT must be "sandbox" or "production"\n']
        )
        assert.deepStrictEqual(yield* emulator.customers, many)
      }).pipe(emulating(many)),
    timeout
  )

  it.live(
    "keeps what came back before the credentials were refused",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "reset.journal")
        const body = { message: "reset", code: "unauthorized", type: "authentication_error" }
        yield* emulator.respondWith({ status: 401, body }, { customerId: "cust_100" })
        const args = ["delete", "--file", fileOf("reset.txt", many), "--journal", journal]
        const refused = yield* Effect.promise(() => run(bin, args, env))
        assert.strictEqual(refused.code, 3, refused.stderr)
        assert.include(refused.stderr, "To continue: flowwise delete")
        const deleted = many.length - (yield* emulator.customers).length
        assert.isAtLeast(deleted, 80)
        assert.strictEqual(linesOf(refused.stdout).length, deleted)
        const { stdout } = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
        const { deleted: recorded, notAskedFor } = JSON.parse(stdout)
        assert.deepStrictEqual([recorded, notAskedFor], [deleted, many.length - deleted])
      }).pipe(emulating(many)),
    timeout
  )

  it.live(
    "a dry run sends nothing, whatever else is asked for",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "dry.journal")
        const flags = [
          "--journal",
          journal,
          "--confirm",
          "production",
          "--max",
          "9",
          "--rate",
          "1/day",
          "--concurrency",
          "2"
        ]
        const here = yield* Effect.promise(() => run(bin, ["delete", "cust 1", "--dry-run", ...flags], env))
        assert.strictEqual(here.stdout, `would send  DELETE ${env.FLOWWISE_BASE_URL}/customer/cust%201\n`)
        assert.include(here.stderr, "Dry run: nothing was sent.")
        assert.strictEqual(here.code, 0)
        assert.deepStrictEqual(yield* emulator.requests, [])
        assert.isFalse(existsSync(journal))

        const tooMany = ["delete", "cust_1", "cust_2", "--max", "1"]
        const warned = yield* Effect.promise(() => run(bin, [...tooMany, "--dry-run"], env))
        assert.include(warned.stderr, "arguments: 2 customers, and --max allows 1: without --dry-run this is refused.")
        assert.deepStrictEqual([warned.code, warned.stdout.split("\n").length], [0, 3])
        assert.strictEqual((yield* Effect.promise(() => run(bin, tooMany, env))).code, 2)

        const production = yield* Effect.promise(() =>
          run(bin, ["delete", "cust_1", "--dry-run", ...flags], { FLOWWISE_ENVIRONMENT: "production" })
        )
        assert.strictEqual(production.stdout, "would send  DELETE https://app.flowwise.com/router/customer/cust_1\n")
      }).pipe(emulating(["cust 1"])),
    timeout
  )

  it.live(
    "takes no id for the value of a flag, and no option for a value or an id",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const outcome = (...args: ReadonlyArray<string>) => Effect.promise(() => run(bin, ["delete", ...args], env))
        for (const word of ["0", "no", "1"]) {
          for (const args of [
            ["--dry-run", word, "cust_1"],
            ["cust_1", "--dry-run", word]
          ]) {
            const { code, stdout } = yield* outcome(...args)
            assert.deepStrictEqual([code, linesOf(stdout).length], [0, 2], args.join(" "))
            assert.match(stdout, new RegExp(`^would send {2}DELETE .*/customer/${word}$`, "m"))
          }
        }
        for (const option of ["--DRY-RUN", "--Max=1", "--JSON", "--Journal", "\u2013dry-run", "\u2014dry-run"]) {
          const { code, stdout } = yield* outcome("cust_1", option)
          assert.deepStrictEqual([code, stdout], [2, ""], option)
        }
        for (const option of ["--journal", "--confirm"]) {
          const { code, stderr } = yield* outcome(option, "--dry-run", "cust_1")
          assert.include(stderr, `flowwise: ${option} lacks its value`)
          assert.strictEqual(code, 2)
        }
        const twice = yield* outcome("cust_1", "--json", "--json")
        assert.include(twice.stderr, "flowwise: --json is given twice")
        assert.deepStrictEqual(yield* emulator.requests, [])

        const { stdout } = yield* outcome("--json", "1", "yes")
        assert.deepStrictEqual(
          linesOf(stdout)
            .map((line) => decodeOutcome(line).customerId)
            .sort(),
          ["1", "yes"]
        )
      }).pipe(emulating(many)),
    timeout
  )

  it.live(
    "asks for the name of any environment but the sandbox and this machine, and takes no other",
    () =>
      Effect.gen(function* () {
        const account = { FLOWWISE_CLIENT_ID: "id", FLOWWISE_CLIENT_SECRET: "secret" }
        const refused = [
          [{ FLOWWISE_ENVIRONMENT: "production" }, [], "there is no terminal to confirm it: add --confirm production"],
          [
            { FLOWWISE_ENVIRONMENT: "production" },
            ["--confirm", "sandbox"],
            "the environment is production. Nothing was sent"
          ],
          [
            { FLOWWISE_ENVIRONMENT: "sandbox" },
            ["--confirm", "production"],
            "the environment is sandbox. Nothing was sent"
          ],
          [
            { FLOWWISE_BASE_URL: "https://flowwise.invalid/router" },
            [],
            "this deletes in flowwise.invalid under /router, and there is no terminal to confirm it: add --confirm flowwise.invalid. Nothing was sent"
          ],
          [
            { FLOWWISE_BASE_URL: "https://sandbox/router" },
            [],
            "this deletes in sandbox under /router, and there is no"
          ],
          // What listens there may be a tunnel to somewhere else.
          [{ FLOWWISE_BASE_URL: "http://127.0.0.1:1" }, ["--confirm", "production"], "the environment is 127.0.0.1:1"]
        ] as const
        yield* Effect.forEach(
          refused,
          ([environment, flags, says]) =>
            Effect.promise(async () => {
              const { code, stderr, stdout } = await run(bin, ["delete", "cust_1", ...flags], {
                ...account,
                ...environment
              })
              assert.include(stderr, says)
              assert.deepStrictEqual([code, stdout], [2, ""])
            }),
          { concurrency: 4 }
        )
      }),
    timeout
  )

  it.live(
    "keeps to --rate",
    () =>
      Effect.gen(function* () {
        const env = yield* settings
        const args = ["delete", "cust_1", "cust_2", "cust_3", "--rate", "5/second", "--json"]
        const { stdout } = yield* Effect.promise(() => run(bin, args, env))
        const times = linesOf(stdout).map((line) => Date.parse(JSON.parse(line).deletedAt))
        // Two pauses of 200 milliseconds; less what the first answer took longer than the last.
        assert.isAtLeast(Math.max(...times) - Math.min(...times), 200)
      }).pipe(emulating(many)),
    timeout
  )

  it.live(
    "13.2 a run in which none of several customers was there exits 1, and an unusual share of absent ones is said",
    () =>
      Effect.gen(function* () {
        const env = yield* settings
        const journal = join(folder, "nobody.journal")
        const deletes = (...args: ReadonlyArray<string>) => Effect.promise(() => run(bin, ["delete", ...args], env))
        const ids = ["--file", fileOf("nobody.txt", ["nobody_1", "nobody_2"]), "--journal", journal]
        // The same again finds nothing left to do, and still nobody who was ever there.
        for (const says of ["2 customers: 0 deleted, 2 already absent", "all 2 customers are already gone"]) {
          const nobody = yield* deletes(...ids)
          assert.include(nobody.stderr, says)
          assert.include(nobody.stderr, "\nNone of them was there: make sure that these are customer ids")
          assert.strictEqual(nobody.code, 1)
        }
        const one = yield* deletes("nobody_1")
        assert.include(one.stderr, "\nThe customer was not there: make sure")
        assert.strictEqual(one.code, 0)
        const some = yield* deletes("cust_1", "nobody_1", "nobody_2")
        assert.include(some.stderr, "\n2 of 3 were already absent, which is unusual")
        assert.strictEqual(some.code, 0)
        const most = yield* deletes(...many.slice(1, 21), "nobody_1", "nobody_2")
        assert.notInclude(most.stderr, "unusual")
        assert.strictEqual(most.code, 0)
      }).pipe(emulating(many)),
    timeout
  )

  withSignals(
    "13.6 an id that waits for its place in the rate has no intent, and is not unknown after a kill",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "rate.journal")
        const args = ["delete", "--file", fileOf("rate.txt", many), "--journal", journal]
        yield* Effect.promise(async () => {
          const { child, closed, until } = start(bin, [...args, "--rate", "1/hour"], env)
          await until(({ stdout }) => stdout !== "")
          child.kill("SIGKILL")
          await closed
        })
        assert.strictEqual((yield* emulator.requests).length, 1)
        const { stdout } = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
        const { deleted, notAskedFor, unknown } = JSON.parse(stdout)
        assert.deepStrictEqual([deleted, notAskedFor, unknown], [1, many.length - 1, 0])
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )

  it.live(
    "13.6 the time of an intent is that of its request, after the wait for the rate",
    () =>
      Effect.gen(function* () {
        const env = yield* settings
        const journal = join(folder, "paced.journal")
        const args = ["delete", "--file", fileOf("paced.txt", many.slice(0, 2)), "--journal", journal]
        yield* Effect.promise(() => run(bin, [...args, "--rate", "1/second"], env))
        const [first, second] = linesOf(readFileSync(journal, "utf8"))
          .map((line) => JSON.parse(line))
          .filter(({ _tag }) => _tag === "Intent")
          .map(({ at }) => Date.parse(at))
        assert.isAtLeast(second! - first!, 900)
      }).pipe(emulating(many)),
    timeout
  )

  withSignals(
    "finishes what is under way at the first Ctrl-C, and goes on from there",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "stopped.journal")
        const args = ["delete", "--file", fileOf("stopped.txt", many), "--journal", journal]
        yield* emulator.delay("200 millis")
        const stopped = yield* Effect.promise(async () => {
          const { child, closed, until } = start(bin, args, env)
          await until(({ stdout }) => stdout !== "")
          child.kill("SIGINT")
          return closed
        })
        assert.strictEqual(stopped.code, 130)
        assert.include(stopped.stderr, `To continue: flowwise ${args.join(" ")}`)
        const requests = yield* emulator.requests
        assert.strictEqual(linesOf(stopped.stdout).length, requests.length)
        assert.isBelow(requests.length, many.length)
        const { stdout } = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
        const { deleted, notAskedFor, unknown } = JSON.parse(stdout)
        assert.deepStrictEqual(
          { deleted, sum: deleted + notAskedFor, unknown },
          { deleted: requests.length, sum: many.length, unknown: 0 }
        )

        yield* emulator.delay(0)
        const resumed = yield* Effect.promise(() => run(bin, args, env))
        assert.strictEqual(resumed.code, 0, resumed.stderr)
        assert.include(
          resumed.stderr,
          `${many.length - requests.length} customers: by the journal, the others are already gone`
        )
        assert.strictEqual((yield* emulator.requests).length, many.length)
        assert.deepStrictEqual(yield* emulator.customers, [])
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )

  withSignals(
    "sends nothing more after Ctrl-C: no id that waits for its start, and no resend",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const limited = { status: 429, headers: { "retry-after": "25" } }
        yield* emulator.respondWith(limited, { customerId: "cust_1" })
        yield* emulator.respondWith(limited, { customerId: "cust_2" })
        const cases = [
          { ids: ["cust_3", "cust_4"], options: ["--rate", "1/hour"], prints: 1, left: 1 },
          { ids: ["cust_1", "cust_2", "cust_5"], options: ["--concurrency", "1"], prints: 0, left: 2 }
        ]
        for (const { ids, left, options, prints } of cases) {
          const name = `halted-${left}`
          const journal = join(folder, `${name}.journal`)
          const args = ["delete", "--file", fileOf(`${name}.txt`, ids), "--journal", journal, ...options]
          const before = (yield* emulator.requests).length
          const { child, closed, until } = start(bin, args, env)
          if (prints > 0) yield* Effect.promise(() => until(({ stdout }) => stdout !== ""))
          // Until the first answer is there.
          yield* Effect.repeat(emulator.requests, { until: (requests) => requests.length > before })
          child.kill("SIGINT")
          const stopped = yield* Effect.promise(() => closed)
          assert.strictEqual(stopped.code, 130, stopped.stderr)
          assert.strictEqual((yield* emulator.requests).length, before + 1)
          assert.strictEqual(linesOf(stopped.stdout).length, 1)
          const { stdout } = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
          const { notAskedFor, unknown } = JSON.parse(stdout)
          assert.deepStrictEqual({ notAskedFor, unknown }, { notAskedFor: left, unknown: 0 })
        }
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )

  withSignals(
    "takes a terminal that is closed for Ctrl-C, however often it says so",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "closed-terminal.journal")
        const args = ["delete", "--file", fileOf("closed-terminal.txt", many), "--journal", journal]
        yield* emulator.delay("200 millis")
        const stopped = yield* Effect.promise(async () => {
          const { child, closed, until } = start(bin, args, env)
          await until(({ stdout }) => stdout !== "")
          child.kill("SIGHUP")
          await until(({ stderr }) => stderr.includes("Stopping"))
          child.kill("SIGHUP")
          return closed
        })
        assert.strictEqual(stopped.code, 130)
        const requests = yield* emulator.requests
        assert.isBelow(requests.length, many.length)
        assert.strictEqual(linesOf(stopped.stdout).length, requests.length)
        const { stdout } = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
        const { deleted, unknown } = JSON.parse(stdout)
        assert.deepStrictEqual({ deleted, unknown }, { deleted: requests.length, unknown: 0 })
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )

  withSignals(
    "deletes all the same where stdout is closed from the start",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const through = ["bash", "-c", 'exec "$@" >&-', "bash"]
        const { code, stderr } = yield* Effect.promise(() =>
          run(bin, ["delete", ...many.slice(0, 20)], env, { through })
        )
        assert.strictEqual(code, 0, stderr)
        assert.include(stderr, "20 customers: 20 deleted, 0 already absent, 0 not known to be gone")
        assert.deepStrictEqual(yield* emulator.customers, many.slice(20))
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )

  withSignals(
    "stops at once at the second Ctrl-C, and asks again for what was under way",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "twice.journal")
        const args = ["delete", "--file", fileOf("twice.txt", ["cust_1", "cust_2"]), "--journal", journal, "--json"]
        yield* emulator.respondWith({ drop: "afterDeletion", delay: "1 minute" }, { customerId: "cust_2", times: 1 })
        const stopped = yield* Effect.promise(async () => {
          const { child, closed, until } = start(bin, args, env)
          await until(({ stdout }) => stdout !== "")
          child.kill("SIGINT")
          await until(({ stderr }) => stderr.includes("Ctrl-C again stops at once"))
          child.kill("SIGINT")
          return closed
        })
        assert.strictEqual(stopped.code, 130)
        assert.deepStrictEqual(linesOf(stopped.stdout).length, 1)
        const { stdout } = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
        assert.strictEqual(JSON.parse(stdout).unknown, 1)
        const resumed = yield* Effect.promise(() => run(bin, args, env))
        assert.deepStrictEqual(
          linesOf(resumed.stdout).map((line) => JSON.parse(line).customerId),
          ["cust_2"]
        )
        assert.strictEqual(resumed.code, 0)
      }).pipe(emulating(["cust_1", "cust_2"]), Effect.runPromise),
    timeout
  )

  withSignals(
    "says that the credentials were refused, also after Ctrl-C",
    async () => {
      const held: Array<ServerResponse> = []
      let arrived = () => {}
      const first = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const server = createServer((_, response) => {
        held.push(response)
        arrived()
      })
      await once(server.listen(0, "127.0.0.1"), "listening")
      const { port } = server.address() as AddressInfo
      const { child, closed, until } = start(bin, ["delete", "cust_1"], {
        FLOWWISE_BASE_URL: `http://127.0.0.1:${port}`,
        FLOWWISE_CLIENT_ID: "id",
        FLOWWISE_CLIENT_SECRET: "secret"
      })
      await Promise.race([first, closed])
      child.kill("SIGINT")
      await until(({ stderr }) => stderr.includes("Stopping"))
      const body = JSON.stringify({ message: "no", code: "unauthorized", type: "authentication_error" })
      for (const response of held) response.writeHead(401, { "content-type": "application/json" }).end(body)
      const { code, stderr } = await closed
      server.closeAllConnections()
      server.close()
      assert.strictEqual(code, 3, stderr)
      assert.include(stderr, "flowwise: the credentials were refused")
    },
    timeout
  )

  it.runIf(process.platform === "linux")(
    "says that stdout can't be written, and stops with 1",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        yield* emulator.delay("100 millis")
        const through = ["bash", "-c", 'exec "$@" > /dev/full', "bash"]
        const args = ["delete", "--file", fileOf("unwritten.txt", many)]
        const { code, stderr } = yield* Effect.promise(() => run(bin, args, env, { through }))
        assert.include(stderr, "The run stopped, since stdout can't be written.")
        assert.include(stderr, "flowwise: stdout can't be written: no space is left on the disk")
        assert.strictEqual(code, 1, stderr)
        assert.isBelow((yield* emulator.requests).length, many.length)

        const dry = yield* Effect.promise(() => run(bin, [...args, "--dry-run"], env, { through }))
        assert.include(dry.stderr, "flowwise: stdout can't be written: no space is left on the disk")
        assert.strictEqual(dry.code, 1)
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )

  withSignals(
    "stops where nobody reads the outcomes any more, without a stack trace",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "closed.journal")
        const args = ["delete", "--file", fileOf("closed.txt", many), "--journal", journal]
        yield* emulator.delay("100 millis")
        const closed = yield* Effect.promise(async () => {
          const { child, closed, until } = start(bin, args, env)
          await until(({ stdout }) => stdout !== "")
          child.stdout?.destroy()
          return closed
        })
        assert.strictEqual(closed.code, 1)
        assert.include(closed.stderr, "The run stopped, since nobody reads stdout any more.")
        assert.include(closed.stderr, "To continue: flowwise delete")
        assert.notMatch(closed.stderr, /EPIPE|^ {4}at /m)
        const requests = yield* emulator.requests
        assert.isBelow(requests.length, many.length)
        const outcomes = linesOf(readFileSync(journal, "utf8")).filter((line) => line.includes('"_tag":"Outcome"'))
        assert.strictEqual(outcomes.length, requests.length)
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )

  withSignals(
    "stops where the disk is full, says so, and goes on when there is room",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        const journal = join(folder, "full.journal")
        const args = ["delete", "--file", fileOf("full.txt", many), "--journal", journal]
        // A file may have 8 KiB here, which fails in the same way as a full disk.
        const through = ["bash", "-c", `trap '' XFSZ; ulimit -f 8; exec "$@"`, "bash"]
        const full = yield* Effect.promise(() => run(bin, args, env, { through }))
        assert.strictEqual(full.code, 1, full.stderr)
        assert.include(full.stderr, `flowwise: the journal can't be written, so the run stopped: ${journal}: `)
        assert.include(full.stderr, "To continue: flowwise delete")
        assert.notMatch(full.stderr, /^ {4}at /m)
        assert.isAbove((yield* emulator.customers).length, 0)
        // Nothing was sent whose intent isn't there.
        const intents = linesOf(readFileSync(journal, "utf8")).filter((line) => line.includes('"_tag":"Intent"'))
        assert.isAtMost((yield* emulator.requests).length, intents.length)

        const resumed = yield* Effect.promise(() => run(bin, args, env))
        assert.strictEqual(resumed.code, 0, resumed.stderr)
        assert.deepStrictEqual(yield* emulator.customers, [])
        const lines = linesOf(readFileSync(journal, "utf8")).map((line) => JSON.parse(line))
        assert.strictEqual(lines.filter(({ _tag }) => _tag === "Outcome").length, many.length)
        assert.strictEqual(statSync(journal).mode & 0o777, 0o600)
      }).pipe(emulating(many), Effect.runPromise),
    timeout
  )
})
