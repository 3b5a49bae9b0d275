// One client in a process of its own. Measures one round for each message.
import { performance } from "node:perf_hooks"

export interface Result {
  readonly perSecond: number
  /** Microseconds of this process for each request. */
  readonly cpu: number
}

/** Keeps so many requests in flight while `more` says so. */
type Send = (inFlight: number, more: () => string | undefined) => Promise<unknown>

/** The built package, as `bench.ts` has laid it out: a loader that compiles the sources would add to their cost. */
const built = <A>(home: string, name: string, entry = ""): Promise<A> =>
  import(`../../${home}/dist/bench/node_modules/@effect-flowwise/${name}/dist/esm/${entry}index.js`)

const keys = { "x-client-id": "app_1", "x-client-secret": "a secret of the usual length" }

const effect4 = async (baseUrl: string, transport: "undici" | "fetch", traced: boolean): Promise<Send> => {
  const [{ Credentials, deleteCustomer, Environment, FlowwiseClient }, { NodeFlowwise }, FetchHttpClient] =
    await Promise.all([
      built<typeof import("@effect-flowwise/effect4")>("effect4", "effect4"),
      built<typeof import("@effect-flowwise/effect4/node")>("effect4", "effect4", "node/"),
      import("effect/http/FetchHttpClient")
    ])
  const [Effect, Layer, Redacted, ManagedRuntime] = await Promise.all([
    import("effect/Effect"),
    import("effect/Layer"),
    import("effect/Redacted"),
    import("effect/ManagedRuntime")
  ])
  const client =
    transport === "undici" ? NodeFlowwise.layer : FlowwiseClient.layer.pipe(Layer.provide(FetchHttpClient.layer))
  const runtime = ManagedRuntime.make(
    client.pipe(
      Layer.provide([
        Environment.layer(baseUrl),
        Credentials.layer({ clientId: keys["x-client-id"], clientSecret: Redacted.make(keys["x-client-secret"]) })
      ])
    )
  )
  return (inFlight, more) => {
    const fiber = Effect.gen(function* () {
      for (let id = more(); id !== undefined; id = more()) yield* deleteCustomer(id)
    })
    const all = Effect.all(
      Array.from({ length: inFlight }, () => fiber),
      { concurrency: "unbounded", discard: true }
    )
    return runtime.runPromise(traced ? all : Effect.withTracerEnabled(all, false))
  }
}

const effect3 = async (baseUrl: string, traced: boolean): Promise<Send> => {
  const [{ Credentials, deleteCustomer, Environment }, { NodeFlowwise }] = await Promise.all([
    built<typeof import("../../client/src/index.js")>("node", "client"),
    built<typeof import("../../node/src/index.js")>("node", "node")
  ])
  const [Effect, Layer, Redacted, ManagedRuntime] = await Promise.all([
    import("effect-3/Effect"),
    import("effect-3/Layer"),
    import("effect-3/Redacted"),
    import("effect-3/ManagedRuntime")
  ])
  const runtime = ManagedRuntime.make(
    NodeFlowwise.layer.pipe(
      Layer.provide([
        Environment.layer(baseUrl),
        Credentials.layer({ clientId: keys["x-client-id"], clientSecret: Redacted.make(keys["x-client-secret"]) })
      ])
    )
  )
  return (inFlight, more) => {
    const fiber = Effect.gen(function* () {
      for (let id = more(); id !== undefined; id = more()) yield* deleteCustomer(id)
    })
    const all = Effect.all(
      Array.from({ length: inFlight }, () => fiber),
      { concurrency: "unbounded", discard: true }
    )
    return runtime.runPromise(traced ? all : Effect.withTracerEnabled(all, false))
  }
}

const undici = async (baseUrl: string): Promise<Send> => {
  const { request } = await import("undici")
  return (inFlight, more) =>
    Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let id = more(); id !== undefined; id = more()) {
          const { body, statusCode } = await request(`${baseUrl}/customer/${encodeURIComponent(id)}`, {
            method: "DELETE",
            headers: keys
          })
          await body.dump()
          if (statusCode !== 204) throw new Error(`answered ${statusCode}`)
        }
      })
    )
}

const clients = {
  "undici.request": undici,
  effect4: (baseUrl: string) => effect4(baseUrl, "undici", true),
  "effect4, tracing off": (baseUrl: string) => effect4(baseUrl, "undici", false),
  "effect4 over FetchHttpClient": (baseUrl: string) => effect4(baseUrl, "fetch", true),
  effect3: (baseUrl: string) => effect3(baseUrl, true),
  "effect3, tracing off": (baseUrl: string) => effect3(baseUrl, false)
}

export type Name = keyof typeof clients

const [name, baseUrl] = process.argv.slice(2) as [Name, string]
const send = await clients[name](baseUrl)

let sent = 0
const sendFor = (inFlight: number, millis: number) => {
  const until = performance.now() + millis
  return send(inFlight, () => (performance.now() < until ? `cust_${sent++}` : undefined))
}

process.on("message", async ({ inFlight }: { readonly inFlight: number }) => {
  // Connections that idled between two rounds may be gone, and code may have cooled down.
  await sendFor(inFlight, 200)
  const [before, cpu, time] = [sent, process.cpuUsage(), performance.now()]
  await sendFor(inFlight, 700)
  const { system, user } = process.cpuUsage(cpu)
  const count = sent - before
  process.send?.({
    perSecond: (count / (performance.now() - time)) * 1000,
    cpu: (user + system) / count
  } satisfies Result)
})
process.on("disconnect", () => process.exit())
await sendFor(64, 1500)
process.send?.("ready")
