import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { hostname } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import { afterAll } from "vitest"
import { install, run, settings, start } from "./Installed.js"

const { bin, folder, remove } = await install()
afterAll(remove)

const timeout = 120_000
const customers = Array.from({ length: 20 }, (_, index) => `cust_${index + 1}`)
const file = join(folder, "ids.txt")
writeFileSync(file, customers.join("\n"))

const emulating = Effect.provide(FlowwiseEmulator.layer({ customers }))
const linesOf = (text: string) => text.split("\n").slice(0, -1)
const entriesOf = (journal: string) => linesOf(readFileSync(journal, "utf8")).map((line) => JSON.parse(line))
const argsFor = (journal: string, input = file) => ["delete", "--file", input, "--journal", journal]
const deleteInto = (journal: string, env: Record<string, string>, input = file) =>
  Effect.promise(() => run(bin, argsFor(journal, input), env))
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

it.live(
  "each line of the journal is evidence: who was asked, by whom, when, and what came back",
  () =>
    Effect.gen(function* () {
      const env = yield* settings
      const journal = join(folder, "evidence.jsonl")
      const begun = Date.now()
      assert.strictEqual((yield* deleteInto(journal, env)).code, 0)
      const ended = Date.now()
      const [{ at, ...header }, ...entries] = entriesOf(journal)
      const { host } = new URL(env.FLOWWISE_BASE_URL)
      assert.deepStrictEqual(header, {
        _tag: "Header",
        version: 1,
        environment: host,
        baseUrl: env.FLOWWISE_BASE_URL,
        clientIdSha256: sha256("emulator-client-id"),
        input: { sha256: sha256(customers.join("\n")), format: "Text", ids: 20, duplicates: 0, lastLine: 20 }
      })
      const requestIds = new Set<string>()
      for (const [index, customerId] of customers.entries()) {
        const [intent, outcome, ...others] = entries.filter(({ line }) => line === index + 1)
        assert.isEmpty(others)
        assert.deepStrictEqual({ ...intent, at: "" }, { _tag: "Intent", line: index + 1, at: "", customerId })
        assert.deepStrictEqual([outcome._tag, outcome.host, outcome.outcome.customerId], ["Outcome", host, customerId])
        requestIds.add(outcome.outcome.requestId)
        const times = [begun, Date.parse(at), Date.parse(intent.at), Date.parse(outcome.at), ended]
        assert.deepStrictEqual(
          [...times].sort((one, other) => one - other),
          times
        )
      }
      assert.strictEqual(requestIds.size, customers.length)
      if (process.platform !== "win32") assert.strictEqual(statSync(journal).mode & 0o777, 0o600)
      assert.isFalse(existsSync(`${journal}.lock`))
    }).pipe(emulating),
  timeout
)

it.live(
  "the path of the base URL belongs to the place that is asked, in the summary and in the report",
  () =>
    Effect.gen(function* () {
      const env = yield* settings
      const journal = join(folder, "path.jsonl")
      const place = `${new URL(env.FLOWWISE_BASE_URL).host}/sandbox`
      const deleted = yield* deleteInto(journal, { ...env, FLOWWISE_BASE_URL: `${env.FLOWWISE_BASE_URL}/sandbox/` })
      assert.include(deleted.stderr, `  at     ${place}\n`)
      const report = yield* Effect.promise(() => run(bin, ["report", journal], {}))
      assert.match(report.stdout, new RegExp(`^environment +${place}$`, "m"))
    }).pipe(emulating),
  timeout
)

