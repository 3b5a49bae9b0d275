/** What every transport owes the client. The claims are made right on the seam, with an observer that keeps the reports. */
import * as V8 from "node:v8"
import * as Vm from "node:vm"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { deleteCustomer, type FlowwiseClient, Transport } from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestServices from "effect/TestServices"
// By its path: as a dependency it would close a circle of packages.
import { FlowwiseTest } from "../../testing/src/index.js"
import { summary } from "./edition.js"
import * as HttpServer from "./HttpServer.js"
import { untilIn } from "./Loopback.js"
import { clientAt, poolsOfOne, transports } from "./layers.js"
import * as RawServer from "./RawServer.js"
import { http } from "./RawServer.js"

type Seam = Transport["Type"]

/** Sends one request, and keeps what the transport reports of it. */
const begin = (
  seam: Seam,
  baseUrl: string,
  options: { readonly path?: string; readonly wantsBody?: boolean; readonly onHead?: (letGo: () => void) => void } = {}
) =>
  Effect.withFiberRuntime<Exchange>((fiber) =>
    Effect.sync(() => {
      const reports: Array<string> = []
      const waiting = new Set<() => void>()
      const report = (text: string) => {
        reports.push(text)
        for (const check of waiting) check()
      }
      const letGo = seam.send(
        { origin: baseUrl, path: options.path ?? "/customer/cust_1", headers: { accept: "*/*" }, trace: {} },
        {
          fiber,
          span: undefined,
          left: (left) => report(`left ${left}`),
          head: (status) => {
            report(`head ${status}`)
            options.onHead?.(() => letGo())
            return options.wantsBody ?? true
          },
          body: (body) => report(body === undefined ? "body unreadable" : `body ${body.text.length} ${body.complete}`),
          failed: () => report("failed")
        }
      )
      const until = untilIn(waiting)
      return { reports, letGo, reported: (what: RegExp) => until(() => reports.some((one) => what.test(one))) }
    })
  )

interface Exchange {
  /** `left …`, `head <status>`, `body <length> <complete>`, `failed`. */
  readonly reports: Array<string>
  readonly letGo: () => void
  readonly reported: (what: RegExp) => Effect.Effect<void>
}

/** So many round trips to another server that whatever goes on by itself has gone on. */
const meanwhile = Effect.gen(function* () {
  const { baseUrl } = yield* HttpServer.make((_, response) => void response.end())
  const roundTrip = Effect.promise(() => fetch(baseUrl).then((response) => response.text()))
  yield* Effect.replicateEffect(roundTrip, 30)
})

// A call of its own for each run: the runs of one call know of each other.
const outcome = Effect.map(Effect.either(Effect.suspend(() => deleteCustomer("cust_1"))), (result) =>
  summary(Either.merge(result))
)

type Name = keyof typeof transports

interface Claim {
  readonly claim: string
  /** Who has no such claim to meet, and why. */
  readonly except?: readonly [Name, why: string]
  readonly test: (seam: Seam, name: Name) => Effect.Effect<void, unknown, Scope.Scope>
  /** The same of the vendor in memory, which has no connection, through the client. */
  readonly memory?: (
    fake: (typeof FlowwiseTest)["Service"]
  ) => Effect.Effect<void, unknown, FlowwiseClient | FlowwiseTest | Scope.Scope>
}

const exact = (name: Name) => name === "NodeFlowwise.layerTransport"

