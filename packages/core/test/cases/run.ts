/** Runs a row of the table of faults on one edition of the client, over one transport. */
import { once } from "node:events"
import * as Net from "node:net"
import type { Reports, TransportRequest } from "@effect-flowwise/core"
import { assert } from "vitest"
import { answers } from "./answers.js"
import { bodies } from "./bodies.js"
import { type Certificate, makeCertificates } from "./certificates.js"
import { connections } from "./connections.js"
import { type Fault, type Foreign, type Outcome, secret, summary, TIMEOUT } from "./Fault.js"
import type { Call } from "./policies.js"
import * as RawServer from "./RawServer.js"
import { wire } from "./wire.js"

export const faults: ReadonlyArray<Fault> = [...answers, ...wire, ...connections, ...bodies]

export const transportNames = [
  "NodeFlowwise.layerTransport",
  "NodeHttpClient.layerUndici",
  "NodeHttpClient.layer",
  "FetchHttpClient.layer"
] as const

export type TransportName = (typeof transportNames)[number]

/** Those that can be told how many connections to open. */
export const poolNames = ["NodeFlowwise.layerTransport", "NodeHttpClient.layerUndici", "NodeHttpClient.layer"] as const

/** How a call ended: its outcome as JSON, and all that a logger or a debugger would print of it. */
export type Ended =
  | { readonly outcome: Outcome; readonly printed: string }
  | { readonly outcome?: never; readonly how: "interrupted" | "a defect" }

/** A transport alone. */
export interface Seam {
  readonly send: (request: TransportRequest, reports: Reports) => () => void
  readonly close: () => Promise<void>
}

/** What an edition's adapter has to do. */
export interface Edition {
  readonly name: "effect3" | "effect4"
  /** With `connections` one of `poolNames`. */
  readonly openTransport: (transport: TransportName, connections?: 1) => Promise<Seam>
  readonly open: (
    transport: TransportName,
    baseUrl: string,
    timeout: number,
    connections?: 1
  ) => Promise<{
    readonly deleteCustomer: (
      customerId: string,
      uninterruptible?: boolean
    ) => { readonly ended: Promise<Ended>; readonly interrupt: () => void }
    /** Whatever was logged, at any level, and every event of a span. */
    readonly said: ReadonlyArray<string>
    readonly close: () => Promise<void>
  }>
  /** Makes the calls, and gives the JSON of their outcomes, in order; that of the error that ended a run comes last. */
  readonly perform: (transport: TransportName, baseUrl: string, call: Call) => Promise<ReadonlyArray<unknown>>
  /** Decodes the JSON of an outcome, tells whether doing so twice gives equal values, and encodes it again. */
  readonly reread: (json: unknown) => { readonly json: unknown; readonly isEqual: boolean }
  /** The JSON of errors that only a user makes, by what they are. */
  readonly byHand: () => Readonly<Record<string, unknown>>
}

/** What all rows share: certificates, and a port where nobody listens, since a connection has it. */
export const makeWorld = async () => {
  const certificates = await makeCertificates()
  const server = await RawServer.listen(() => undefined)
  const holder = Net.connect(server.port, "127.0.0.1")
  await once(holder, "connect")
  return {
    certificates: certificates.options,
    closedPort: holder.localPort ?? 0,
    close: async () => {
      holder.destroy()
      certificates.restore()
      await server.close()
    }
  }
}

interface World {
  readonly certificates: Record<Certificate, RawServer.Options["tls"]>
  readonly closedPort: number
}

/** Gives `undefined` where it takes longer. */
const within = async <A>(millis: number, promise: Promise<A>): Promise<A | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), millis)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

const inASecond = (condition: Promise<void>): Promise<boolean | undefined> =>
  within(
    1000,
    condition.then(() => true)
  )

const settled = async (server: RawServer.RawServer) => {
  const abort = new AbortController()
  await inASecond(server.settled(abort.signal))
  abort.abort()
}

/** An id that nobody else says. */
const customerId = (call: number) => `priya_${call}`

const callOf = (target: string) => Number(target.split("priya_")[1])

/** Runs one row, and says what is wrong with it: nothing, where it is as promised. */
export const wrongs = async (
  edition: Edition,
  world: World,
  fault: Fault,
  transport: TransportName
): Promise<string> => {
  const elsewhere = await RawServer.listen(() => RawServer.http(204))
  let script: ReadonlyArray<RawServer.Answer | undefined> = []
  const server = await RawServer.listen((target) => script[callOf(target)], {
    ...fault,
    tls: fault.tls && world.certificates[fault.tls]
  })
  try {
    const ports = { own: server.port, elsewhere: elsewhere.port, closed: world.closedPort }
    script = fault.answers(ports)
    const found = new Set<string>()
    const client = await edition.open(transport, fault.at?.(ports) ?? server.baseUrl, fault.timeout ?? 10_000)
    try {
      await callAll(client, server, script, fault, transport, found)
    } finally {
      await client.close()
    }
    // The pool of `fetch` is the process's, and outlives every layer by four seconds.
    const left = transport === "FetchHttpClient.layer" ? 2 : 0
    if (!(await inASecond(server.openAtMost(left)))) found.add("1 connection kept")
    if (server.taken() > (fault.takes ?? 256 * 1024) * script.length) found.add(`${server.taken()} bytes taken`)

    for (const head of server.heads()) assert.match(head, /^DELETE \/customer\/priya_\d+ HTTP\/1.1\r\n/)
    const targets = server.targets()
    const most = Math.max(0, ...targets.map((target) => targets.filter((other) => other === target).length))
    if (most > 1) found.add(`sent ${most} times`)
    assert.strictEqual(elsewhere.connections(), 0, "asked elsewhere")
    // Effect 3 logs a fiber that fails at DEBUG, with the URL in the platform's error.
    assert.deepStrictEqual(client.said, [])
    return Array.from(found).join(", ")
  } finally {
    await Promise.all([server.close(), elsewhere.close()])
  }
}