it.live(
  "a line that was cut off at the end is taken away, and its customer asked for again",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const journal = join(folder, "torn.jsonl")
      yield* deleteInto(journal, env)
      const [{ line, outcome }] = entriesOf(journal).slice(-1)
      assert.isDefined(outcome)
      truncateSync(journal, statSync(journal).size - 1)

      const report = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
      const { deleted, tornBytes, unknown } = JSON.parse(report.stdout)
      assert.deepStrictEqual({ deleted, unknown }, { deleted: 19, unknown: 1 })
      assert.isAbove(tornBytes, 100)

      const again = yield* deleteInto(journal, env)
      assert.strictEqual(again.code, 0, again.stderr)
      assert.match(again.stdout, new RegExp(`^absent   ${outcome.customerId}  request req_\\d+\n$`))
      assert.strictEqual((yield* emulator.requests).length, customers.length + 1)
      const last = entriesOf(journal).at(-1)
      // The first request did delete the customer, though nothing of that is left but its intent.
      assert.deepStrictEqual([last.line, last.outcome.afterAmbiguousAttempt], [line, true])

      // A journal whose header never got there: nothing was sent.
      const begun = join(folder, "begun.jsonl")
      writeFileSync(begun, `{"_tag":"Header","vers`)
      const single = join(folder, "single.txt")
      writeFileSync(single, "cust_1")
      assert.strictEqual((yield* deleteInto(begun, env, single)).code, 0)
    }).pipe(emulating),
  timeout
)

it.live(
  "damage elsewhere, another file and another run are refused with 2, and stay as they are",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const journal = join(folder, "good.jsonl")
      yield* deleteInto(journal, env)
      const good = linesOf(readFileSync(journal, "utf8"))
      const sent = (yield* emulator.requests).length

      const write = (name: string, text: string) => {
        const path = join(folder, name)
        writeFileSync(path, text)
        return path
      }
      const others = write("others.txt", "cust_1\n")
      const damaged = (name: string, line: number, text: string) =>
        write(name, `${good.map((kept, index) => (index === line - 1 ? text : kept)).join("\n")}\n`)
      const cases: ReadonlyArray<
        readonly [journal: string, says: RegExp, env?: Record<string, string>, input?: string]
      > = [
        [damaged("half.jsonl", 5, good[4]!.slice(0, 20)), /half.jsonl: line 5 is damaged/],
        [damaged("nul.jsonl", 6, "\0".repeat(50)), /nul.jsonl: line 6 is damaged/],
        [damaged("utf8.jsonl", 7, good[0]!), /utf8.jsonl: line 7 is damaged/],
        [
          damaged("orphan.jsonl", 2, good.find((line) => line.includes('"Outcome"'))!),
          /orphan.jsonl: line 2 is damaged/
        ],
        [damaged("void.jsonl", 2, good[1]!.replace('"Intent"', '"NotDeleted"')), /void.jsonl: line 2 is damaged/],
        [
          damaged("other.jsonl", good.length, good.at(-1)!.replace(/"customerId":"cust_\d+"/, '"customerId":"nobody"')),
          new RegExp(`other.jsonl: line ${good.length} is damaged`)
        ],
        [damaged("line.jsonl", 8, good[7]!.replace(/"line":\d+/, '"line":21')), /line.jsonl: line 8 is damaged/],
        [
          damaged("future.jsonl", 1, good[0]!.replace('"version":1', '"version":2')),
          /future.jsonl: line 1 is not the beginning of a journal that this version can read/
        ],
        [
          damaged("place.jsonl", 1, good[0]!.replace(/"baseUrl":"[^"]*",/, "")),
          /place.jsonl: line 1 is not the beginning of a journal that this version can read; begin a new one/
        ],
        [write("notes.txt", "cust_1\ncust_2\n"), /notes.txt: line 1 is not the beginning of a journal/],
        [write("note.txt", "cust_1"), /note.txt: it is a file, but not a journal/],
        [folder, /: it is a directory/],
        [journal, /this journal is of another input/, env, others],
        [journal, /this journal is of another account/, { ...env, FLOWWISE_CLIENT_ID: "other" }],
        [journal, /this journal is of another environment/, { ...env, FLOWWISE_BASE_URL: "http://localhost:1" }],
        [journal, /of another environment .*\/prod\)/, { ...env, FLOWWISE_BASE_URL: `${env.FLOWWISE_BASE_URL}/prod` }]
      ]
      yield* Effect.forEach(
        cases,
        ([path, says, settings = env, input = file]) =>
          Effect.gen(function* () {
            const before = path === folder ? "" : readFileSync(path, "utf8")
            const { code, stderr, stdout } = yield* deleteInto(path, settings, input)
            const problem = stderr.split("\n").filter((line) => line.startsWith("flowwise: "))
            assert.strictEqual(problem.length, 1, stderr)
            assert.match(problem[0]!, says)
            assert.match(problem[0]!, /\. Nothing was sent$/)
            assert.deepStrictEqual([code, stdout], [2, ""])
            if (path !== folder) assert.strictEqual(readFileSync(path, "utf8"), before)
          }),
        { concurrency: 1 }
      )
      assert.strictEqual((yield* emulator.requests).length, sent)
    }).pipe(emulating),
  timeout
)

