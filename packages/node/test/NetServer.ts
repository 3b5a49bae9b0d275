import * as Net from "node:net"
import * as Effect from "effect/Effect"
import { listening } from "./Loopback.js"

/** A server on loopback that does with each connection what the test says. */
export const make = (onConnection: (socket: Net.Socket) => void) =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    let connections = 0
    const server = Net.createServer((socket) => {
      connections++
      sockets.add(socket)
      socket.on("error", () => {})
      onConnection(socket)
    })
    yield* listening(server, sockets)
    return { port: (server.address() as Net.AddressInfo).port, connections: Effect.sync(() => connections) }
  })
