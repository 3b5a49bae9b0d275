import { inspect } from "node:util"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it, vi } from "@effect/vitest"
import { Credentials, deleteCustomer, Environment, FlowwiseClient } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { Agent, Dispatcher, interceptors, MockAgent } from "undici"
import * as Undici6 from "undici-6"
import { summary } from "./edition.js"
import * as HttpServer from "./HttpServer.js"
import { clientAt } from "./layers.js"
import * as NetServer from "./NetServer.js"
import * as RawServer from "./RawServer.js"
import { http } from "./RawServer.js"

const { layerTransportWith } = NodeFlowwise

const clientWith = (baseUrl: string, options: NodeFlowwise.TransportOptions) =>
  clientAt(baseUrl, Layer.orDie(layerTransportWith(options)))

const outcomeOf = (customerId: string) => Effect.map(Effect.either(deleteCustomer(customerId)), Either.merge)

/** How one deletion ends. */
const outcomeAt = (baseUrl: string, options: NodeFlowwise.TransportOptions) =>
  Effect.provide(outcomeOf("cust_1"), clientWith(baseUrl, options))

const configErrorOf = (layer: Layer.Layer<never, unknown> | Layer.Layer<unknown, unknown>) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
    assert(ConfigError.isConfigError(error) && error._op === "InvalidData", String(error))
    return error
  })

const fiftyMillis = "50 millis"
const deletes = HttpServer.make((_, response) => void response.writeHead(204).end())