it.live(
  "a journal of other arguments, or of the same file read in another way, is of another input",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const table = join(folder, "table.csv")
      writeFileSync(table, "id,id trimmed\ncust_3,cust_4\n")
      const column = (name: string) => ["--file", table, "--column", name]
      const cases = [
        [["cust_1"], ["cust_2"]],
        [[...column("id"), "--trim"], column("id trimmed")]
      ]
      for (const [index, [ids = [], others = []]] of cases.entries()) {
        const journal = join(folder, `other-input-${index}.jsonl`)
        const deleted = yield* Effect.promise(() => run(bin, ["delete", ...ids, "--journal", journal], env))
        assert.strictEqual(deleted.code, 0, deleted.stderr)
        const refused = yield* Effect.promise(() => run(bin, ["delete", ...others, "--journal", journal], env))
        assert.include(refused.stderr, "this journal is of another input")
        assert.strictEqual(refused.code, 2)
        assert.strictEqual((yield* emulator.requests).length, index + 1)
      }
    }).pipe(emulating),
  timeout
)

it.live(
  "two runs can't have one journal, and a run that was killed holds up nobody",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const journal = join(folder, "locked.jsonl")
      yield* emulator.respondWith({ never: true }, { customerId: "cust_1", times: 1 })
      const first = start(bin, argsFor(journal), env)
      yield* Effect.promise(() => first.until(({ stdout }) => stdout !== ""))

      const second = yield* deleteInto(journal, env)
      assert.include(second.stderr, `another run has this journal (process ${first.child.pid} on ${hostname()})`)
      assert.match(second.stderr, /\. Nothing was sent\n$/)
      assert.strictEqual(second.code, 2)

      // The same by other names.
      const sent = (yield* emulator.requests).length
      symlinkSync(journal, join(folder, "symbolic.jsonl"))
      const symbolic = yield* deleteInto(join(folder, "symbolic.jsonl"), env)
      assert.include(symbolic.stderr, `another run has this journal (process ${first.child.pid} on`)
      linkSync(journal, join(folder, "hard.jsonl"))
      const hard = yield* deleteInto(join(folder, "hard.jsonl"), env)
      assert.include(hard.stderr, "hard.jsonl: this journal has more than one name")
      assert.deepStrictEqual([symbolic.code, hard.code], [2, 2])
      assert.strictEqual((yield* emulator.requests).length, sent)
      rmSync(join(folder, "hard.jsonl"))

      first.child.kill("SIGKILL")
      yield* Effect.promise(() => first.closed)
      assert.isTrue(existsSync(`${journal}.lock`))
      const third = yield* deleteInto(journal, env)
      assert.strictEqual(third.code, 0, third.stderr)
      assert.isFalse(existsSync(`${journal}.lock`))
    }).pipe(emulating),
  timeout
)

