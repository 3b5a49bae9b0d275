// The vendor, made as cheap as can be, so that it is the clients that are measured: answers 204 to every head.
import { type AddressInfo, createServer } from "node:net"

const END = "\r\n\r\n"

const server = createServer({ noDelay: true }, (socket) => {
  let received = ""
  socket.setEncoding("latin1")
  socket.on("error", () => socket.destroy())
  socket.on("data", (data) => {
    received += data
    for (let end = received.indexOf(END); end >= 0; end = received.indexOf(END)) {
      received = received.slice(end + END.length)
      socket.write(`HTTP/1.1 204 No Content\r\nx-request-id: req_1${END}`, "latin1")
    }
  })
})
server.listen(0, "127.0.0.1", () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
process.on("disconnect", () => process.exit())
