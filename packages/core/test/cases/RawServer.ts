import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import * as Net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import * as Tls from "node:tls"

/** What a scripted server answers to one request, byte for byte and in this order; nothing where it stays silent. */
export interface Answer {
  readonly bytes: string | Uint8Array
  /** Writes the bytes one by one, with at least so many milliseconds between two. */
  readonly pause?: number
  /** Written again and again, as fast as it is taken. */
  readonly endless?: string
  /** Done so many milliseconds later. */
  readonly later?: readonly [milliseconds: number, answer: Answer]
  /** Closes the connection with FIN. */
  readonly close?: boolean
  /** Breaks the connection with RST. */
  readonly reset?: boolean
}

export interface Options {
  readonly tls?: Tls.TlsOptions | undefined
  /** What it says as soon as somebody connects. */
  readonly greeting?: Answer
  /** Takes nothing of what is sent for so many milliseconds, and answers nothing at all. */
  readonly deaf?: number
}

/** In bytes: what is endless ends all the same, before a client that takes everything fills the machine. */
export const ENDLESS = 256 * 1024 * 1024

const wait = (milliseconds: number) =>
  new Promise<void>((resolve) => (milliseconds === 0 ? setImmediate(resolve) : setTimeout(resolve, milliseconds)))

const perform = async (socket: Net.Socket, answer: Answer): Promise<void> => {
  if (answer.pause === undefined) {
    socket.write(answer.bytes)
  } else {
    for (const byte of Buffer.from(answer.bytes)) {
      if (!socket.writable) return
      socket.write(Uint8Array.of(byte))
      await wait(answer.pause)
    }
  }
  if (answer.endless !== undefined) {
    const piece = Buffer.from(answer.endless.repeat(Math.ceil((64 * 1024) / answer.endless.length)))
    for (let left = ENDLESS; left > 0 && socket.writable; left -= piece.length) {
      if (!socket.write(piece)) {
        await new Promise<void>((resolve) => socket.once("drain", resolve).once("close", resolve))
      }
    }
  }
  if (answer.later !== undefined) {
    await wait(answer.later[0])
    if (socket.writable) await perform(socket, answer.later[1])
  }
  if (answer.close === true) socket.end()
  if (answer.reset === true) socket.resetAndDestroy()
}

/** The client's ends of the connections to a port, which tell how much a client has taken: the server alone can't. */
const watchClients = (isOurs: (socket: Net.Socket) => boolean) => {
  const clients = new Map<number, Net.Socket>()
  const watch = (message: unknown) => {
    const { socket } = message as { readonly socket: Net.Socket }
    // Every server of a process hears of every socket.
    socket.setMaxListeners(0)
    socket.once("connect", () => {
      if (isOurs(socket)) clients.set(socket.localPort ?? 0, socket)
    })
  }
  subscribe("net.client.socket", watch)
  return { clients, stop: () => unsubscribe("net.client.socket", watch) }
}

export type RawServer = Awaited<ReturnType<typeof listen>>

/**
 * Listens on loopback and speaks no HTTP of its own: reads a request's head and writes what the script says, so that it can
 * break every rule. `close` breaks off what is still connected.
 */
export const listen = async (
  script: (target: string, head: string) => Answer | undefined,
  { tls, greeting, deaf }: Options = {}
) => {
  const heads: Array<string> = []
  const sockets = new Set<Net.Socket>()
  const waiting = new Set<() => void>()
  let connections = 0
  let busy = 0
  const changed = () => {
    for (const check of waiting) check()
  }

  const run = async (socket: Net.Socket, answer: Answer) => {
    busy++
    await perform(socket, answer).finally(() => busy--)
  }

  const track = (socket: Net.Socket) => {
    connections++
    sockets.add(socket)
    socket.setNoDelay(true)
    // An endless answer listens anew for each piece.
    socket.setMaxListeners(0)
    socket.on("error", () => {})
    socket.on("close", () => {
      sockets.delete(socket)
      changed()
    })
    changed()
  }

  const serve = (socket: Net.Socket) => {
    socket.on("error", () => {})
    if (greeting !== undefined) void run(socket, greeting)
    if (deaf !== undefined) {
      setTimeout(() => socket.resume(), deaf)
      return
    }
    let received = ""
    socket.setEncoding("latin1")
    socket.on("data", (data) => {
      received += data
      for (let end = received.indexOf("\r\n\r\n"); end >= 0; end = received.indexOf("\r\n\r\n")) {
        const head = received.slice(0, end)
        received = received.slice(end + 4)
        heads.push(head)
        const answer = script(head.split(" ")[1] ?? "", head)
        if (answer !== undefined) void run(socket, answer)
        changed()
      }
    })
  }

  const server = tls === undefined ? Net.createServer(serve) : Tls.createServer(tls, serve)
  server.on("connection", track)
  await once(server.listen(0, "127.0.0.1"), "listening")
  const { port } = server.address() as Net.AddressInfo
  const { clients, stop } = watchClients(({ remotePort }) => remotePort === port)

  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (condition()) {
          waiting.delete(check)
          resolve()
        }
      }
      waiting.add(check)
      check()
    })

  return {
    port,
    baseUrl: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    /** The head of every request so far. */
    heads: () => heads.slice(),
    /** The target of every request so far, as it came. */
    targets: () => heads.map((head) => head.split(" ")[1] ?? ""),
    connections: () => connections,
    /** Waits for that many requests in all. */
    received: (count: number) => until(() => heads.length >= count),
    /** Waits for that many connections in all. */
    connected: (count: number) => until(() => connections >= count),
    /** Waits until the clients have closed all their connections but so many. */
    openAtMost: (count: number) => until(() => sockets.size <= count),
    /** The same, and leaves those aside on which nothing has come: undici opens a spare one where one was broken off. */
    usedAtMost: (count: number) =>
      until(() => Array.from(sockets).filter(({ bytesRead }) => bytesRead > 0).length <= count),
    /** How many bytes the clients of this process have taken. */
    taken: () => Array.from(clients.values()).reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    /** Waits until it has done all that its script says, and the clients have seen it. */
    settled: async (signal?: AbortSignal) => {
      const isSettled = () =>
        busy === 0 &&
        Array.from(sockets).every(
          ({ remotePort, bytesWritten, writableEnded }) =>
            !writableEnded && clients.get(remotePort ?? 0)?.bytesRead === bytesWritten
        )
      do await sleep(1)
      while (!isSettled() && signal?.aborted !== true)
    },
    close: () =>
      new Promise<void>((resolve) => {
        stop()
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
  }
}

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
