import * as Net from "node:net"
import { inspect } from "node:util"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { FlowwiseClient } from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { clientAt, transports } from "../layers.js"
import * as RawServer from "../RawServer.js"
import { http } from "../RawServer.js"
import { assertNoSecret, renderings } from "../renderings.js"
import { answers } from "./answers.js"
import { bodies } from "./bodies.js"
import * as Certificates from "./certificates.js"
import { connections } from "./connections.js"
import { type Fault, summary, TIMEOUT } from "./Fault.js"
import { wire } from "./wire.js"

export const faults: ReadonlyArray<Fault> = [...answers, ...wire, ...connections, ...bodies]

export type LayerName = keyof typeof transports
export const layerNames = Object.keys(transports) as ReadonlyArray<LayerName>

/** What all rows share, until the file has run. */
const scope = Effect.runSync(Scope.make())
const shared = await Effect.runPromise(
  Effect.gen(function* () {
    const certificates = yield* Certificates.make
    const server = yield* RawServer.make(() => undefined)
    // A port that a connection has is free for nobody to listen at.
    const holder = yield* Effect.acquireRelease(
      Effect.async<Net.Socket>((resume) => {
        const socket = Net.connect(server.port, "127.0.0.1", () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
    return { certificates, closedPort: holder.localPort! }
  }).pipe(Scope.extend(scope))
)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const inASecond = (condition: Effect.Effect<void>) => Effect.timeoutOption(condition, "1 second")

/** An id that nobody else says. */
const customerId = (call: number) => `priya_${call}`

const callOf = (target: string) => Number(target.split("priya_")[1])

/** Runs an effect, and keeps in `said` whatever is logged, at any level, and every event of a span. */
const overhearing =
  (said: Array<string>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Effect.tracer, (native) => {
      const span: Tracer.Tracer["span"] = (...options) => {
        const opened = native.span(...options)
        return Object.assign(opened, {
          event: (name: string, _: bigint, attributes: unknown) => said.push(`event ${name} ${inspect(attributes)}`)
        })
      }
      const logger = Logger.make(({ annotations, cause, message }) => {
        said.push(`log ${inspect([message, cause, annotations], { depth: 9 })}`)
      })
      return self.pipe(
        Effect.withSpan("caller"),
        Effect.withTracer(Tracer.make({ span, context: (execute) => execute() })),
        Logger.withMinimumLogLevel(LogLevel.All),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
    })

/** Runs one row, and says what is wrong with it: nothing, where it is as promised. */
export const wrongs = (fault: Fault, layerName: LayerName) =>
  Effect.gen(function* () {
    const elsewhere = yield* RawServer.make(() => http(204))
    let script: ReadonlyArray<RawServer.Answer | undefined> = []
    const { tls, timeout = 10_000, within = 3000, takes = 256 * 1024 } = fault
    const server = yield* RawServer.make((target) => script[callOf(target)], {
      ...fault,
      tls: tls && shared.certificates[tls]
    })
    const ports = { own: server.port, elsewhere: elsewhere.port, closed: shared.closedPort }
    script = fault.answers(ports)
    const found = new Set<string>()
    const said: Array<string> = []

    yield* Effect.scoped(
      Effect.gen(function* () {
        const baseUrl = fault.at?.(ports) ?? server.baseUrl
        const layer = clientAt(baseUrl, transports[layerName], { timeout })
        const client = Context.get(yield* Layer.build(layer), FlowwiseClient)
        let last = ""

        for (const [call, answer] of script.entries()) {
          const fiber = yield* client
            .deleteCustomer(customerId(call))
            .pipe(Effect.either, overhearing(said), Effect.fork)
          if (fault.interrupted === true) {
            yield* fault.at === undefined ? server.received(1) : server.connected(1)
            if (answer !== undefined) yield* inASecond(server.settled)
            yield* Fiber.interruptFork(fiber)
          }
          const ended = yield* Effect.timeoutOption(Fiber.await(fiber), within)
          if (ended._tag === "None") {
            found.add(`not ended after ${within} ms`)
            break
          }
          const exit = ended.value
          const outcome = Exit.isSuccess(exit) ? Either.merge(exit.value) : undefined
          last = outcome === undefined ? (Exit.isInterrupted(exit) ? "interrupted" : "a defect") : summary(outcome)

          const promised = fault.outcomes.length === 1 ? fault.outcomes[0]! : fault.outcomes[call]!
          const expected = layerName === "NodeFlowwise.layerTransport" ? (fault.exact ?? promised) : promised
          if (!expected.split(" | ").includes(last)) found.add(last)
          else if (outcome !== undefined) fault.check?.(outcome, call)
          if (outcome !== undefined) {
            if ("customerId" in outcome) assert.strictEqual(outcome.customerId, customerId(call))
            if (answer !== script[call - 1] || call === 0) assertNoSecret(yield* renderings(outcome), fault.name)
          }
          // What it does later must have come before the next call, if there is one.
          if (answer?.later !== undefined && call + 1 < script.length) yield* inASecond(server.settled)
        }

        // Two of a pool hand over to each other. What was broken off is closed at once.
        const kept = last === TIMEOUT || last === "interrupted" ? 0 : 2
        if ((yield* inASecond(server.usedAtMost(kept)))._tag === "None") found.add("connections open")
      })
    )

    // The pool of `fetch` is the process's, and outlives every layer by four seconds.
    const left = layerName === "FetchHttpClient.layer" ? 2 : 0
    if ((yield* inASecond(server.openAtMost(left)))._tag === "None") found.add("1 connection kept")
    if ((yield* server.taken) > takes * script.length) found.add(`${yield* server.taken} bytes taken`)

    for (const head of yield* server.heads) assert.match(head, /^DELETE \/customer\/priya_\d+ HTTP\/1.1\r\n/)
    const targets = yield* server.targets
    const most = Math.max(0, ...targets.map((target) => targets.filter((other) => other === target).length))
    if (most > 1) found.add(`sent ${most} times`)
    assert.strictEqual(yield* elsewhere.connections, 0, "asked elsewhere")
    // Effect logs a fiber that fails at DEBUG, with the URL in the platform's error.
    assert.deepStrictEqual(said, [])
    return Array.from(found).join(", ")
  })

export const excuse = (fault: Fault, layerName: LayerName) =>
  layerName === "NodeFlowwise.layerTransport" ? undefined : fault.except?.[layerName]?.[0]

/** Tests rows over each transport, and gives the verdicts to whoever wants them. */
export const testFaults = (
  rows: ReadonlyArray<Fault>,
  onVerdict: (fault: Fault, layerName: LayerName, verdict: string) => void = () => {}
) =>
  describe.concurrent.each(layerNames)("faults over %s", (layerName) => {
    for (const fault of rows) {
      it.scopedLive(
        `${fault.point}. ${fault.name}: ${Array.from(new Set(fault.outcomes)).join(", ")}`,
        () =>
          Effect.gen(function* () {
            const verdict = yield* wrongs(fault, layerName)
            onVerdict(fault, layerName, verdict)
            assert.include(["", excuse(fault, layerName)], verdict)
          }),
        60_000
      )
    }
  })