describe("an option that can't be used", () => {
  const invalid: ReadonlyArray<readonly [name: keyof NodeFlowwise.Options, ...values: Array<unknown>]> = [
    ["connections", 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "4"],
    ["connectTimeout", 0, -5, Number.NaN, "soon", {}],
    ["headersTimeout", 0, "-1 seconds"],
    ["bodyTimeout", 0, "0 millis"],
    ["timeout", 0, -5, "soon", {}],
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
  for (const [name, ...values] of invalid) {
    it.effect(`is a ConfigError that names it, and not its value: ${name}`, () =>
      Effect.gen(function* () {
        for (const value of values) {
          const layer = name === "timeout" ? NodeFlowwise.layerWith : layerTransportWith
          const error = yield* configErrorOf(layer({ [name]: value }) as Layer.Layer<never, unknown>)
          assert.deepStrictEqual(error.path, [name])
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

  it.scoped("is not one that is left out: null and undefined are no options", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      for (const options of [null, undefined] as ReadonlyArray<unknown> as ReadonlyArray<NodeFlowwise.Options>) {
        const layers = [
          NodeFlowwise.layerWith(options),
          Layer.provide(FlowwiseClient.layerWith(options), FetchHttpClient.layer),
          Layer.provide(Layer.effect(FlowwiseClient, FlowwiseClient.make(options)), layerTransportWith(options))
        ]
        for (const layer of layers) {
          const account = Credentials.layer({ clientId: "app_1", clientSecret: Redacted.make("secret") })
          const given = Layer.provide(layer, [account, Environment.layer(baseUrl)])
          assert.strictEqual((yield* Effect.provide(outcomeOf("cust_1"), given))._tag, "CustomerDeleted")
        }
      }
    })
  )

  it.effect("is also one that belongs to the dispatcher which is given beside it", () =>
    Effect.gen(function* () {
      const dispatcher = new Agent()
      for (const name of ["connections", "connectTimeout", "proxy"] as const) {
        const error = yield* configErrorOf(
          layerTransportWith({ dispatcher, [name]: name === "proxy" ? "environment" : 1 })
        )
        assert.deepStrictEqual(error.path, [name])
      }
    })
  )

  const outdated: Record<string, () => NodeFlowwise.AnyDispatcher> = {
    "undici 6": () => new Undici6.Agent(),
    "a pool of undici 6": () => new Undici6.Pool("http://127.0.0.1"),
    "undici 6, composed": () => new Undici6.Agent().compose(Undici6.interceptors.retry()),
    "undici 6 that retries": () => new Undici6.RetryAgent(new Undici6.Agent()),
    "a mock of undici 6": () => new Undici6.MockAgent()
  }
  it.effect.each(Object.entries(outdated))("is a dispatcher of an older undici: %s", ([, dispatcher]) =>
    Effect.gen(function* () {
      const error = yield* configErrorOf(layerTransportWith({ dispatcher: dispatcher() }))
      assert.deepStrictEqual(error.path, ["dispatcher"])
      assert.match(error.message, /undici 7\.28 or later/)
    })
  )

  it.scoped("is none where it is undefined", () =>
    Effect.gen(function* () {
      const server = yield* deletes
      const options: NodeFlowwise.Options = {
        timeout: undefined,
        connections: undefined,
        connectTimeout: undefined,
        headersTimeout: undefined,
        bodyTimeout: undefined,
        connectionPerRequest: undefined,
        proxy: undefined,
        dispatcher: undefined
      }
      assert.strictEqual((yield* outcomeAt(server.baseUrl, options))._tag, "CustomerDeleted")
    })
  )
})

describe("undici as a stub, as Bun has it", () => {
  it.effect("is a ConfigError that says what to use", () =>
    Effect.gen(function* () {
      const Stub = class {}
      const stub = { Agent: Stub, EnvHttpProxyAgent: Stub, Pool: Stub, ProxyAgent: Stub, errors: {} }
      vi.resetModules()
      vi.doMock("undici", () => stub)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          vi.doUnmock("undici")
          vi.resetModules()
        })
      )
      const { NodeFlowwise } = yield* Effect.promise(() => import("@effect-flowwise/node"))
      for (const proxy of [undefined, "http://127.0.0.1:3128", "environment"]) {
        const error = yield* configErrorOf(NodeFlowwise.layerTransportWith({ proxy }))
        assert.deepStrictEqual(error.path, ["undici"])
        assert.match(error.message, /FetchHttpClient/)
      }
    }).pipe(Effect.scoped)
  )
})

describe("connections", () => {
  it.scoped("are no more than there may be, and everybody has a turn", () =>
    Effect.gen(function* () {
      const { baseUrl, connections } = yield* deletes
      yield* Effect.replicateEffect(deleteCustomer("cust_1"), 20, { concurrency: "unbounded" }).pipe(
        Effect.provide(clientWith(baseUrl, { connections: 2 }))
      )
      assert.strictEqual(yield* connections, 2)
    })
  )

  it.scoped("are another layer's own", () =>
    Effect.gen(function* () {
      const { baseUrl, connections } = yield* deletes
      yield* outcomeAt(baseUrl, {})
      yield* outcomeAt(baseUrl, {})
      assert.strictEqual(yield* connections, 2)
    })
  )

  it.scoped("close with their layer, which fails what is under way and what comes after", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => undefined)
      const scope = yield* Scope.make()
      const client = yield* Layer.buildWithScope(clientWith(server.baseUrl, {}), scope)
      const waiting = yield* Effect.fork(Effect.provide(outcomeOf("cust_1"), client))
      yield* server.received(1)
      yield* Scope.close(scope, Exit.void)
      yield* server.openAtMost(0)
      assert.strictEqual(summary(yield* Fiber.join(waiting)), "RequestFailed Transport unknown")
      assert.strictEqual(summary(yield* Effect.provide(outcomeOf("cust_1"), client)), "RequestFailed Connection no")
      assert.strictEqual(yield* server.connections, 1)
    })
  )
})

