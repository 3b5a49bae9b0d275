/** What every transport owes the client, made right on the seam, with an observer that keeps the reports. */
import { channel } from "node:diagnostics_channel"
import * as V8 from "node:v8"
import * as Vm from "node:vm"
import { afterAll, assert, describe, it } from "vitest"
import { BROKEN, documented, NO_CONNECTION, summary, TIMEOUT } from "./Fault.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"
import { type Edition, type Ended, poolNames, type Seam, type TransportName, transportNames } from "./run.js"

/** What a claim is given, to be closed behind it. */
interface Given {
  readonly transport: TransportName
  readonly seam: Seam
  readonly listen: typeof RawServer.listen
  /** How a call of the client ends. */
  readonly outcomeAt: (baseUrl: string, timeout?: number, uninterruptible?: boolean) => Promise<string>
}

interface Claim {
  readonly claim: string
  /** Who has no such claim to meet, and why. */
  readonly except?: Partial<Record<TransportName, string>>
  readonly test: (given: Given) => Promise<void>
}

interface Sending {
  readonly path?: string
  readonly wantsBody?: boolean
  readonly onHead?: (letGo: () => void) => void
  readonly trace?: Readonly<Record<string, string>>
}

/** Sends one request, and keeps what the transport reports of it. */
const begin = (seam: Seam, baseUrl: string, { path = "/customer/cust_1", wantsBody, onHead, trace }: Sending = {}) => {
  /** `left …`, `head <status>`, `body <length> <complete>`, `failed`. */
  const reports: Array<string> = []
  const waiting = new Set<() => void>()
  const report = (text: string) => {
    reports.push(text)
    for (const check of waiting) check()
  }
  const letGo = seam.send(
    { origin: baseUrl, path, headers: { accept: "*/*" }, trace: trace ?? {} },
    {
      left: (left) => report(`left ${left}`),
      head: (status) => {
        report(`head ${status}`)
        onHead?.(() => letGo())
        return wantsBody ?? true
      },
      body: (body) => report(body === undefined ? "body unreadable" : `body ${body.text.length} ${body.complete}`),
      failed: () => report("failed")
    }
  )
  const reported = (what: RegExp) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!reports.some((one) => what.test(one))) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return { reports, letGo, reported }
}

