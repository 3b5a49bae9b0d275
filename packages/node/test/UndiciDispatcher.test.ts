import * as Net from "node:net"
import { inspect } from "node:util"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import { Agent, Dispatcher, interceptors } from "undici"
import * as HttpServer from "./HttpServer.js"
import { listening } from "./Loopback.js"
import { clientAt, wrapped } from "./layers.js"
import * as RawServer from "./RawServer.js"

const { layerHttpClient, layerHttpClientWith } = NodeFlowwise

const get = (url: string, options: NodeFlowwise.HttpClientOptions) =>
  Effect.provide(HttpClient.get(url), layerHttpClientWith(options))

const codeOf = (error: { readonly cause?: unknown }) => (error.cause as { readonly code?: string }).code

/** A server on loopback that speaks no HTTP of its own. */
const rawServer = (onConnection: (socket: Net.Socket, connection: number) => void) =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    let connections = 0
    const server = Net.createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => {})
      onConnection(socket, ++connections)
    })
    yield* listening(server, sockets)
    return { port: (server.address() as Net.AddressInfo).port, connections: Effect.sync(() => connections) }
  })

const hello = HttpServer.make((request, response) => {
  response.setHeader("x-host", request.headers.host ?? "")
  response.end("hello")
})

describe("an option that can't be used", () => {
  const refused: ReadonlyArray<readonly [name: keyof NodeFlowwise.HttpClientOptions, ...values: Array<unknown>]> = [
    ["connections", 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "4"],
    ["connectTimeout", 0, -5, Number.NaN, "soon", {}],
    ["headersTimeout", 0, "-1 seconds"],
    ["bodyTimeout", 0, "0 millis"],
    ["connectionPerRequest", "yes", 1],
    [
      "proxy",
      "",
      "hunter2.example.com:3128",
      "socks5://hunter2",
      "http://",
      "ftp://hunter2",
      "http://user:hunter2%zz@host",
      42
    ],
    ["dispatcher", {}, "hunter2"]
  ]
  for (const [name, ...values] of refused) {
    it.effect(`is a ConfigError that names it, and not its value: ${name}`, () =>
      Effect.gen(function* () {
        for (const value of values) {
          const layer = layerHttpClientWith({ [name]: value })
          const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer)))
          const error = yield* Effect.flip<unknown, ConfigError.ConfigError, never>(exit)
          assert.isTrue(ConfigError.isConfigError(error), `${name} ${String(value)}`)
          assert.deepStrictEqual(error._op === "InvalidData" && error.path, [name])
          const rendered = [
            String(error),
            JSON.stringify(error),
            inspect(error, { depth: 9 }),
            Cause.pretty(Cause.fail(error))
          ]
          assert.notInclude(rendered.join(), "hunter2")
        }
      })
    )
  }

  it.effect("is also one that belongs to the dispatcher which is given beside it", () =>
    Effect.gen(function* () {
      const dispatcher = new Agent()
      for (const name of ["connections", "connectTimeout", "proxy"] as const) {
        const layer = layerHttpClientWith({ dispatcher, [name]: name === "proxy" ? "environment" : 1 })
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
        assert.deepStrictEqual(error._op === "InvalidData" && error.path, [name])
      }
    })
  )
})

describe("connections", () => {
  it.scoped("are no more than there may be, and everybody has a turn", () =>
    Effect.gen(function* () {
      const { baseUrl, connections } = yield* hello
      const statuses = yield* Effect.forEach(
        Array.from({ length: 20 }),
        () => Effect.map(HttpClient.get(baseUrl), ({ status }) => status),
        { concurrency: "unbounded" }
      ).pipe(Effect.provide(layerHttpClientWith({ connections: 2 })))
      assert.deepStrictEqual([...new Set(statuses)], [200])
      assert.strictEqual(yield* connections, 2)
    })
  )
})