describe("time-outs", () => {
  it.scoped("bound the connection, with its TLS", () =>
    Effect.gen(function* () {
      const { port } = yield* NetServer.make(() => {})
      const outcome = yield* outcomeAt(`https://127.0.0.1:${port}`, { connectTimeout: fiftyMillis })
      assert(outcome._tag === "RequestFailed")
      assert.match(outcome.message, /UND_ERR_CONNECT_TIMEOUT/)
      assert.strictEqual(summary(outcome), "RequestFailed Connection no")
    })
  )

  it.scoped("bound the headers", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => ({ bytes: "HTTP/1.1 200" }))
      const outcome = yield* outcomeAt(server.baseUrl, { headersTimeout: fiftyMillis })
      assert(outcome._tag === "RequestFailed")
      assert.match(outcome.message, /UND_ERR_HEADERS_TIMEOUT/)
      assert.strictEqual(summary(outcome), "RequestFailed Timeout unknown")
      yield* server.openAtMost(0)
    })
  )

  it.scoped("bound a piece of the body", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => ({ bytes: "HTTP/1.1 404 No\r\ncontent-length: 9\r\n\r\nhalf" }))
      const outcome = yield* outcomeAt(server.baseUrl, { bodyTimeout: fiftyMillis })
      assert.strictEqual(summary(outcome), "UnexpectedResponse 404")
      yield* server.openAtMost(0)
    })
  )
})

describe("connectionPerRequest", () => {
  /** A proxy out of step: on a connection that is used again, its late 204 comes before the answer. */
  const outOfStep = NetServer.make((socket) => {
    let requests = 0
    socket.on("data", () => {
      if (requests++ > 0) socket.write("HTTP/1.1 204 No Content\r\n\r\n")
      socket.write("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    })
  })

  it.scoped("keeps a late answer from being taken for the next request's, which a connection kept alive does not", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* outOfStep
      const outcomes = (options: NodeFlowwise.TransportOptions) =>
        Effect.provide(Effect.replicateEffect(outcomeOf("cust_1"), 3), clientWith(`http://127.0.0.1:${port}`, options))
      const kept = yield* outcomes({ connections: 1 })
      assert.include(kept.map(summary), "CustomerDeleted")
      const before = yield* connections
      const fresh = yield* outcomes({ connectionPerRequest: true })
      assert.deepStrictEqual([...new Set(fresh.map(summary))], ["UnexpectedResponse 404"])
      assert.strictEqual(yield* connections, before + 3)
    })
  )

  it.scoped.each([{}, { connections: 1 }, { connections: 3 }])("closes each behind its answer under load: %j", (more) =>
    Effect.gen(function* () {
      const { baseUrl, connections, openAtMost } = yield* deletes
      yield* Effect.gen(function* () {
        yield* Effect.replicateEffect(deleteCustomer("cust_1"), 20, { concurrency: "unbounded" })
        yield* openAtMost(0)
      }).pipe(Effect.provide(clientWith(baseUrl, { ...more, connectionPerRequest: true })))
      assert.strictEqual(yield* connections, 20)
    })
  )

  it.scoped("leaves an error's connection closed as well", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* HttpServer.make((_, response) => response.destroy())
      yield* Effect.gen(function* () {
        assert.strictEqual(summary(yield* outcomeOf("cust_1")), "RequestFailed Transport unknown")
        yield* openAtMost(0)
      }).pipe(Effect.provide(clientWith(baseUrl, { connectionPerRequest: true })))
    })
  )
})

/** An agent that keeps what it is asked to dispatch. */
class Recording extends Dispatcher {
  readonly agent = new Agent()
  readonly dispatched: Array<Dispatcher.DispatchOptions> = []

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.dispatched.push(options)
    return this.agent.dispatch(options, handler)
  }
}

const scoped = <A extends Dispatcher>(make: () => A) =>
  Effect.acquireRelease(Effect.sync(make), (dispatcher) => Effect.promise(() => dispatcher.destroy()))