it.live(
  "13.1 a lock counts unless it is of this boot and PID namespace, and its process has ended",
  () =>
    Effect.gen(function* () {
      const env = yield* settings
      const journal = join(folder, "stale.jsonl")
      const lock = `${journal}.lock`
      const { respondWith } = yield* FlowwiseEmulator
      yield* respondWith({ never: true }, { customerId: "cust_1", times: 1 })
      // A real one, of a run that was killed.
      const killed = start(bin, argsFor(journal), env)
      yield* Effect.promise(() => killed.until(() => existsSync(lock)))
      killed.child.kill("SIGKILL")
      yield* Effect.promise(() => killed.closed)
      const stale = JSON.parse(readFileSync(lock, "utf8"))
      assert.deepStrictEqual([stale.pid, stale.host], [killed.child.pid, hostname()])

      const elsewhere = { ...stale, host: "elsewhere" }
      for (const where of [`other-boot ${stale.where.split(" ")[1]}`, `${stale.where.split(" ")[0]} pid:[1]`, null]) {
        writeFileSync(lock, JSON.stringify({ ...elsewhere, where }))
        const { code, stderr } = yield* deleteInto(journal, env)
        assert.include(stderr, `another run may have this journal (process ${stale.pid} on elsewhere)`)
        assert.include(stderr, `If you are sure that no run uses this journal, delete ${lock}. Nothing was sent\n`)
        assert.strictEqual(code, 2)
      }
      for (const damage of ["", "\0\0", '{"pid":0}']) {
        writeFileSync(lock, damage)
        const { code, stderr } = yield* deleteInto(journal, env)
        assert.match(
          stderr,
          /^flowwise: .*stale\.jsonl\.lock: this lock is damaged.* delete .*stale\.jsonl\.lock\. Nothing was sent$/m
        )
        assert.notMatch(stderr, /^ {4}at /m)
        assert.strictEqual(code, 2)
      }

      // On Linux a later process with the same number is told from it; elsewhere only a free number is free.
      const reused = process.platform === "linux" ? { ...stale, pid: process.pid } : stale
      writeFileSync(lock, JSON.stringify(reused))
      const taken = yield* deleteInto(journal, env)
      assert.strictEqual(taken.code, 0, taken.stderr)
      assert.deepStrictEqual(
        readdirSync(folder).filter((name) => name.startsWith("stale.jsonl.")),
        []
      )
    }).pipe(emulating),
  timeout
)

const ownNamespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
const mayUnshare = spawnSync(ownNamespace[0]!, [...ownNamespace.slice(1), "true"]).status === 0

it.skipIf(!mayUnshare)(
  "13.1 two runs in PID namespaces of their own can't have one journal (skipped where unshare is not permitted)",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const journal = join(folder, "namespaces.jsonl")
      yield* emulator.respondWith({ never: true }, { customerId: "cust_1", times: 1 })
      const first = start(bin, argsFor(journal), env, { through: ownNamespace })
      yield* Effect.promise(() => first.until(({ stdout }) => linesOf(stdout).length === customers.length - 1))
      for (const through of [ownNamespace, []]) {
        const second = yield* Effect.promise(() => run(bin, argsFor(journal), env, { through }))
        assert.include(second.stderr, `another run may have this journal (process 1 on ${hostname()})`)
        assert.deepStrictEqual([second.code, second.stdout], [2, ""])
      }
      assert.strictEqual((yield* emulator.requests).length, customers.length)
      first.child.kill("SIGKILL")
      yield* Effect.promise(() => first.closed)
    }).pipe(emulating, Effect.runPromise),
  timeout
)

it.live(
  "13.1 a run that finds another writer in its journal stops, and the journal can be read",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const journal = join(folder, "two-writers.jsonl")
      yield* emulator.delay("50 millis")
      const first = start(bin, [...argsFor(journal), "--concurrency", "2"], env)
      yield* Effect.promise(() => first.until(({ stdout }) => stdout !== ""))
      // What another run writes when it begins, and when it asks for the last customer.
      const at = new Date().toISOString()
      const foreign = [
        { _tag: "Resumed", at },
        { _tag: "Intent", line: 20, customerId: "cust_20", at }
      ]
      appendFileSync(journal, foreign.map((line) => `${JSON.stringify(line)}\n`).join(""))
      const { code, stderr } = yield* Effect.promise(() => first.closed)
      assert.match(stderr, /^flowwise: the journal can't be written.*another run is writing to this journal too/m)
      assert.strictEqual(code, 1)
      assert.isBelow((yield* emulator.requests).length, customers.length)

      const again = yield* deleteInto(journal, env)
      assert.strictEqual(again.code, 0, again.stderr)
      const report = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
      const { alreadyAbsent, deleted, runs } = JSON.parse(report.stdout)
      assert.deepStrictEqual([deleted + alreadyAbsent, runs], [customers.length, 3])
    }).pipe(emulating),
  timeout
)

