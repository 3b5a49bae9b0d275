import * as Net from "node:net"
import * as Tls from "node:tls"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { deleteCustomer, Retry } from "@effect-flowwise/client"
import { documented } from "@effect-flowwise/core/cases"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { makeTls, summary } from "./edition.js"
import * as HttpServer from "./HttpServer.js"
import { listening } from "./Loopback.js"
import { clientAt } from "./layers.js"
import * as NetServer from "./NetServer.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"

const clientWith = (baseUrl: string, options: NodeFlowwise.TransportOptions) =>
  clientAt(baseUrl, Layer.orDie(NodeFlowwise.layerTransportWith(options)))

const outcomeAt = (baseUrl: string, options: NodeFlowwise.TransportOptions, customerId = "cust_1") =>
  Effect.provide(Effect.map(Effect.either(deleteCustomer(customerId)), Either.merge), clientWith(baseUrl, options))

/** Joins a connection to the one that it asks for. */
const tunnel = (socket: Net.Socket, authority: string) => {
  const [host, port] = authority.split(":")
  const server = Net.connect(Number(port), host, () => socket.write("HTTP/1.1 200 Connected\r\n\r\n"))
  server.on("error", () => socket.destroy())
  socket.on("close", () => server.destroy())
  server.pipe(socket).pipe(server)
}

/** What a proxy does with a CONNECT in place of opening the tunnel. */
type Refusal = (socket: Net.Socket) => void

/** A proxy on loopback that opens tunnels, after as many refusals, and keeps the heads of what it is asked. */
const proxy = (refuse?: Refusal, times = Number.POSITIVE_INFINITY) =>
  Effect.gen(function* () {
    const heads: Array<string> = []
    const { connections, port } = yield* NetServer.make((socket) => {
      socket.once("data", (data) => {
        heads.push(String(data))
        if (refuse !== undefined && heads.length <= times) refuse(socket)
        else tunnel(socket, String(data).split(" ")[1]!)
      })
    })
    return { connections, host: `127.0.0.1:${port}`, heads }
  })

/** So many round trips to another server that whatever goes on by itself has gone on. */
const meanwhile = Effect.gen(function* () {
  const { baseUrl } = yield* HttpServer.make((_, response) => void response.end())
  yield* Effect.replicateEffect(
    Effect.promise(() => fetch(baseUrl).then((response) => response.text())),
    50
  )
})

const deletes = RawServer.make(() => http(204))

describe("a proxy", () => {
  it.scoped("carries requests through a tunnel, with its user and password", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      const { heads, host } = yield* proxy()
      const outcome = yield* outcomeAt(baseUrl, { proxy: `http://user:p%40ss@${host}` })
      assert.strictEqual(outcome._tag, "CustomerDeleted")
      assert.strictEqual(heads.length, 1)
      assert.match(heads[0]!, new RegExp(`^CONNECT ${new URL(baseUrl).host} HTTP/1.1\r\n`))
      assert.include(heads[0]!, `proxy-authorization: Basic ${Buffer.from("user:p@ss").toString("base64")}`)
    })
  )

  it.scoped("keeps apart what goes to two hosts", () =>
    Effect.gen(function* () {
      const servers = [yield* deletes, yield* deletes]
      const { host } = yield* proxy()
      // One transport for both.
      const transport = yield* Layer.build(NodeFlowwise.layerTransportWith({ proxy: `http://${host}` }))
      for (const { baseUrl } of servers) {
        const { host } = new URL(baseUrl)
        yield* Effect.provide(deleteCustomer(host), clientAt(baseUrl, Layer.succeedContext(transport)))
      }
      for (const server of servers) {
        const { host } = new URL(server.baseUrl)
        assert.deepStrictEqual(yield* server.targets, [`/customer/${encodeURIComponent(host)}`])
        assert.match((yield* server.heads)[0]!, new RegExp(`^host: ${host}$`, "im"))
      }
    })
  )

  it.scoped("opens a tunnel for each request where each has a connection of its own", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      const { heads, host } = yield* proxy()
      yield* Effect.repeatN(deleteCustomer("cust_1"), 1).pipe(
        Effect.provide(clientWith(baseUrl, { proxy: `http://${host}`, connectionPerRequest: true }))
      )
      assert.strictEqual(heads.length, 2)
    })
  )

  it.scoped("is the environment's only where that is asked for, and not for the hosts in NO_PROXY", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      const { heads, host } = yield* proxy()
      yield* withVariables({ HTTP_PROXY: `http://${host}` })
      yield* outcomeAt(baseUrl, {})
      assert.strictEqual(heads.length, 0)
      yield* outcomeAt(baseUrl, { proxy: "environment" })
      assert.strictEqual(heads.length, 1)
      yield* withVariables({ NO_PROXY: "127.0.0.1" })
      assert.strictEqual((yield* outcomeAt(baseUrl, { proxy: "environment" }))._tag, "CustomerDeleted")
      assert.strictEqual(heads.length, 1)
    })
  )

  it.scoped("of the environment that can't be used is a ConfigError without the password", () =>
    Effect.gen(function* () {
      yield* withVariables({ HTTPS_PROXY: "http://user:hunter2%zz@127.0.0.1" })
      const layer = NodeFlowwise.layerTransportWith({ proxy: "environment" })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
      assert.isTrue(ConfigError.isConfigError(error))
      assert.deepStrictEqual(error._op === "InvalidData" && error.path, ["proxy"])
      assert.notInclude(inspect(error, { depth: 9 }), "hunter2")
    })
  )
})