describe("time-outs", () => {
  it.scoped("bound the connection, with its TLS", () =>
    Effect.gen(function* () {
      const { port } = yield* rawServer(() => {})
      const error = yield* Effect.flip(get(`https://127.0.0.1:${port}`, { connectTimeout: "50 millis" }))
      assert.deepStrictEqual([error._tag, codeOf(error as never)], ["RequestError", "UND_ERR_CONNECT_TIMEOUT"])
    })
  )

  it.scoped("bound the headers", () =>
    Effect.gen(function* () {
      const { port } = yield* rawServer((socket) => socket.write("HTTP/1.1 200"))
      const error = yield* Effect.flip(get(`http://127.0.0.1:${port}`, { headersTimeout: "50 millis" }))
      assert.deepStrictEqual([error._tag, codeOf(error as never)], ["RequestError", "UND_ERR_HEADERS_TIMEOUT"])
    })
  )

  it.scoped("bound a piece of the body", () =>
    Effect.gen(function* () {
      const { port } = yield* rawServer((socket) => {
        socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"))
      })
      const error = yield* HttpClient.get(`http://127.0.0.1:${port}`).pipe(
        Effect.flatMap(({ text }) => text),
        Effect.flip,
        Effect.provide(layerHttpClientWith({ bodyTimeout: "50 millis" }))
      )
      assert.deepStrictEqual([error._tag, codeOf(error as never)], ["ResponseError", "UND_ERR_BODY_TIMEOUT"])
    })
  )
})

describe("connectionPerRequest", () => {
  /** A proxy out of step: on a connection that is used again, its late 204 comes before the answer. */
  const outOfStep = rawServer((socket) => {
    let requests = 0
    socket.on("data", (data) => {
      if (requests++ > 0) {
        socket.write("HTTP/1.1 204 No Content\r\n\r\n")
      }
      const target = String(data).split(" ")[1]
      socket.write(`HTTP/1.1 404 Not Found\r\ncontent-length: ${target?.length}\r\n\r\n${target}`)
    })
  })

  const statuses = (port: number) =>
    Effect.forEach(["/1", "/2", "/3"], (target) =>
      Effect.map(HttpClient.del(`http://127.0.0.1:${port}${target}`), ({ status }) => status)
    )

  it.scoped("keeps a late answer from being taken for the next request's, which a connection kept alive does not", () =>
    Effect.gen(function* () {
      const { port, connections } = yield* outOfStep
      const kept = yield* Effect.provide(statuses(port), layerHttpClientWith({ connections: 1 }))
      assert.include(kept, 204)
      const before = yield* connections
      const fresh = yield* Effect.provide(statuses(port), layerHttpClientWith({ connectionPerRequest: true }))
      assert.deepStrictEqual(fresh, [404, 404, 404])
      assert.strictEqual(yield* connections, before + 3)
    })
  )

  it.scoped("closes each connection behind its answer, and holds under load", () =>
    Effect.gen(function* () {
      const { baseUrl, connections, openAtMost } = yield* hello
      for (const options of [{}, { connections: 1 }, { connections: 3 }]) {
        const before = yield* connections
        yield* Effect.gen(function* () {
          const texts = yield* Effect.forEach(
            Array.from({ length: 20 }),
            () => Effect.flatMap(HttpClient.get(baseUrl), ({ text }) => text),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual([...new Set(texts)], ["hello"])
          yield* openAtMost(0)
        }).pipe(Effect.provide(layerHttpClientWith({ ...options, connectionPerRequest: true })))
        assert.strictEqual(yield* connections, before + 20)
      }
    })
  )

  it.scoped("leaves an error's connection closed as well", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* HttpServer.make((_, response) => response.destroy())
      const client = yield* HttpClient.HttpClient
      assert.strictEqual((yield* Effect.flip(client.get(baseUrl)))._tag, "RequestError")
      yield* openAtMost(0)
    }).pipe(Effect.provide(layerHttpClientWith({ connectionPerRequest: true })))
  )
})

/** A proxy on loopback that opens tunnels, and keeps the heads of what it is asked. */
const tunnels = (answer: "open" | "refuse" | "silent" = "open") =>
  Effect.gen(function* () {
    const heads: Array<string> = []
    const { port } = yield* rawServer((socket) => {
      socket.once("data", (data) => {
        heads.push(String(data))
        const [, authority] = String(data).split(" ")
        const [host, port] = String(authority).split(":")
        if (answer === "refuse") {
          socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        } else if (answer === "open") {
          const server = Net.connect(Number(port), host, () => socket.write("HTTP/1.1 200 Connected\r\n\r\n"))
          server.on("error", () => socket.destroy())
          socket.on("close", () => server.destroy())
          server.pipe(socket).pipe(server)
        }
      })
    })
    return { host: `127.0.0.1:${port}`, heads }
  })

