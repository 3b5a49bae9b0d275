// What one deletion allocates, with the network taken away: a dispatcher in memory answers 204 at once. It is repeatable
// where times are not. Run with --expose-gc and a young generation so large that nothing is collected meanwhile.
import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import type { Dispatcher } from "undici"

const controller = { abort: () => {}, pause: () => {}, resume: () => {} } as unknown as Dispatcher.DispatchController
const headers = {}

const dispatcher = {
  dispatch: (_: unknown, handler: Dispatcher.DispatchHandler): boolean => {
    queueMicrotask(() => {
      handler.onRequestStart?.(controller, {})
      handler.onResponseStart?.(controller, 204, headers)
      handler.onResponseEnd?.(controller, {})
    })
    return true
  }
}

const account = Credentials.layer({ clientId: "app_1", clientSecret: Redacted.make("a-secret-of-the-benchmarks") })
const client = Layer.orDie(
  Layer.provide(NodeFlowwise.layerWith({ dispatcher }), [account, Environment.layer("https://flowwise.example.com")])
)
const runtime = ManagedRuntime.make(client)

const IN_FLIGHT = 64
let sent = 0

const send = (count: number) => {
  const last = sent + count
  const fiber = Effect.whileLoop({
    while: () => sent < last,
    body: () => deleteCustomer(`cust_${sent++}`),
    step: () => {}
  })
  return Effect.all(
    Array.from({ length: IN_FLIGHT }, () => fiber),
    { concurrency: "unbounded", discard: true }
  )
}

/** KiB for each request, as the median of several rounds, long enough for V8 to have compiled what they run. */
const allocated = async (around: (self: ReturnType<typeof send>) => ReturnType<typeof send>) => {
  await runtime.runPromise(around(send(40_000)))
  const rounds: Array<number> = []
  for (let round = 0; round < 9; round++) {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    await runtime.runPromise(around(send(10_000)))
    rounds.push((process.memoryUsage().heapUsed - before) / 10_000 / 1024)
  }
  return rounds.sort((a, b) => a - b)[4] ?? Number.NaN
}

console.log(
  JSON.stringify({
    traced: await allocated((self) => self),
    untraced: await allocated(Effect.withTracerEnabled(false))
  })
)
await runtime.dispose()