it.live(
  "13.1 lines of two runs that wrote at the same time are read, and a deletion stays one",
  () =>
    Effect.gen(function* () {
      const env = yield* settings
      const journal = join(folder, "interleaved.jsonl")
      yield* deleteInto(journal, env)
      const [header, ...lines] = linesOf(readFileSync(journal, "utf8"))
      const resumed = JSON.stringify({ _tag: "Resumed", at: new Date().toISOString() })
      const absent = (line: string) => {
        const { outcome, ...entry } = JSON.parse(line)
        const { customerId, environment } = outcome
        const { at: observedAt } = entry
        const later = {
          _tag: "CustomerAlreadyAbsent",
          customerId,
          environment,
          observedAt,
          afterAmbiguousAttempt: false
        }
        return JSON.stringify({ ...entry, outcome: later })
      }
      const both = lines.flatMap((line) => [line, line.includes('"_tag":"Outcome"') ? absent(line) : line])
      writeFileSync(journal, `${[header, resumed, ...both].join("\n")}\n`)
      const report = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
      const { alreadyAbsent, deleted, unknown } = JSON.parse(report.stdout)
      assert.deepStrictEqual([deleted, alreadyAbsent, unknown], [customers.length, 0, 0])
    }).pipe(emulating),
  timeout
)

it.live(
  "who was refused is asked for again, and counted once",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      const journal = join(folder, "failures.jsonl")
      yield* emulator.respondWith({ status: 403, body: "no" }, { customerId: "cust_1", times: 1 })
      yield* emulator.respondWith({ status: 409, body: "no" }, { customerId: "cust_2" })
      assert.strictEqual((yield* deleteInto(journal, env)).code, 1)
      const second = yield* deleteInto(journal, env)
      assert.strictEqual(second.code, 1)
      assert.deepStrictEqual(
        linesOf(second.stdout)
          .map((line) => line.split(/ +/).slice(0, 2))
          .sort(),
        [
          ["FAILED", "cust_2"],
          ["deleted", "cust_1"]
        ]
      )

      const json = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
      const { deleted, failures, notDeleted, runs } = JSON.parse(json.stdout)
      assert.deepStrictEqual(
        { deleted, failures, notDeleted, runs },
        { deleted: 19, failures: { "UnexpectedResponse 409": 1 }, notDeleted: 1, runs: 2 }
      )
      const text = yield* Effect.promise(() => run(bin, ["report", journal], {}))
      assert.match(text.stdout, /^ {2}deleted +19$/m)
      assert.match(text.stdout, /^ {4}UnexpectedResponse 409 +1$/m)
      const markdown = yield* Effect.promise(() => run(bin, ["report", journal, "--markdown"], {}))
      assert.include(markdown.stdout, "| &emsp;deleted | 19 |\n")
      assert.notInclude(text.stdout + markdown.stdout + json.stdout, "cust_")
    }).pipe(emulating),
  timeout
)

/** Three ids, and a server that answers as told. */
const three = join(folder, "three.txt")
writeFileSync(three, "cust_1\ncust_2\ncust_3\n")
const serving = async (answer: RequestListener) => {
  let current = answer
  const server = createServer((request, response) => current(request, response))
  await once(server.listen(0, "127.0.0.1"), "listening")
  return {
    env: {
      FLOWWISE_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      FLOWWISE_CLIENT_ID: "id",
      FLOWWISE_CLIENT_SECRET: "secret"
    },
    answer: (next: RequestListener) => {
      current = next
    },
    close: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      await once(server.close(), "close")
    }
  }
}

