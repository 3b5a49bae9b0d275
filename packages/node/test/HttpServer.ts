import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import * as Effect from "effect/Effect"
import { listening, untilIn } from "./Loopback.js"

/** A server on loopback that can tell how its connections fare. */
export const make = (listener: Http.RequestListener) =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const waiting = new Set<() => void>()
    let connections = 0
    let requests = 0
    const checkAll = () => {
      for (const check of waiting) check()
    }

    const server = Http.createServer((request, response) => {
      requests++
      checkAll()
      response.on("error", () => {})
      listener(request, response)
    })
    server.on("connection", (socket) => {
      connections++
      sockets.add(socket)
      socket.on("close", () => {
        sockets.delete(socket)
        checkAll()
      })
    })

    yield* listening(server, sockets)

    const until = untilIn(waiting)

    return {
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      /** How many connections there have been. */
      connections: Effect.sync(() => connections),
      /** How many requests have begun. */
      requests: Effect.sync(() => requests),
      /** Waits for that many requests in all. */
      received: (count: number) => until(() => requests >= count),
      /** Waits until no more than so many connections are open. */
      openAtMost: (count: number) => until(() => sockets.size <= count)
    }
  })