const claims: ReadonlyArray<Claim> = [
  {
    claim: "ends in time, also under a caller who can't be interrupted",
    test: (seam) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => undefined)
        const client = clientAt(server.baseUrl, Layer.succeed(Transport, seam))
        const fiber = yield* Effect.fork(Effect.uninterruptible(Effect.provide(outcome, client)))
        yield* server.received(1)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), "RequestFailed Timeout unknown")
        yield* server.openAtMost(0)
      }),
    memory: (fake) =>
      Effect.gen(function* () {
        yield* fake.delay("1 hour")
        const fiber = yield* Effect.fork(Effect.uninterruptible(outcome))
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), "RequestFailed Timeout unknown")
      })
  },
  {
    claim: "frees the connection of an answer, read, unread, cut off or let go",
    test: (seam) =>
      Effect.gen(function* () {
        const long = "x".repeat(1_000_000)
        const answers: Record<string, RawServer.Answer> = {
          "/unread": http(404, { "content-length": "9000000" }, long),
          "/long": http(404, { "content-length": "9000000" }, long),
          "/half": http(404, { "content-length": "9" }, "half")
        }
        const server = yield* RawServer.make((path) => answers[path])
        const unread = yield* begin(seam, server.baseUrl, { path: "/unread", wantsBody: false })
        yield* unread.reported(/head/)
        const whole = yield* begin(seam, server.baseUrl, { path: "/long" })
        yield* whole.reported(/body/)
        const half = yield* begin(seam, server.baseUrl, { path: "/half" })
        yield* half.reported(/head/)
        half.letGo()
        const silent = yield* begin(seam, server.baseUrl, { path: "/silent" })
        yield* server.received(4)
        silent.letGo()
        yield* server.openAtMost(0)
      })
  },
  {
    claim: "uses the connection of a small answer again",
    except: ["NodeHttpClient.layer", "the platform's agent keeps no connection alive"],
    test: (seam) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make((path) => (path === "/gone" ? http(204) : http(404, {}, "small")))
        for (const path of ["/gone", "/small", "/gone", "/small", "/gone"]) {
          const { reported } = yield* begin(seam, server.baseUrl, { path })
          yield* reported(path === "/gone" ? /head 204/ : /body/)
          // An agent has its connection back in the next turn.
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        }
        assert.strictEqual(yield* server.connections, 1)
      })
  },
  {
    claim: "follows nothing",
    test: (seam) =>
      Effect.gen(function* () {
        const elsewhere = yield* RawServer.make(() => http(204))
        for (const status of [301, 302, 303, 307, 308]) {
          const server = yield* RawServer.make(() => http(status, { location: `${elsewhere.baseUrl}/customer/cust_1` }))
          const { reported, reports } = yield* begin(seam, server.baseUrl, { wantsBody: false })
          yield* reported(/head/)
          assert.include(reports, `head ${status}`)
          assert.lengthOf(yield* server.heads, 1)
        }
        yield* meanwhile
        assert.strictEqual(yield* elsewhere.connections, 0)
      })
  },
  {
    claim: "sends once, whatever the answer, or none",
    test: (seam) =>
      Effect.gen(function* () {
        const answers: ReadonlyArray<RawServer.Answer> = [
          http(503),
          http(429, { "retry-after": "0" }),
          http(401, { "www-authenticate": "Basic" }),
          http(407, { "proxy-authenticate": "Basic" }),
          http(408, { connection: "close" }),
          { bytes: "", close: true },
          { bytes: "", reset: true },
          { bytes: "no HTTP\r\n\r\n", close: true }
        ]
        for (const answer of answers) {
          const server = yield* RawServer.make(() => answer)
          const { reported } = yield* begin(seam, server.baseUrl)
          // `fetch` makes an error of a 407.
          yield* reported(/body|failed/)
          yield* meanwhile
          assert.lengthOf(yield* server.heads, 1, String(answer.bytes))
        }
      }),
    memory: (fake) =>
      Effect.gen(function* () {
        yield* fake.loseAnswer()
        assert.strictEqual(yield* outcome, "RequestFailed Transport unknown")
        assert.lengthOf(yield* fake.requests, 1)
      })
  },
  {
    claim: "reads at most 64 KiB",
    test: (seam) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make((path) =>
          path === "/fits"
            ? http(404, {}, "x".repeat(64 * 1024))
            : path === "/over"
              ? http(404, {}, "x".repeat(64 * 1024 + 1))
              : { bytes: "HTTP/1.1 404 No\r\n\r\n", endless: "x" }
        )
        const read = (path: string) =>
          Effect.gen(function* () {
            const { reported, reports } = yield* begin(seam, server.baseUrl, { path })
            yield* reported(/body/)
            return reports.at(-1)
          })
        assert.strictEqual(yield* read("/fits"), "body 65536 true")
        assert.strictEqual(yield* read("/over"), "body 65536 false")
        assert.strictEqual(yield* read("/endless"), "body 65536 false")
        assert.isBelow(yield* server.taken, 1024 * 1024)
      })
  },
  {
    claim: "says truly whether anything left",
    test: (seam, name) =>
      Effect.gen(function* () {
        const closed = yield* Effect.scoped(
          Effect.map(
            RawServer.make(() => undefined),
            ({ baseUrl }) => baseUrl
          )
        )
        const outcomeAt = (baseUrl: string) =>
          Effect.provide(outcome, clientAt(baseUrl, Layer.succeed(Transport, seam), { timeout: "20 seconds" }))
        assert.strictEqual(yield* outcomeAt(closed), "RequestFailed Connection no")
        const cut = yield* RawServer.make(() => ({ bytes: "", close: true }))
        assert.strictEqual(yield* outcomeAt(cut.baseUrl), "RequestFailed Transport unknown")
        // Plain HTTP behind https: no byte of the request was written, which only some can know.
        const plain = yield* RawServer.make(() => undefined, { greeting: http(400) })
        const { reported, reports } = yield* begin(seam, plain.baseUrl.replace("http:", "https:"))
        yield* reported(/failed/)
        assert.deepStrictEqual(reports, exact(name) ? ["failed"] : ["left perhaps", "failed"])
      }),
    memory: (fake) =>
      Effect.gen(function* () {
        yield* fake.chaos({ seed: 1, rates: { noConnection: 1 } })
        assert.strictEqual(yield* outcome, "RequestFailed Connection no")
        yield* fake.chaos({ seed: 1, rates: { lostAnswer: 1 } })
        assert.strictEqual(yield* outcome, "RequestFailed Transport unknown")
      })
  },
  {
    claim: "says so before the server can have it",
    test: (seam, name) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => undefined)
        const { letGo, reports } = yield* begin(seam, server.baseUrl)
        yield* server.received(1)
        assert.deepStrictEqual(reports, [exact(name) ? "left yes" : "left perhaps"])
        letGo()
      })
  },
  {
    claim: "reports one head, then the body, and only if it is wanted",
    test: (seam) =>
      Effect.gen(function* () {
        const early = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
        const server = yield* RawServer.make((path) =>
          path === "/gone" ? http(204) : { bytes: early + String(http(404, {}, "four").bytes) }
        )
        const wanted = yield* begin(seam, server.baseUrl)
        yield* wanted.reported(/body/)
        const unwanted = yield* begin(seam, server.baseUrl, { wantsBody: false })
        yield* unwanted.reported(/head/)
        const gone = yield* begin(seam, server.baseUrl, { path: "/gone", wantsBody: false })
        yield* gone.reported(/head/)
        yield* meanwhile
        assert.deepStrictEqual(gone.reports.slice(1), ["head 204"])
        assert.deepStrictEqual(wanted.reports.slice(1), ["head 404", "body 4 true"])
        assert.deepStrictEqual(unwanted.reports.slice(1), ["head 404"])
      })
  },
  {
    claim: "reports nothing after the end",
    test: (seam) =>
      Effect.gen(function* () {
        const broken = yield* RawServer.make(() => ({
          bytes: "HTTP/1.1 404 No\r\ncontent-length: 9\r\n\r\n1",
          close: true
        }))
        const ended = yield* begin(seam, broken.baseUrl)
        yield* ended.reported(/body/)
        const late = yield* RawServer.make(() => ({ bytes: "", later: [20, http(404, {}, "late")] }))
        const gone = yield* begin(seam, late.baseUrl)
        yield* late.received(1)
        gone.letGo()
        yield* TestServices.provideLive(late.settled)
        yield* meanwhile
        assert.deepStrictEqual(ended.reports.slice(1), ["head 404", "body unreadable"])
        assert.lengthOf(gone.reports, 1)
      }),
    memory: (fake) =>
      Effect.gen(function* () {
        yield* fake.create("cust_1")
        yield* fake.delay("1 minute")
        const fiber = yield* Effect.fork(outcome)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), "RequestFailed Timeout unknown")
        yield* TestClock.adjust("1 hour")
        const [request] = yield* fake.requests
        assert.strictEqual(Option.getOrThrow(request!.outcome)._tag, "RequestFailed")
        assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
      })
  },
  {
    claim: "lets go at any moment, twice too, and connects no more",
    test: (seam) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make((path) =>
          path === "/waiting" ? undefined : path === "/amid" ? http(404, { "content-length": "9" }, "half") : http(404)
        )
        const before = yield* begin(seam, server.baseUrl, { path: "/before" })
        before.letGo()
        const waiting = yield* begin(seam, server.baseUrl, { path: "/waiting" })
        yield* server.received(1)
        waiting.letGo()
        const amid = yield* begin(seam, server.baseUrl, { path: "/amid" })
        yield* amid.reported(/head/)
        amid.letGo()
        const inHead = yield* begin(seam, server.baseUrl, { path: "/head", onHead: (letGo) => letGo() })
        yield* inHead.reported(/head/)
        const after = yield* begin(seam, server.baseUrl, { path: "/after" })
        yield* after.reported(/body/)
        const connections = yield* server.connections
        for (const { letGo } of [before, waiting, amid, inHead, after, before]) letGo()
        yield* meanwhile
        assert.deepStrictEqual(yield* server.targets, ["/waiting", "/amid", "/head", "/after"])
        // undici opens a spare one where one was broken off.
        assert.isAtMost(yield* server.connections, connections + 1)
        assert.isFalse([before, waiting, amid].some(({ reports }) => reports.includes("failed")))
        assert.deepStrictEqual(inHead.reports.slice(1), ["head 404"])
        assert.deepStrictEqual(after.reports.slice(1), ["head 404", "body 0 true"])
      }),
    memory: (fake) =>
      Effect.gen(function* () {
        yield* fake.create("cust_1")
        yield* fake.delay("1 minute")
        const fiber = yield* Effect.fork(outcome)
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* fake.customers, ["cust_1"])
      })
  },
  {
    claim: "keeps nothing of what is over, while its connection lives on",
    test: (seam) =>
      Effect.gen(function* () {
        const server = yield* RawServer.make(() => http(404, {}, "small"))
        const exchange = yield* Effect.gen(function* () {
          const exchange = yield* begin(seam, server.baseUrl)
          yield* exchange.reported(/body/)
          return new WeakRef(exchange.reports)
        })
        yield* Effect.repeat(collectGarbage, { until: () => exchange.deref() === undefined, times: 100 })
        assert.isUndefined(exchange.deref())
        assert.strictEqual(yield* server.connections, 1)
      })
  }
]