/** A run that is killed with its three requests under way. */
const killed = async (journal: string) => {
  let arrived = () => {}
  const all = new Promise<void>((resolve) => {
    let requests = 0
    arrived = () => {
      if (++requests === 3) resolve()
    }
  })
  const server = await serving(() => arrived())
  const first = start(bin, argsFor(journal, three), server.env)
  await Promise.race([all, first.closed])
  first.child.kill("SIGKILL")
  await first.closed
  return server
}
const reportOf = async (journal: string) => {
  const { notAskedFor, notDeleted, unknown } = JSON.parse((await run(bin, ["report", journal, "--json"], {})).stdout)
  return { notAskedFor, notDeleted, unknown }
}
const perhapsDeleted = { notAskedFor: 0, notDeleted: 0, unknown: 3 }
const unauthorized: RequestListener = (_, response) =>
  response
    .writeHead(401, { "content-type": "application/json" })
    .end(JSON.stringify({ message: "no", code: "unauthorized", type: "authentication_error" }))

it("who was under way at a kill stays unknown when the credentials are refused later", { timeout }, async () => {
  const journal = join(folder, "killed-401.jsonl")
  const server = await killed(journal)
  server.answer(unauthorized)
  const resumed = await run(bin, argsFor(journal, three), server.env)
  await server.close()
  assert.strictEqual(resumed.code, 3, resumed.stderr)
  assert.include(resumed.stderr, "3 customers may have been deleted")
  assert.deepStrictEqual(await reportOf(journal), perhapsDeleted)
})

it("who was under way at a kill stays unknown when there is no connection later", { timeout }, async () => {
  const journal = join(folder, "killed-closed.jsonl")
  const server = await killed(journal)
  await server.close()
  const resumed = await run(bin, argsFor(journal, three), server.env)
  assert.strictEqual(resumed.code, 1, resumed.stderr)
  assert.include(resumed.stderr, "3 customers may have been deleted")
  assert.deepStrictEqual(await reportOf(journal), perhapsDeleted)
})

it("who was under way at a kill stays unknown when the answer later is a refusal", { timeout }, async () => {
  const journal = join(folder, "killed-403.jsonl")
  const server = await killed(journal)
  server.answer((_, response) => response.writeHead(403).end())
  const { code, stderr, stdout } = await run(bin, argsFor(journal, three), server.env)
  await server.close()
  assert.strictEqual(code, 1, stderr)
  assert.lengthOf(
    stdout.match(/^UNKNOWN {2}cust_\d {2}UnexpectedResponse: .* A request before this one may/gm) ?? [],
    3
  )
  assert.include(stderr, "3 customers may have been deleted")
  assert.deepStrictEqual(await reportOf(journal), perhapsDeleted)
})

const refusals = {
  "403": { status: 403, headers: {}, says: "UnexpectedResponse" },
  "a 429 that asks for too long a wait": { status: 429, headers: { "retry-after": "3600" }, says: "RateLimited" }
}