describe("proxy", () => {
  it.scoped("carries requests through a tunnel, with its user and password", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* hello
      const { host, heads } = yield* tunnels()
      const response = yield* get(`${baseUrl}/`, { proxy: `http://user:p%40ss@${host}` })
      assert.strictEqual(response.status, 200)
      assert.strictEqual(heads.length, 1)
      assert.match(heads[0]!, new RegExp(`^CONNECT ${new URL(baseUrl).host} HTTP/1.1\r\n`))
      assert.include(heads[0]!, `proxy-authorization: Basic ${Buffer.from("user:p@ss").toString("base64")}`)
    })
  )

  it.scoped("keeps apart what requests to two hosts share, such as having no headers", () =>
    Effect.gen(function* () {
      const one = yield* hello
      const other = yield* hello
      const { host } = yield* tunnels()
      yield* Effect.gen(function* () {
        for (const { baseUrl } of [one, other]) {
          const { headers } = yield* HttpClient.execute(HttpClientRequest.get(baseUrl))
          assert.strictEqual(headers["x-host"], new URL(baseUrl).host)
        }
      }).pipe(Effect.provide(layerHttpClientWith({ proxy: `http://${host}` })))
    })
  )

  it.scoped("opens a tunnel for each request where each has a connection of its own", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* hello
      const { host, heads } = yield* tunnels()
      const proxied = layerHttpClientWith({ proxy: `http://${host}`, connectionPerRequest: true })
      yield* Effect.provide(Effect.zip(HttpClient.get(baseUrl), HttpClient.get(baseUrl)), proxied)
      assert.strictEqual(heads.length, 2)
    })
  )

  it.scoped("that refuses or stays silent is an error that doesn't show its password", () =>
    Effect.gen(function* () {
      for (const answer of ["refuse", "silent"] as const) {
        const { host } = yield* tunnels(answer)
        const error = yield* Effect.flip(
          get("https://192.0.2.1/", { proxy: `http://user:hunter2@${host}`, connectTimeout: "50 millis" })
        )
        assert.strictEqual(error._tag, "RequestError")
        assert.notInclude([String(error), inspect(error, { depth: 9, showHidden: true })].join(), "hunter2")
      }
    })
  )

  it.scoped("is the environment's only where that is asked for, and not for the hosts in NO_PROXY", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* hello
      const { host, heads } = yield* tunnels()
      yield* withVariables({ HTTP_PROXY: `http://${host}` })
      yield* Effect.provide(HttpClient.get(baseUrl), layerHttpClient)
      assert.strictEqual(heads.length, 0)
      yield* get(baseUrl, { proxy: "environment" })
      assert.strictEqual(heads.length, 1)
      yield* withVariables({ NO_PROXY: "127.0.0.1" })
      yield* get(baseUrl, { proxy: "environment" })
      assert.strictEqual(heads.length, 1)
    })
  )

  it.scoped("of the environment that can't be used is a ConfigError without the password", () =>
    Effect.gen(function* () {
      yield* withVariables({ HTTPS_PROXY: "http://user:hunter2%zz@127.0.0.1" })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layerHttpClientWith({ proxy: "environment" }))))
      assert.deepStrictEqual(error._op === "InvalidData" && error.path, ["proxy"])
      assert.notInclude(inspect(error, { depth: 9 }), "hunter2")
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

/** An agent that keeps what it is asked to dispatch. */
class Recording extends Dispatcher {
  readonly agent = new Agent()
  readonly dispatched: Array<Dispatcher.DispatchOptions> = []

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.dispatched.push(options)
    return this.agent.dispatch(options, handler)
  }
}

