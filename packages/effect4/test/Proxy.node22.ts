import { type Answer, http, listen } from "@effect-flowwise/core/cases"
import { deleteCustomer } from "@effect-flowwise/effect4"
import { NodeFlowwise } from "@effect-flowwise/effect4/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it } from "vitest"
import { clientAt } from "./adapter.js"

/** Asks a host that only the proxy could reach, and gives the error and how often the proxy was connected to. */
const through = async (answer: Answer) => {
  const proxy = await listen(() => answer)
  try {
    const transport = Layer.orDie(
      NodeFlowwise.layerTransportWith({ proxy: `http://user:hunter2@127.0.0.1:${proxy.port}` })
    )
    const error = await Effect.runPromise(
      deleteCustomer("a").pipe(
        Effect.flip,
        Effect.provide(clientAt("https://flowwise.example.com", transport, { timeout: "5 seconds" }))
      )
    )
    return { error, connections: proxy.connections(), port: proxy.port, heads: proxy.heads() }
  } finally {
    await proxy.close()
  }
}

describe("a proxy that opens no tunnel", () => {
  it.each([
    ["answers 403", http(403), ", and answered 403"],
    ["answers 407", http(407, { "proxy-authenticate": "Basic" }), ", and answered 407"],
    ["closes the connection", { bytes: "", close: true }, " (ERR_PROXY_TUNNEL)"],
    ["breaks the connection", { bytes: "", reset: true }, " ("]
  ] as const)("%s: nothing was sent, and it is asked once", async (_, answer, said) => {
    const { connections, error, heads, port } = await through(answer)
    assert.include(error, { _tag: "RequestFailed", reason: "Connection", delivered: "no" })
    assert.include(error.message, `The proxy 127.0.0.1:${port} opened no tunnel to flowwise.example.com${said}`)
    assert.notInclude(error.message, "hunter2")
    assert.strictEqual(connections, 1)
    assert.strictEqual(heads.length, 1)
    assert.match(heads[0] ?? "", /^CONNECT flowwise\.example\.com:443 HTTP\/1\.1\r\n/)
  })
})