it.each(Object.entries(refusals))(
  "a lost answer and then %s is not called a customer who was not deleted",
  { timeout },
  async (name, { headers, says, status }) => {
    const seen = new Set<string>()
    const answer: RequestListener = ({ socket, url = "" }, response) => {
      if (seen.has(url)) response.writeHead(status, headers).end()
      else socket.resetAndDestroy()
      seen.add(url)
    }
    const journal = join(folder, `lost-${status}.jsonl`)
    const server = await serving(answer)
    const text = await run(bin, ["delete", "cust_1"], server.env)
    assert.match(
      text.stdout,
      new RegExp(`^UNKNOWN  cust_1  ${says}: .*A request before this one may have deleted`),
      name
    )
    assert.include(text.stderr, "1 customer may have been deleted: a request was sent, and no answer settles it")
    assert.strictEqual(text.code, 1)

    seen.clear()
    const one = join(folder, "one.txt")
    writeFileSync(one, "cust_1\n")
    const { stdout } = await run(bin, [...argsFor(journal, one), "--json"], server.env)
    await server.close()
    const { outcome } = entriesOf(journal).at(-1)
    // The resend has the intent of the first request.
    assert.lengthOf(
      entriesOf(journal).filter(({ _tag }) => _tag === "Intent"),
      1
    )
    assert.deepStrictEqual([outcome.mayBeDeleted, outcome.error._tag], [true, says])
    assert.deepStrictEqual(JSON.parse(stdout), outcome)
    assert.deepStrictEqual(await reportOf(journal), { notAskedFor: 0, notDeleted: 0, unknown: 1 })
  }
)

it("a lost answer and then a 401 is not called a customer who was not deleted", { timeout }, async () => {
  let requests = 0
  const server = await serving((request, response) => {
    if (++requests === 1) request.socket.resetAndDestroy()
    else unauthorized(request, response)
  })
  const journal = join(folder, "lost-401.jsonl")
  const { code, stderr, stdout } = await run(bin, [...argsFor(journal, three), "--concurrency", "1"], server.env)
  await server.close()
  assert.strictEqual(code, 3, stderr)
  assert.match(stdout, /^UNKNOWN {2}cust_1 {2}RequestFailed: [^\n]*\n$/)
  assert.include(stderr, "1 customer may have been deleted")
  assert.deepStrictEqual(await reportOf(journal), { notAskedFor: 2, notDeleted: 0, unknown: 1 })
})

it.skipIf(process.platform === "win32")("a lock that can't be written leaves nothing behind", { timeout }, async () => {
  const journal = join(folder, "no-room.jsonl")
  const through = ["bash", "-c", `trap '' XFSZ; ulimit -f 0; exec "$@"`, "bash"]
  const env = { FLOWWISE_BASE_URL: "http://127.0.0.1:1", FLOWWISE_CLIENT_ID: "id", FLOWWISE_CLIENT_SECRET: "secret" }
  const { code, stderr } = await run(bin, argsFor(journal, three), env, { through })
  assert.include(stderr, "no-room.jsonl: a file may not be so large here")
  assert.strictEqual(code, 2)
  assert.deepStrictEqual(
    readdirSync(folder).filter((name) => name.startsWith("no-room.jsonl.")),
    []
  )
})

it.skipIf(process.platform === "win32")("13.4 a journal is not where outcomes are printed", { timeout }, async () => {
  const journal = join(folder, "printed.jsonl")
  const server = await serving((_, response) => response.writeHead(204).end())
  for (const redirected of ['exec "$@" > "$0"', 'exec "$@" >> "$0"', 'exec "$@" 2>> "$0"']) {
    const { code } = await run(bin, argsFor(journal, three), server.env, {
      through: ["bash", "-c", redirected, journal]
    })
    assert.notInclude(readFileSync(journal, "utf8"), "Header")
    assert.strictEqual(code, 2)
    rmSync(journal)
  }
  await server.close()
})

it("13.4 a journal that is deleted stops the run", { timeout }, async () => {
  const journal = join(folder, "deleted.jsonl")
  const server = await serving((_, response) => {
    rmSync(journal, { force: true })
    response.writeHead(204).end()
  })
  const { code, stderr } = await run(bin, argsFor(journal, three), server.env)
  await server.close()
  assert.include(stderr, "the journal can't be written, so the run stopped:")
  assert.include(stderr, "deleted.jsonl: somebody has deleted it")
  assert.strictEqual(code, 1)
})