const callAll = async (
  client: Awaited<ReturnType<Edition["open"]>>,
  server: RawServer.RawServer,
  script: ReadonlyArray<RawServer.Answer | undefined>,
  fault: Fault,
  transport: TransportName,
  found: Set<string>
) => {
  let last = ""
  for (const [call, answer] of script.entries()) {
    const { ended, interrupt } = client.deleteCustomer(customerId(call))
    if (fault.interrupted === true) {
      await (fault.at === undefined ? server.received(1) : server.connected(1))
      if (answer !== undefined) await settled(server)
      interrupt()
    }
    const result = await within(fault.within ?? 3000, ended)
    if (result === undefined) {
      interrupt()
      found.add(`not ended after ${fault.within ?? 3000} ms`)
      break
    }
    last = result.outcome === undefined ? result.how : summary(result.outcome)
    const promised = (fault.outcomes.length === 1 ? fault.outcomes[0] : fault.outcomes[call]) ?? ""
    const expected = transport === "NodeFlowwise.layerTransport" ? (fault.exact ?? promised) : promised
    if (!expected.split(" | ").includes(last)) found.add(last)
    else if (result.outcome !== undefined) fault.check?.(result.outcome, call)
    if (result.outcome !== undefined) {
      if ("customerId" in result.outcome) assert.strictEqual(result.outcome.customerId, customerId(call))
      assertNoSecret(result.printed, fault.name)
    }
    // What it does later must have come before the next call, if there is one.
    if (answer?.later !== undefined && call + 1 < script.length) await settled(server)
  }
  // Two of a pool hand over to each other. What was broken off is closed at once.
  const kept = last === TIMEOUT || last === "interrupted" ? 0 : 2
  if (!(await inASecond(server.usedAtMost(kept)))) found.add("connections open")
}

/** The beginning of the secret in each form, and of base64 the part that the secret alone decides. Half of it leaks too. */
const traces = [
  ...[secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), JSON.stringify(secret)].map((form) =>
    form.slice(0, 12)
  ),
  ...["", "a", "ab"].map((before) =>
    Buffer.from(before + secret)
      .toString("base64")
      .slice(4, 18)
  )
].map((trace) => trace.toLowerCase())

const assertNoSecret = (printed: string, name: string) => {
  const lower = printed.toLowerCase()
  for (const trace of traces) assert.notInclude(lower, trace, name)
}

/** The verdict that a row may have over a client that is not ours. */
export const excuse = (fault: Fault, transport: TransportName): string | undefined =>
  transport === "NodeFlowwise.layerTransport" ? undefined : fault.except?.[transport satisfies Foreign]?.[0]

/** The table of verdicts: for each point how many rows are as promised, then those that are not. */
export const report = (
  transports: ReadonlyArray<TransportName>,
  verdictOf: (fault: Fault, transport: TransportName) => string | undefined
): string => {
  const row = (name: string, cells: ReadonlyArray<string>) =>
    `${name.padEnd(44)}${cells.map((cell) => cell.padEnd(30)).join("")}`.trimEnd()
  const points = Array.from(new Set(faults.map(({ point }) => point))).map((point) => {
    const rows = faults.filter((fault) => fault.point === point)
    const good = transports.map((transport) => rows.filter((fault) => verdictOf(fault, transport) === "").length)
    return row(
      `point ${point}`,
      good.map((count) => `${count} of ${rows.length}`)
    )
  })
  const others = faults
    .filter((fault) => transports.some((transport) => verdictOf(fault, transport) !== ""))
    .map((fault) =>
      row(
        `${fault.point}. ${fault.name}`,
        transports.map((transport) => verdictOf(fault, transport) ?? "not run").map((verdict) => verdict || "ok")
      )
    )
  const cells = faults.flatMap((fault) =>
    transports.map((transport) => ({ verdict: verdictOf(fault, transport), excuse: excuse(fault, transport) }))
  )
  const count = (condition: (cell: (typeof cells)[number]) => boolean) => cells.filter(condition).length
  const totals = [
    `${faults.length} faults over ${transports.length} transports: ${cells.length} runs`,
    `${count(({ verdict }) => verdict === "")} as promised`,
    `${count(({ verdict, excuse }) => verdict !== "" && verdict !== undefined && verdict === excuse)} excused`,
    `${count(({ verdict, excuse }) => verdict !== "" && verdict !== excuse)} wrong`,
    `${count(({ verdict = "" }) => verdict.includes("not ended"))} not ended in time`,
    `${count(({ verdict = "", excuse }) => /connection/.test(verdict) && verdict !== excuse)} with connections left`
  ]
  return ["", row("", transports), ...points, "", ...others, "", totals.join(", ")].join("\n")
}
