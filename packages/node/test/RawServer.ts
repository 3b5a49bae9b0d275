import { listen } from "@effect-flowwise/core/cases"
import * as Effect from "effect/Effect"

export { type Answer, ENDLESS, http, json } from "@effect-flowwise/core/cases"

/** The scripted server of the shared cases, in Effect's words. It closes with the scope. */
export const make = (...options: Parameters<typeof listen>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => listen(...options)),
      (server) => Effect.promise(server.close)
    ),
    (server) => ({
      port: server.port,
      baseUrl: server.baseUrl,
      heads: Effect.sync(server.heads),
      targets: Effect.sync(server.targets),
      connections: Effect.sync(server.connections),
      received: (count: number) => Effect.promise(() => server.received(count)),
      connected: (count: number) => Effect.promise(() => server.connected(count)),
      openAtMost: (count: number) => Effect.promise(() => server.openAtMost(count)),
      usedAtMost: (count: number) => Effect.promise(() => server.usedAtMost(count)),
      taken: Effect.sync(server.taken),
      settled: Effect.promise((signal) => server.settled(signal))
    })
  )
