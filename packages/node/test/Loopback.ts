import type * as Net from "node:net"
import * as Effect from "effect/Effect"

/** Listens on a free port of this machine, until the scope closes; then breaks off what is still connected. */
export const listening = (server: Net.Server, sockets: Iterable<Net.Socket>) =>
  Effect.acquireRelease(
    Effect.async<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )

/** Waits for conditions; whoever changes what they look at calls all that are `waiting`. */
export const untilIn =
  (waiting: Set<() => void>) =>
  (condition: () => boolean): Effect.Effect<void> =>
    Effect.async((resume) => {
      const check = () => {
        if (condition()) {
          waiting.delete(check)
          resume(Effect.void)
        }
      }
      waiting.add(check)
      check()
      return Effect.sync(() => waiting.delete(check))
    })