it("13.4 a run that was not confirmed binds its journal to nothing", { timeout }, async () => {
  const journal = join(folder, "unconfirmed.jsonl")
  const server = await serving((_, response) => response.writeHead(204).end())
  const refused = await run(bin, [...argsFor(journal), "--confirm", "production"], server.env)
  assert.include(refused.stderr, "Nothing was sent")
  assert.strictEqual(refused.code, 2)
  const other = await run(bin, argsFor(journal, three), server.env)
  await server.close()
  assert.strictEqual(other.code, 0, other.stderr)
  assert.deepStrictEqual(entriesOf(journal).length, 7)
})

it("the end of a run removes no lock but its own", { timeout }, async () => {
  const journal = join(folder, "replaced.jsonl")
  const lock = `${journal}.lock`
  let replace = () => {}
  const server = await serving((_, response) => {
    replace()
    response.writeHead(204).end()
  })
  replace = () => writeFileSync(lock, "of another run")
  const replaced = await run(bin, argsFor(journal, three), server.env)
  assert.strictEqual(replaced.code, 0, replaced.stderr)
  assert.strictEqual(readFileSync(lock, "utf8"), "of another run")

  const again = join(folder, "replaced-by-folder.jsonl")
  replace = () => {
    rmSync(`${again}.lock`, { recursive: true })
    mkdirSync(`${again}.lock`)
  }
  const folderInstead = await run(bin, argsFor(again, three), server.env)
  await server.close()
  assert.strictEqual(folderInstead.code, 0, folderInstead.stderr)
  assert.notInclude(folderInstead.stderr, "defect")
})

it("a connection that breaks is not called a customer who was not deleted", { timeout }, async () => {
  const journal = join(folder, "resets.jsonl")
  const server = await serving(({ socket }) => socket.resetAndDestroy())
  const { code, stderr, stdout } = await run(bin, argsFor(journal, three), server.env)
  await server.close()
  assert.strictEqual(code, 1, stderr)
  assert.include(
    stderr,
    "3 customers: 0 deleted, 0 already absent, 3 not known to be gone\n3 customers may have been deleted"
  )
  assert.notInclude(stderr, "not deleted")
  assert.lengthOf(stdout.match(/^UNKNOWN {2}cust_\d {2}RequestFailed: /gm) ?? [], 3)
  assert.deepStrictEqual(await reportOf(journal), perhapsDeleted)
  const report = await run(bin, ["report", journal], {})
  assert.match(report.stdout, /^ {2}unknown, perhaps deleted +3\n {4}RequestFailed Transport, delivered unknown +3$/m)
})

it.live(
  "a report of what is no journal is refused with 2",
  () =>
    Effect.gen(function* () {
      const header = {
        _tag: "Header",
        version: 1,
        environment: "sandbox",
        baseUrl: "https://flowwise.invalid",
        clientIdSha256: "",
        input: { sha256: "", format: "Text", ids: 1, duplicates: 0, lastLine: 1 },
        at: "2026-01-01T00:00:00.000Z"
      }
      const headed = (name: string, changes: Partial<typeof header>) => {
        writeFileSync(join(folder, name), `${JSON.stringify({ ...header, ...changes })}\n`)
        return join(folder, name)
      }
      assert.strictEqual((yield* Effect.promise(() => run(bin, ["report", headed("ok.jsonl", {})], {}))).code, 0)
      const cases = [
        [["report", headed("no-url.jsonl", { baseUrl: "nowhere" })], "line 1 is not the beginning of a journal"],
        [
          ["report", headed("no-line.jsonl", { input: { ...header.input, lastLine: -5 } })],
          "line 1 is not the beginning of a journal"
        ],
        [["report", join(folder, "gone.jsonl")], "gone.jsonl: no such file or directory"],
        [["report", file], "line 1 is not the beginning of a journal"],
        [["report", folder], "it is a directory"],
        [["report", file, "--json", "--markdown"], "give --json or --markdown, and not both"]
      ] as const
      for (const [args, says] of cases) {
        const { code, stderr, stdout } = yield* Effect.promise(() => run(bin, args, {}))
        assert.include(stderr, says)
        assert.deepStrictEqual([code, stdout], [2, ""])
      }
    }),
  timeout
)