describe("a dispatcher of one's own", () => {
  const recording = Effect.acquireRelease(
    Effect.sync(() => new Recording()),
    ({ agent }) => Effect.promise(() => agent.close())
  )

  it.scoped("is used as it is, with its own time-outs, and left open", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      const dispatcher = yield* recording
      yield* outcomeAt(baseUrl, { dispatcher })
      yield* outcomeAt(baseUrl, { dispatcher })
      assert.isFalse(dispatcher.agent.destroyed)
      assert.deepStrictEqual(
        dispatcher.dispatched.map(({ headersTimeout, bodyTimeout, reset }) => [headersTimeout, bodyTimeout, reset]),
        [
          [null, null, undefined],
          [null, null, undefined]
        ]
      )
    })
  )

  it.scoped("is told the time-outs that are given, in whole milliseconds, and 0 for none", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* deletes
      const dispatcher = yield* recording
      yield* outcomeAt(baseUrl, {
        dispatcher,
        headersTimeout: "1500 micros",
        bodyTimeout: Number.POSITIVE_INFINITY,
        connectionPerRequest: true
      })
      const [options] = dispatcher.dispatched
      assert.deepStrictEqual([options?.headersTimeout, options?.bodyTimeout, options?.reset], [2, 0, true])
    })
  )

  it.scoped("follows no redirect, even where it would", () =>
    Effect.gen(function* () {
      const elsewhere = yield* RawServer.make(() => http(204))
      const server = yield* RawServer.make(() => http(307, { location: `${elsewhere.baseUrl}/customer/cust_1` }))
      const dispatcher = (yield* scoped(() => new Agent())).compose(interceptors.redirect({ maxRedirections: 3 }))
      const outcome = yield* outcomeAt(server.baseUrl, { dispatcher })
      assert.deepStrictEqual([summary(outcome), yield* elsewhere.connections], ["UnexpectedResponse 307", 0])
    })
  )

  it.scoped("that resends stays ambiguous: a refused connection proves nothing of the request before", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => ({ bytes: "", close: true }))
      const dispatcher = (yield* scoped(() => new Agent())).compose((dispatch) => (options, handler) => {
        // As undici's own retry does: the same handler, once more, and now without a connection.
        const again = Object.assign(Object.create(handler) as Dispatcher.DispatchHandler, {
          onResponseError: () => void dispatch({ ...options, origin: "http://127.0.0.1:1" }, handler)
        })
        return dispatch(options, again)
      })
      const outcome = yield* outcomeAt(server.baseUrl, { dispatcher })
      assert.strictEqual(summary(outcome), "RequestFailed Transport unknown")
      assert.strictEqual((yield* server.heads).length, 1)
    })
  )

  it.scoped("sends what it adds to the headers once with each request, traced or not", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      const dispatcher = (yield* scoped(() => new Agent())).compose((dispatch) => (options, handler) => {
        ;(options.headers as Array<string>).push("x-tenant", "7")
        return dispatch(options, handler)
      })
      const client = yield* Layer.build(clientWith(server.baseUrl, { dispatcher }))
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

  const closed = (how: "close" | "destroy") => async () => {
    const agent = new Agent()
    await agent[how]()
    return agent
  }
  const unsent: Record<string, () => Promise<Dispatcher>> = {
    "is closed": closed("close"),
    "is destroyed": closed("destroy"),
    "is a mock that expects something else": async () => {
      const mock = new MockAgent()
      mock.disableNetConnect()
      return mock
    },
    throws: async () =>
      Object.assign(new Agent(), {
        dispatch: () => {
          throw new Error("not today")
        }
      })
  }
  it.scoped.each(Object.entries(unsent))("that %s sent nothing", ([, make]) =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      const dispatcher = yield* Effect.promise(make)
      const outcome = yield* outcomeAt(server.baseUrl, { dispatcher })
      assert.strictEqual(summary(outcome), "RequestFailed Connection no")
      assert.strictEqual(yield* server.connections, 0)
    })
  )

  it.effect("that fails makes a failure, whatever it fails with", () =>
    Effect.gen(function* () {
      const failing = (code: PropertyDescriptor) => {
        const dispatcher = new Agent()
        dispatcher.dispatch = (_options, handler) => {
          setImmediate(() => {
            handler.onRequestStart?.(controller, {})
            handler.onResponseError?.(controller, Object.defineProperty(new Error("odd"), "code", code))
          })
          return true
        }
        return outcomeAt("http://127.0.0.1", { dispatcher })
      }
      const unreadable = {
        get: () => {
          throw new Error("no code")
        }
      }
      for (const code of [{ value: Object.create(null) }, unreadable]) {
        assert.strictEqual(summary(yield* failing(code)), "RequestFailed Transport unknown")
      }
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
