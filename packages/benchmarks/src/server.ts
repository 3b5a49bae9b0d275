// The vendor in a process of its own, made as cheap as can be, so that it is the clients that are measured. It reads
// no more of a request than where it ends and whether it is the one that a client should send, and answers 204.
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { serve } from "./ipc.js"

const END = "\r\n\r\n"
const EXPECTED = "DELETE /router/customer/"

let requests = 0
/** The head of each request, while they are wanted. */
let heads: Array<string> | undefined

const answerTo = (head: string): string => {
  requests++
  heads?.push(head)
  return head.startsWith(EXPECTED)
    ? `HTTP/1.1 204 No Content\r\nx-request-id: req_${requests}${END}`
    : `HTTP/1.1 400 Bad Request\r\ncontent-length: 0${END}`
}

const server = createServer({ noDelay: true }, (socket) => {
  let received = ""
  socket.setEncoding("latin1")
  socket.on("error", () => socket.destroy())
  socket.on("data", (data) => {
    received += data
    for (let end = received.indexOf(END); end >= 0; end = received.indexOf(END)) {
      // A DELETE of ours has no body, so a request is a head.
      const head = received.slice(0, end)
      received = received.slice(end + END.length)
      socket.write(answerTo(head), "latin1")
      if (CLOSE.test(head)) socket.end()
    }
  })
})

const CLOSE = /\r\nconnection: *close/i

export const tasks = {
  /** Listens on loopback, and says where. */
  listen: async () => {
    await once(server.listen(0, "127.0.0.1", 4096), "listening")
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/router`
  },
  /** Since the start: requests, and milliseconds of processor and of clock. */
  seen: () => {
    const { system, user } = process.cpuUsage()
    return { requests, cpu: (user + system) / 1000, time: performance.now() }
  },
  record: () => {
    heads = []
  },
  recorded: () => heads ?? []
}

serve(tasks)