V8.setFlagsFromString("--expose-gc")
const gc: () => void = Vm.runInNewContext("gc")

const collectGarbage = Effect.promise(
  () =>
    new Promise<void>((resolve) =>
      setImmediate(() => {
        gc()
        resolve()
      })
    )
)

const MEMORY = "FlowwiseTest.layer"
const verdicts = new Map<string, string>()
const passed = (name: string, claim: string) => Effect.sync(() => verdicts.set(`${name} ${claim}`, "ok"))

describe.each(Object.entries(transports))("%s", (name, transport) => {
  for (const { claim, except, test } of claims) {
    if (except?.[0] === name) continue
    it.scoped(
      claim,
      () =>
        Effect.gen(function* () {
          const seam = Context.get(yield* Layer.build(transport), Transport)
          yield* test(seam, name as Name)
          yield* passed(name, claim)
        }),
      20_000
    )
  }
})

describe(MEMORY, () => {
  for (const { claim, memory } of claims) {
    if (memory !== undefined) {
      it.scoped(claim, () =>
        Effect.flatMap(FlowwiseTest, memory).pipe(
          Effect.zipRight(passed(MEMORY, claim)),
          Effect.provide(FlowwiseTest.layer())
        )
      )
    }
  }
})

describe.each(Object.entries(poolsOfOne))("a pool of one connection over %s", (_, transport) => {
  it.scoped("never sends what was let go while it waited for its turn, and goes on", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make((path) => (path === "/first" ? undefined : http(404)))
      const seam = Context.get(yield* Layer.build(transport), Transport)
      const first = yield* begin(seam, server.baseUrl, { path: "/first" })
      yield* server.received(1)
      const queued = yield* begin(seam, server.baseUrl, { path: "/queued" })
      yield* Effect.yieldNow()
      queued.letGo()
      first.letGo()
      const next = yield* begin(seam, server.baseUrl, { path: "/next" })
      yield* next.reported(/body/)
      assert.deepStrictEqual(yield* server.targets, ["/first", "/next"])
    })
  )
})

afterAll(() => {
  const names = [...Object.keys(transports), MEMORY]
  const row = (claim: string, cells: ReadonlyArray<string>) =>
    `${claim.padEnd(72)}${cells.map((cell) => cell.padEnd(30)).join("")}`.trimEnd()
  const cell = (name: string, { claim, except, memory }: Claim) =>
    verdicts.get(`${name} ${claim}`) ??
    (except?.[0] === name || (name === MEMORY && memory === undefined) ? "–" : "FAILED")
  const rows = claims.map((claim) =>
    row(
      claim.claim,
      names.map((name) => cell(name, claim))
    )
  )
  console.log(["", row("", names), ...rows].join("\n"))
})