describe("dispatcher", () => {
  const recording = Effect.acquireRelease(
    Effect.sync(() => new Recording()),
    ({ agent }) => Effect.promise(() => agent.close())
  )

  it.scoped("is used as it is, with its own time-outs, and left open", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* hello
      const dispatcher = yield* recording
      yield* get(baseUrl, { dispatcher })
      yield* get(baseUrl, { dispatcher })
      assert.isFalse(dispatcher.agent.destroyed)
      for (const { headersTimeout, bodyTimeout, reset } of dispatcher.dispatched) {
        assert.deepStrictEqual([headersTimeout, bodyTimeout, reset], [null, null, undefined])
      }
      assert.strictEqual(dispatcher.dispatched.length, 2)
    })
  )

  it.scoped("is told the time-outs that are given, in whole milliseconds, and 0 for none", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* hello
      const dispatcher = yield* recording
      yield* get(baseUrl, {
        dispatcher,
        headersTimeout: "1500 micros",
        bodyTimeout: Number.POSITIVE_INFINITY,
        connectionPerRequest: true
      })
      const [options] = dispatcher.dispatched
      assert.deepStrictEqual([options?.headersTimeout, options?.bodyTimeout, options?.reset], [2, 0, true])
    })
  )

  it.scoped("that throws makes an error, never a defect", () =>
    Effect.gen(function* () {
      const dispatcher = yield* recording
      dispatcher.dispatch = () => {
        throw new Error("not today")
      }
      const error = yield* Effect.flip(get("http://127.0.0.1/", { dispatcher }))
      assert.strictEqual(error._tag, "RequestError")
      assert.match(String((error as { cause?: unknown }).cause), /not today/)
    })
  )
})

describe.each([
  ["NodeFlowwise.layerTransportWith", identity<Layer.Layer<HttpClient.HttpClient>>],
  ["the same, wrapped", wrapped]
] as const)("deleteCustomer over a dispatcher of one's own, and %s", (_, around) => {
  const deleteOver = (dispatcher: Dispatcher, baseUrl: string) =>
    deleteCustomer("cust_1").pipe(
      Effect.provide(clientAt(baseUrl, around(Layer.orDie(layerHttpClientWith({ dispatcher })))))
    )
  const agent = Effect.acquireRelease(
    Effect.sync(() => new Agent()),
    (dispatcher) => Effect.promise(() => dispatcher.destroy())
  )

  it.scoped("follows no redirect, even where the dispatcher would", () =>
    Effect.gen(function* () {
      const elsewhere = yield* RawServer.make(() => RawServer.http(204))
      const server = yield* RawServer.make(() =>
        RawServer.http(307, { location: `${elsewhere.baseUrl}/customer/cust_1` })
      )
      const redirecting = (yield* agent).compose(interceptors.redirect({ maxRedirections: 3 }))
      const error = yield* Effect.flip(deleteOver(redirecting, server.baseUrl))
      assert(error._tag === "UnexpectedResponse", error._tag)
      assert.deepStrictEqual([error.status, yield* elsewhere.connections], [307, 0])
    })
  )

  it.scoped("sends what the dispatcher adds to the headers once with each request, traced or not", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => RawServer.http(204))
      const adding = (yield* agent).compose((dispatch) => (options, handler) => {
        ;(options.headers as Array<string>).push("x-tenant", "7")
        return dispatch(options, handler)
      })
      const client = yield* Layer.build(
        clientAt(server.baseUrl, around(Layer.orDie(layerHttpClientWith({ dispatcher: adding }))))
      )
      for (const traced of [true, false]) {
        yield* deleteCustomer("cust_1").pipe(
          Effect.repeatN(1),
          Effect.provide(client),
          Effect.withTracerEnabled(traced)
        )
      }
      assert.deepStrictEqual(
        (yield* server.heads).map((head) => head.match(/x-tenant/g)?.length),
        [1, 1, 1, 1]
      )
    })
  )

  it.scoped("fails where the dispatcher does, whatever it fails with", () =>
    Effect.gen(function* () {
      const failing = (code: PropertyDescriptor) => {
        const dispatcher = new Agent()
        dispatcher.dispatch = (_options, handler) => {
          setImmediate(() =>
            handler.onResponseError?.(controller, Object.defineProperty(new Error("odd"), "code", code))
          )
          return true
        }
        return Effect.exit(deleteOver(dispatcher, "http://127.0.0.1"))
      }
      const exit = yield* failing({ value: Object.create(null) })
      assert(Exit.isFailure(exit) && Cause.isFailType(exit.cause))
      assert.deepInclude(exit.cause.error, { _tag: "RequestFailed", reason: "Transport", delivered: "unknown" })
      const unreadable = {
        get: () => {
          throw new Error("no code")
        }
      }
      assert.isTrue(Exit.isFailure(yield* failing(unreadable)))
    })
  )
})

const controller: Dispatcher.DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  rawHeaders: null,
  rawTrailers: null,
  abort: () => {},
  pause: () => {},
  resume: () => {}
}
