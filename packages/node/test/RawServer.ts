import * as Net from "node:net"
import * as Effect from "effect/Effect"

/** What a scripted server answers to one request, byte for byte; nothing where it stays silent. */
export interface Answer {
  readonly bytes: string | Uint8Array
  /** Closes the connection behind the answer. */
  readonly close?: boolean
}

/**
 * A server on loopback that speaks no HTTP of its own: it reads a request's head and writes what the script says, so
 * that it can break every rule.
 */
export const make = (script: (target: string, head: string) => Answer | undefined) =>
  Effect.gen(function* () {
    const heads: Array<string> = []
    const sockets = new Set<Net.Socket>()
    const waiting = new Set<() => void>()
    let connections = 0

    const server = Net.createServer((socket) => {
      connections++
      sockets.add(socket)
      let received = ""
      socket.setEncoding("latin1")
      socket.on("error", () => {})
      socket.on("close", () => {
        sockets.delete(socket)
        for (const check of waiting) check()
      })
      socket.on("data", (data) => {
        received += data
        for (let end = received.indexOf("\r\n\r\n"); end >= 0; end = received.indexOf("\r\n\r\n")) {
          const head = received.slice(0, end)
          received = received.slice(end + 4)
          heads.push(head)
          const answer = script(head.split(" ")[1] ?? "", head)
          if (answer !== undefined) {
            socket.write(answer.bytes)
            if (answer.close === true) socket.end()
          }
          for (const check of waiting) check()
        }
      })
    })

    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    )

    const until = (condition: () => boolean) =>
      Effect.async<void>((resume) => {
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

    return {
      baseUrl: `http://127.0.0.1:${(server.address() as Net.AddressInfo).port}`,
      /** The head of every request so far. */
      heads: Effect.sync(() => heads.slice()),
      /** The target of every request so far, as it came. */
      targets: Effect.sync(() => heads.map((head) => head.split(" ")[1] ?? "")),
      connections: Effect.sync(() => connections),
      /** Waits for that many requests in all. */
      received: (count: number) => until(() => heads.length >= count),
      /** Waits until the clients have closed all their connections but so many. */
      openAtMost: (count: number) => until(() => sockets.size <= count)
    }
  })

/** A well-formed answer; `content-length` is added unless a header frames the body otherwise. */
export const http = (status: number, headers: Record<string, string> = {}, body = ""): Answer => {
  const framed = Object.keys(headers).some((name) => /^(content-length|transfer-encoding)$/i.test(name))
  const lines = Object.entries(framed ? headers : { ...headers, "content-length": String(Buffer.byteLength(body)) })
  return {
    bytes: `HTTP/1.1 ${status} Status\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`
  }
}

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  http(status, { "content-type": "application/json", ...headers }, JSON.stringify(body))