/** So many round trips to another server that whatever goes on by itself has gone on. */
const meanwhile = async ({ listen }: Given) => {
  const { baseUrl } = await listen(() => http(200))
  for (let trip = 0; trip < 30; trip++) await (await fetch(baseUrl)).text()
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

const isExact = (transport: TransportName) => transport === "NodeFlowwise.layerTransport"

const LEFT = (transport: TransportName) => (isExact(transport) ? "left yes" : "left perhaps")

const claims: ReadonlyArray<Claim> = [
  {
    claim: "ends in time, also under a caller who can't be interrupted",
    test: async ({ listen, outcomeAt }) => {
      const server = await listen(() => undefined)
      assert.strictEqual(await outcomeAt(server.baseUrl, 200, true), TIMEOUT)
      await server.openAtMost(0)
    }
  },
  {
    claim: "frees the connection of an answer, read, unread, cut off or let go",
    test: async ({ listen, seam }) => {
      const long = "x".repeat(1_000_000)
      const answers: Record<string, RawServer.Answer> = {
        "/unread": http(404, { "content-length": "9000000" }, long),
        "/long": http(404, { "content-length": "9000000" }, long),
        "/half": http(404, { "content-length": "9" }, "half")
      }
      const server = await listen((path) => answers[path])
      await begin(seam, server.baseUrl, { path: "/unread", wantsBody: false }).reported(/head/)
      await begin(seam, server.baseUrl, { path: "/long" }).reported(/body/)
      const half = begin(seam, server.baseUrl, { path: "/half" })
      await half.reported(/head/)
      half.letGo()
      const silent = begin(seam, server.baseUrl, { path: "/silent" })
      await server.received(4)
      silent.letGo()
      await server.openAtMost(0)
    }
  },
  {
    claim: "uses the connection of a small answer again",
    except: { "NodeHttpClient.layer": "the agent of Effect's client keeps no connection alive" },
    test: async ({ listen, seam }) => {
      const server = await listen((path) => (path === "/gone" ? http(204) : http(404, {}, "small")))
      for (const path of ["/gone", "/small", "/gone", "/small", "/gone"]) {
        await begin(seam, server.baseUrl, { path }).reported(path === "/gone" ? /head 204/ : /body/)
        // An agent has its connection back in the next turn.
        await nextTurn()
      }
      assert.strictEqual(server.connections(), 1)
    }
  },
  {
    claim: "follows nothing",
    test: async (given) => {
      const elsewhere = await given.listen(() => http(204))
      for (const status of [301, 302, 303, 307, 308]) {
        const server = await given.listen(() => http(status, { location: `${elsewhere.baseUrl}/customer/cust_1` }))
        const { reported, reports } = begin(given.seam, server.baseUrl, { wantsBody: false })
        await reported(/head/)
        assert.include(reports, `head ${status}`)
        assert.lengthOf(server.heads(), 1)
      }
      await meanwhile(given)
      assert.strictEqual(elsewhere.connections(), 0)
    }
  },
  {
    claim: "sends once, whatever the answer, or none",
    test: async (given) => {
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
        const server = await given.listen(() => answer)
        // `fetch` makes an error of a 407.
        await begin(given.seam, server.baseUrl).reported(/body|failed/)
        await meanwhile(given)
        assert.lengthOf(server.heads(), 1, String(answer.bytes))
      }
    }
  },
  {
    claim: "reads at most 64 KiB",
    test: async ({ listen, seam }) => {
      const server = await listen((path) =>
        path === "/endless"
          ? { bytes: "HTTP/1.1 404 No\r\n\r\n", endless: "x" }
          : http(404, {}, "x".repeat(64 * 1024 + (path === "/over" ? 1 : 0)))
      )
      const read = async (path: string) => {
        const { reported, reports } = begin(seam, server.baseUrl, { path })
        await reported(/body/)
        return reports.at(-1)
      }
      assert.strictEqual(await read("/fits"), "body 65536 true")
      assert.strictEqual(await read("/over"), "body 65536 false")
      assert.strictEqual(await read("/endless"), "body 65536 false")
      assert.isBelow(server.taken(), 1024 * 1024)
    }
  },
  {
    claim: "says truly whether anything left",
    test: async ({ listen, outcomeAt, seam, transport }) => {
      const closed = await RawServer.listen(() => undefined)
      await closed.close()
      assert.strictEqual(await outcomeAt(closed.baseUrl), NO_CONNECTION)
      const cut = await listen(() => ({ bytes: "", close: true }))
      assert.strictEqual(await outcomeAt(cut.baseUrl), BROKEN)
      // Plain HTTP behind https: no byte of the request was written, which only some can know.
      const plain = await listen(() => undefined, { greeting: http(400) })
      const { reported, reports } = begin(seam, plain.baseUrl.replace("http:", "https:"))
      await reported(/failed/)
      assert.deepStrictEqual(reports, isExact(transport) ? ["failed"] : ["left perhaps", "failed"])
    }
  },
  {
    claim: "says so before the server can have it",
    test: async ({ listen, seam, transport }) => {
      const server = await listen(() => undefined)
      const { letGo, reports } = begin(seam, server.baseUrl)
      await server.received(1)
      assert.deepStrictEqual(reports, [LEFT(transport)])
      letGo()
    }
  },
  {
    claim: "reports one head, then the body, and only if it is wanted",
    test: async (given) => {
      const early = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
      const server = await given.listen((path) =>
        path === "/gone" ? http(204) : { bytes: early + String(http(404, {}, "four").bytes) }
      )
      const wanted = begin(given.seam, server.baseUrl)
      await wanted.reported(/body/)
      const unwanted = begin(given.seam, server.baseUrl, { wantsBody: false })
      await unwanted.reported(/head/)
      const gone = begin(given.seam, server.baseUrl, { path: "/gone", wantsBody: false })
      await gone.reported(/head/)
      await meanwhile(given)
      assert.deepStrictEqual(gone.reports.slice(1), ["head 204"])
      assert.deepStrictEqual(wanted.reports.slice(1), ["head 404", "body 4 true"])
      assert.deepStrictEqual(unwanted.reports.slice(1), ["head 404"])
    }
  },
  {
    claim: "reports nothing after the end",
    test: async (given) => {
      const broken = await given.listen(() => ({
        bytes: "HTTP/1.1 404 No\r\ncontent-length: 9\r\n\r\n1",
        close: true
      }))
      const ended = begin(given.seam, broken.baseUrl)
      await ended.reported(/body/)
      const late = await given.listen(() => ({ bytes: "", later: [20, http(404, {}, "late")] }))
      const gone = begin(given.seam, late.baseUrl)
      await late.received(1)
      gone.letGo()
      await late.settled()
      await meanwhile(given)
      assert.deepStrictEqual(ended.reports.slice(1), ["head 404", "body unreadable"])
      assert.lengthOf(gone.reports, 1)
    }
  },
  {
    claim: "lets go at any moment, twice too, and connects no more",
    test: async (given) => {
      const server = await given.listen((path) =>
        path === "/waiting" ? undefined : path === "/amid" ? http(404, { "content-length": "9" }, "half") : http(404)
      )
      const at = (path: string, sending: Sending = {}) => begin(given.seam, server.baseUrl, { path, ...sending })
      const before = at("/before")
      before.letGo()
      const waiting = at("/waiting")
      await server.received(1)
      waiting.letGo()
      const amid = at("/amid")
      await amid.reported(/head/)
      amid.letGo()
      const inHead = at("/head", { onHead: (letGo) => letGo() })
      await inHead.reported(/head/)
      const after = at("/after")
      await after.reported(/body/)
      const connections = server.connections()
      for (const { letGo } of [before, waiting, amid, inHead, after, before]) letGo()
      await meanwhile(given)
      assert.deepStrictEqual(server.targets(), ["/waiting", "/amid", "/head", "/after"])
      // undici opens a spare one where one was broken off.
      assert.isAtMost(server.connections(), connections + 1)
      assert.isFalse([before, waiting, amid].some(({ reports }) => reports.includes("failed")))
      assert.deepStrictEqual(inHead.reports.slice(1), ["head 404"])
      assert.deepStrictEqual(after.reports.slice(1), ["head 404", "body 0 true"])
    }
  },
  {
    claim: "keeps nothing of what is over, while its connection lives on",
    test: async ({ listen, seam }) => {
      const server = await listen(() => http(404, {}, "small"))
      const over = async () => {
        const exchange = begin(seam, server.baseUrl)
        await exchange.reported(/body/)
        return new WeakRef(exchange.reports)
      }
      const kept = await over()
      for (let times = 0; times < 100 && kept.deref() !== undefined; times++) {
        await nextTurn()
        gc()
      }
      assert.isUndefined(kept.deref())
      assert.strictEqual(server.connections(), 1)
    }
  },
  {
    claim: "sends one trace, where an instrumentation of undici adds another",
    except: {
      "NodeHttpClient.layerUndici": "Effect's client, which sends both",
      "NodeHttpClient.layer": "not on undici",
      "FetchHttpClient.layer": "the undici within Node.js, which sends both"
    },
    test: async ({ listen, seam }) => {
      const server = await listen(() => http(204))
      const ours = `00-${"a".repeat(32)}-${"a".repeat(16)}-01`
      const theirs = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`
      const send = () => begin(seam, server.baseUrl, { trace: { b3: "ours", traceparent: ours } }).reported(/head/)
      const created = channel("undici:request:create")
      const add = (message: unknown) =>
        (message as { request: { addHeader: (...header: [string, string]) => void } }).request.addHeader(
          "traceparent",
          theirs
        )
      created.subscribe(add)
      await send().finally(() => created.unsubscribe(add))
      await send()
      assert.deepStrictEqual(
        server.heads().map((head) => head.match(/^(traceparent|b3|accept): .*$/gim)),
        [
          ["accept: */*", `traceparent: ${theirs}`],
          ["accept: */*", "b3: ours", `traceparent: ${ours}`]
        ]
      )
    }
  }
]

V8.setFlagsFromString("--expose-gc")
const gc: () => void = Vm.runInNewContext("gc")

const inWords = (ended: Ended) => (ended.outcome === undefined ? ended.how : summary(ended.outcome))

/** Runs a test, and closes behind it what it has opened. */
const closing = async (
  test: (closed: <A extends { readonly close: () => Promise<void> }>(resource: A) => A) => Promise<void>
) => {
  const opened: Array<() => Promise<void>> = []
  try {
    await test((resource) => {
      opened.push(resource.close)
      return resource
    })
  } finally {
    for (const close of opened.reverse()) await close()
  }
}

/** Makes every claim on every transport of an edition, and prints the table of them. */
export const testContract = (edition: Edition) => {
  const verdicts = new Map<string, string>()

  describe.each(transportNames)("the contract of %s", (transport) => {
    for (const { claim, except, test } of claims) {
      if (except?.[transport] !== undefined) continue
      it(claim, { timeout: 20_000 }, async () => {
        await closing(async (closed) =>
          test({
            transport,
            seam: closed(await edition.openTransport(transport)),
            listen: async (...script) => closed(await RawServer.listen(...script)),
            outcomeAt: async (baseUrl, timeout = 20_000, uninterruptible = false) => {
              const client = closed(await edition.open(transport, baseUrl, timeout))
              return inWords(await client.deleteCustomer("cust_1", uninterruptible).ended)
            }
          })
        )
        verdicts.set(`${transport} ${claim}`, "ok")
      })
    }
  })

  describe.each(poolNames)("a pool of one connection over %s", (transport) => {
    it("never sends what was let go while it waited for its turn, and goes on", () =>
      closing(async (closed) => {
        const server = closed(await RawServer.listen((path) => (path === "/first" ? undefined : http(404))))
        const seam = closed(await edition.openTransport(transport, 1))
        const first = begin(seam, server.baseUrl, { path: "/first" })
        await server.received(1)
        const queued = begin(seam, server.baseUrl, { path: "/queued" })
        await nextTurn()
        queued.letGo()
        first.letGo()
        await begin(seam, server.baseUrl, { path: "/next" }).reported(/body/)
        assert.deepStrictEqual(server.targets(), ["/first", "/next"])
      }))

    it("starves at no answer, read or not", () =>
      closing(async (closed) => {
        const answerTo: Record<string, RawServer.Answer> = {
          CustomerDeleted: http(204, { "content-length": "1000" }),
          CustomerNotFound: json(404, documented[404]),
          "UnexpectedResponse 502": http(502, {}, "x".repeat(200_000)),
          "UnexpectedResponse 307": http(307, { location: "/customer/x" }),
          "UnexpectedResponse 403": http(403, { "content-encoding": "gzip" }, "x".repeat(200_000)),
          "RateLimited at some time": http(429, { "content-length": "1000" }),
          [BROKEN]: { bytes: "", close: true }
        }
        const server = closed(
          await RawServer.listen((target) => answerTo[decodeURIComponent(target.split("/")[2] ?? "")])
        )
        const client = closed(await edition.open(transport, server.baseUrl, 5000, 1))
        const asked = Array.from({ length: 5 }, () => Object.keys(answerTo)).flat()
        const ended = await Promise.all(asked.map((id) => client.deleteCustomer(id).ended))
        assert.deepStrictEqual(ended.map(inWords), asked)
      }))
  })

  afterAll(() => {
    const row = (claim: string, cells: ReadonlyArray<string>) =>
      `${claim.padEnd(72)}${cells.map((cell) => cell.padEnd(30)).join("")}`.trimEnd()
    const rows = claims.map(({ claim, except }) =>
      row(
        claim,
        transportNames.map((name) => verdicts.get(`${name} ${claim}`) ?? (except?.[name] ? "–" : "FAILED"))
      )
    )
    console.log(["", row("", transportNames), ...rows].join("\n"))
  })
}