const answering =
  (bytes: string): Refusal =>
  (socket) =>
    socket.end(bytes)

const refusals: ReadonlyArray<readonly [name: string, refuse: Refusal, says: RegExp]> = [
  ["drops the CONNECT", (socket) => socket.destroy(), /\(ERR_PROXY_TUNNEL\)/],
  ["resets the connection", (socket) => socket.resetAndDestroy(), /\((ECONNRESET|ERR_PROXY_TUNNEL)\)/],
  ...[407, 403, 502, 503].map(
    (status) =>
      [
        `answers ${status}`,
        answering(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`),
        new RegExp(`, and answered ${status}: nothing was sent`)
      ] as const
  ),
  ["answers a page that never ends", (socket) => socket.write("HTTP/1.1 502 No\r\ncontent-length: 9\r\n\r\n"), /502/],
  ["answers what is no HTTP", answering("\0\0garbage\r\n\r\n"), /: nothing was sent\./],
  ["stays silent", () => {}, /\(ERR_PROXY_TUNNEL\)/]
]

describe.each(refusals)("a proxy that %s", (_, refuse, says) => {
  it.scoped("had nothing of the request: one connection, and none after the outcome", () =>
    Effect.gen(function* () {
      const server = yield* deletes
      const { connections, heads, host } = yield* proxy(refuse)
      const options = { proxy: `http://user:hunter2@${host}`, connectTimeout: "50 millis" } as const
      const outcome = yield* Effect.gen(function* () {
        const outcome = yield* Effect.map(Effect.either(deleteCustomer("cust_1")), Either.merge)
        // The layer is still open, so that nothing but the outcome can have stopped it.
        yield* meanwhile
        return outcome
      }).pipe(Effect.provide(clientWith(server.baseUrl, options)))
      assert.strictEqual(summary(outcome), "RequestFailed Connection no")
      assert("message" in outcome)
      assert.include(outcome.message, `The proxy ${host} opened no tunnel to ${new URL(server.baseUrl).host}`)
      assert.match(outcome.message, says)
      assert.notInclude(inspect(outcome, { depth: 9, showHidden: true }), "hunter2")
      assert.deepStrictEqual([yield* connections, heads.length, yield* server.connections], [1, 1, 0])
    })
  )

  it.scoped("makes nothing ambiguous: a 404 behind it is the vendor's own", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => json(404, documented[404]))
      const { heads, host } = yield* proxy(refuse, 1)
      const error = yield* deleteCustomer("cust_1").pipe(
        Retry.transient({ baseDelay: 0 }),
        Effect.flip,
        Effect.provide(clientWith(server.baseUrl, { proxy: `http://${host}`, connectTimeout: "50 millis" }))
      )
      assert.deepInclude(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: false })
      assert.deepStrictEqual([heads.length, (yield* server.heads).length], [2, 1])
    })
  )
})

describe("a tunnel that isn't open yet", () => {
  it.scoped("causes no further connection, and no request, when its caller is gone", () =>
    Effect.gen(function* () {
      const server = yield* deletes
      let asked: (socket: Net.Socket) => void = () => {}
      const socket = new Promise<Net.Socket>((resolve) => {
        asked = resolve
      })
      const { connections, host } = yield* proxy((socket) => asked(socket))
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.fork(deleteCustomer("cust_1"))
        const waiting = yield* Effect.promise(() => socket)
        yield* Fiber.interrupt(fiber)
        // Too late: the tunnel opens when nobody wants it any more.
        tunnel(waiting, new URL(server.baseUrl).host)
        yield* server.connected(1)
        yield* meanwhile
      }).pipe(Effect.provide(clientWith(server.baseUrl, { proxy: `http://${host}` })))
      assert.deepStrictEqual([yield* connections, yield* server.heads], [1, []])
    })
  )

  it.scoped("ends in time, with nothing sent", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      let asked = () => {}
      const connected = new Promise<void>((resolve) => {
        asked = resolve
      })
      const { host } = yield* proxy(() => asked())
      const fiber = yield* Effect.fork(outcomeAt(baseUrl, { proxy: `http://${host}`, connectTimeout: "1 hour" }))
      yield* Effect.promise(() => connected)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(summary(yield* Fiber.join(fiber)), "RequestFailed Timeout no")
    })
  )
})

