/**
 * Three runners over a PostgreSQL of their own erase customers at an emulator, whatever happens half-way.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type EmulatedRequest, FlowwiseEmulator } from "@effect-flowwise/testing"
import { EraseCustomer, type ErasureOutcome } from "@effect-flowwise/workflow"
import * as Arr from "effect/Array"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { client } from "./erasure-engine.js"
import * as Postgres from "./Postgres.js"

/** What can be done to a trial half-way. */
export interface Stage {
  readonly killARunner: Effect.Effect<void>
  readonly drainARunner: Effect.Effect<void>
  readonly postgres: Postgres.Postgres
  /** From here on the vendor takes another secret than the runners have. */
  readonly rotate: Effect.Effect<void, unknown>
  /** Gives the new secret to the runners. */
  readonly handOver: Effect.Effect<void>
  readonly say: (what: string) => Effect.Effect<void>
}

/** Erases so many customers, and gives what was received, what was reported, and who is left. */
export const trial = (options: {
  readonly customers: number
  readonly concurrency?: number
  readonly halfWay: (stage: Stage) => Effect.Effect<void, unknown>
}) =>
  Effect.gen(function* () {
    const began = performance.now()
    const say = (what: string) =>
      Console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}`)
    const ids = Array.from({ length: options.customers }, (_, index) => `cust_${index}`)
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "erasures-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )
    const secretFile = join(folder, "secret")
    const vendor = yield* makeVendor(ids)
    const handOver = Effect.sync(() => writeFileSync(secretFile, vendor.secret()))
    yield* handOver

    const postgres = yield* Postgres.make
    yield* say(`PostgreSQL runs as process ${yield* postgres.pid}`)
    const env = { DATABASE_URL: Redacted.value(postgres.url), FLOWWISE_BASE_URL: vendor.baseUrl }
    const start = (number: number) => startRunner(number, { ...env, FLOWWISE_CLIENT_SECRET_FILE: secretFile })
    // The first one makes the engine's tables.
    const runners = [yield* start(1), ...(yield* Effect.forEach([2, 3], start, { concurrency: "unbounded" }))]
    for (const { number, pid, port } of runners) yield* say(`runner ${number} runs as process ${pid}, at port ${port}`)

    let reported = 0
    const isHalfWay = yield* Deferred.make<void>()
    const erasing = Effect.forEach(
      ids,
      (customerId, index) =>
        EraseCustomer.execute({ erasureId: `dsr-${index}`, customerId }).pipe(
          Effect.retry({ while: ({ _tag }) => _tag === "EngineFailed", schedule: Schedule.spaced("1 second") }),
          Effect.tap(() => {
            reported++
            const tenth = reported % Math.ceil(options.customers / 10) === 0
            const told = tenth ? say(`${reported} erasures are done`) : Effect.void
            return reported === Math.floor(options.customers / 2)
              ? Effect.zipRight(told, Deferred.succeed(isHalfWay, undefined))
              : told
          })
        ),
      { concurrency: options.concurrency ?? 100 }
    ).pipe(Effect.provide(client), Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env)))))
    const end = (signal: "SIGKILL" | "SIGTERM") =>
      Effect.suspend(() => {
        const [{ child, number, pid } = raise("no runner")] = runners
        child.kill(signal)
        return say(`runner ${number}, process ${pid}, is ${signal === "SIGKILL" ? "killed" : "drained"}`)
      })
    const meddling = Deferred.await(isHalfWay).pipe(
      Effect.zipRight(
        options.halfWay({
          killARunner: end("SIGKILL"),
          drainARunner: end("SIGTERM"),
          postgres,
          rotate: vendor.rotate,
          handOver,
          say
        })
      )
    )
    const [outcomes] = yield* Effect.all([erasing, meddling], { concurrency: "unbounded" })
    const left = yield* vendor.customers
    yield* say(`all ${outcomes.length} erasures are done, and ${left.length} customers are left`)
    return { outcomes, left, requests: yield* vendor.requests, seconds: (performance.now() - began) / 1000 }
  })

/** What the trial proves, in figures: every request is one of an outcome's attempts, or of an intent without an outcome. */
export const account = ({
  outcomes,
  requests
}: {
  readonly outcomes: ReadonlyArray<ErasureOutcome>
  readonly requests: ReadonlyArray<EmulatedRequest>
}) => {
  // A 401 deletes nobody: the client sends once more where it has other credentials by then.
  const received = Arr.groupBy(
    requests.filter(({ status }) => !Option.contains(status, 401)),
    ({ target }) => target
  )
  const figures = {
    outcomes: outcomes.length,
    requests: 0,
    repeated: 0,
    unknown: 0,
    deleted: 0,
    absent: 0,
    unexplained: 0
  }
  for (const { attempts, customerId, receipt } of outcomes) {
    const count = received[`/customer/${customerId}`]?.length ?? 0
    const unknown = attempts.filter(({ result }) => result === "Unknown").length
    figures.requests += count
    figures.repeated += count - 1
    figures.unknown += unknown
    figures[receipt._tag === "CustomerDeleted" ? "deleted" : "absent"]++
    // An intent covers a request and its short retries, which are three at the most.
    const explained = attempts.length + unknown * 3
    const truthful = receipt._tag === "CustomerDeleted" || receipt.afterAmbiguousAttempt
    if (count > explained || !truthful) figures.unexplained++
  }
  return figures
}

/** An emulator that can take another secret: it is started anew, at the same port with who is left. */
const makeVendor = (customers: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const around = yield* Effect.scope
    const start = (options: {
      readonly customers: ReadonlyArray<string>
      readonly port: number
      readonly clientSecret: string
    }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(around, ExecutionStrategy.sequential)
        const context = yield* Layer.buildWithScope(FlowwiseEmulator.layer(options), scope)
        return { emulator: Context.get(context, FlowwiseEmulator), scope }
      })
    let clientSecret = "the-first-secret"
    let { emulator, scope } = yield* start({ customers, port: 0, clientSecret })
    const earlier: Array<EmulatedRequest> = []
    const port = Number(new URL(emulator.baseUrl).port)
    return {
      baseUrl: emulator.baseUrl,
      secret: () => clientSecret,
      customers: Effect.suspend(() => emulator.customers),
      requests: Effect.suspend(() => Effect.map(emulator.requests, (requests) => [...earlier, ...requests])),
      rotate: Effect.gen(function* () {
        yield* Scope.close(scope, Exit.void)
        earlier.push(...(yield* emulator.requests))
        clientSecret = "the-second-secret"
        const next = yield* start({ customers: yield* emulator.customers, port, clientSecret })
        emulator = next.emulator
        scope = next.scope
      })
    }
  })

/** A runner as a process of its own, which ends with the scope. */
export const startRunner = (number: number, env: Record<string, string>) =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(Postgres.freePort)
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--import", tsx, fileURLToPath(new URL("erasure-runner.ts", import.meta.url))], {
          env: {
            ...process.env,
            ...env,
            HOST: "127.0.0.1",
            PORT: `${port}`,
            FLOWWISE_CLIENT_ID: "emulator-client-id",
            ERASURE_FIRST_WAIT: "2 seconds"
          },
          stdio: ["ignore", "pipe", "inherit"]
        })
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          child.kill("SIGKILL")
          await once(child, "close")
        })
    )
    yield* Effect.tryPromise({
      try: async () => {
        const lines: Array<string> = []
        const up = new Promise<true>((resolve) => {
          createInterface(child.stdout).on("line", (line) => {
            lines.push(line)
            if (line.includes("The runner is up")) resolve(true)
          })
        })
        const ended = once(child, "close").then(() => false)
        if (!(await Promise.race([up, ended]))) throw new Error(`Runner ${number} did not start:\n${lines.join("\n")}`)
      },
      catch: (error) => error
    })
    return { number, child, pid: child.pid, port }
  })

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href

const raise = (why: string): never => {
  throw new Error(why)
}