describe("a proxy with TLS", () => {
  const tlsProxy = (tls: Tls.TlsOptions) =>
    Effect.gen(function* () {
      const sockets = new Set<Net.Socket>()
      let connections = 0
      const server = Tls.createServer(tls, (socket) => {
        socket.on("error", () => {})
        socket.once("data", (data) => tunnel(socket, String(data).split(" ")[1]!))
      })
      server.on("connection", (socket: Net.Socket) => {
        connections++
        sockets.add(socket.on("error", () => {}))
      })
      yield* listening(server, sockets)
      return {
        connections: Effect.sync(() => connections),
        // By name: undici gives a proxy's host as the server name of TLS, and Node warns where that is an address.
        host: `localhost:${(server.address() as Net.AddressInfo).port}`
      }
    })

  it.scoped("whose certificate is good carries requests", () =>
    Effect.gen(function* () {
      const { good } = yield* makeTls
      const { baseUrl } = yield* deletes
      const { host } = yield* tlsProxy(good)
      assert.strictEqual((yield* outcomeAt(baseUrl, { proxy: `https://${host}` }))._tag, "CustomerDeleted")
    })
  )

  it.scoped.each(["self-signed", "wrong host", "expired"] as const)(
    "whose certificate is %s is named, and had nothing",
    (certificate) =>
      Effect.gen(function* () {
        const certificates = yield* makeTls
        const { baseUrl } = yield* deletes
        const { connections, host } = yield* tlsProxy(certificates[certificate])
        const outcome = yield* outcomeAt(baseUrl, { proxy: `https://${host}` })
        yield* meanwhile
        assert.strictEqual(summary(outcome), "RequestFailed Certificate no")
        assert("message" in outcome)
        assert.include(outcome.message, `The certificate of ${host} is not valid`)
        assert.strictEqual(yield* connections, 1)
      })
  )

  it.scoped("does not stand for the vendor, whose certificate is named by its own host", () =>
    Effect.gen(function* () {
      const certificates = yield* makeTls
      const server = yield* RawServer.make(() => http(204), { tls: certificates["self-signed"] })
      const { host } = yield* proxy()
      const outcome = yield* outcomeAt(server.baseUrl, { proxy: `http://${host}` })
      assert.strictEqual(summary(outcome), "RequestFailed Certificate no")
      assert("message" in outcome)
      assert.include(outcome.message, `The certificate of ${new URL(server.baseUrl).host} is not valid`)
    })
  )
})

describe("a proxy that nobody is at", () => {
  it.scoped("is named, and is asked once", () =>
    Effect.gen(function* () {
      const { host } = yield* Effect.scoped(proxy())
      const outcome = yield* outcomeAt("https://192.0.2.1", { proxy: `http://${host}` })
      assert.strictEqual(summary(outcome), "RequestFailed Connection no")
      assert("message" in outcome)
      assert.match(outcome.message, new RegExp(`^The proxy ${host} opened no tunnel to 192.0.2.1 \\(ECONNREFUSED\\)`))
    })
  )
})

describe("the environment's proxy", () => {
  it.scoped("that drops the CONNECT costs one connection too", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      const { connections, host } = yield* proxy((socket) => socket.destroy())
      yield* withVariables({ HTTP_PROXY: `http://${host}`, NO_PROXY: "" })
      const outcome = yield* outcomeAt(baseUrl, { proxy: "environment" })
      yield* meanwhile
      assert.strictEqual(summary(outcome), "RequestFailed Connection no")
      assert.strictEqual(yield* connections, 1)
    })
  )
})

/** Sets variables of the process until the scope closes, and clears those of the same names in lower case. */
const withVariables = (variables: Record<string, string>) =>
  Effect.forEach(Object.entries(variables), ([name, value]) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const before = [name, name.toLowerCase()].map((name) => [name, process.env[name]] as const)
        delete process.env[name.toLowerCase()]
        process.env[name] = value
        return before
      }),
      (before) =>
        Effect.sync(() => {
          for (const [name, value] of before) {
            delete process.env[name]
            if (value !== undefined) process.env[name] = value
          }
        })
    )
  )
