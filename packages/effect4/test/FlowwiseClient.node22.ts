import { clientId, documented, http, json, listen, secret, transportNames } from "@effect-flowwise/core/cases"
import {
  Credentials,
  deleteCustomer,
  Environment,
  FlowwiseClient,
  RequestFailed,
  Retry,
  Transport
} from "@effect-flowwise/effect4"
import { NodeFlowwise } from "@effect-flowwise/effect4/node"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Agent as Undici6 } from "undici-6"
import { assert, describe, it } from "vitest"
import { clientAt, transports } from "./adapter.js"

/** A server for one test. */
const withServer = async (
  script: Parameters<typeof listen>[0],
  test: (server: Awaited<ReturnType<typeof listen>>) => Promise<void>
) => {
  const server = await listen(script)
  await test(server).finally(server.close)
}

const recorder = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

describe.each(transportNames)("what is seen of a call over %s", (transport) => {
  it("one client span for each attempt, with OpenTelemetry's attributes and no customer", () =>
    withServer(
      () => json(404, documented[404]),
      async ({ baseUrl, heads, port }) => {
        const { spans, tracer } = recorder()
        const call = deleteCustomer("cust_secret_name")
        await Effect.runPromise(
          call.pipe(
            Effect.exit,
            Effect.andThen(Effect.exit(call)),
            Effect.provide(clientAt(baseUrl, transports[transport])),
            Effect.withTracer(tracer)
          )
        )
        assert.deepStrictEqual(
          spans.map(({ kind, name }) => [name, kind]),
          [
            ["DELETE /customer/{customer_id}", "client"],
            ["DELETE /customer/{customer_id}", "client"]
          ]
        )
        const attributes = {
          "http.request.method": "DELETE",
          "url.template": "/customer/{customer_id}",
          "server.address": "127.0.0.1",
          "server.port": port,
          "http.response.status_code": 404,
          "error.type": "404"
        }
        assert.deepStrictEqual(
          spans.map((span) => Object.fromEntries(span.attributes)),
          [attributes, { ...attributes, "http.request.resend_count": 1 }]
        )
        assert.deepStrictEqual(
          heads().map((head) => /traceparent: (\S+)/.exec(head)?.[1]),
          spans.map(({ spanId, traceId }) => `00-${traceId}-${spanId}-01`)
        )
      }
    ))

  it("no traceparent where the tracer is off", () =>
    withServer(
      () => http(204),
      async ({ baseUrl, heads }) => {
        await Effect.runPromise(
          deleteCustomer("a").pipe(
            Effect.provide(clientAt(baseUrl, transports[transport])),
            Effect.withTracerEnabled(false)
          )
        )
        assert.notMatch(heads()[0] ?? "", /traceparent|b3/i)
      }
    ))

  it("no secret and no customer in any log line at the lowest level, in whatever runtime it is used", () =>
    withServer(
      (target) => (target.endsWith("cust_gone") ? { bytes: "", close: true } : http(503, {}, secret)),
      async ({ baseUrl }) => {
        const lines: Array<unknown> = []
        const { spans, tracer } = recorder()
        const scope = Scope.makeUnsafe()
        // Built in one runtime, and used in another, which knows nothing of what the layers would redact.
        const context = await Effect.runPromise(Layer.buildWithScope(clientAt(baseUrl, transports[transport]), scope))
        const { deleteCustomer } = Context.get(context, FlowwiseClient)
        await Effect.runPromise(
          Effect.forEach(["cust_gone", "cust_other"], (id) => Effect.exit(deleteCustomer(id))).pipe(
            Effect.withSpan("caller"),
            Effect.withTracer(tracer),
            Effect.provide(
              Logger.layer([Logger.tracerLogger, Logger.map(Logger.formatJson, (line) => lines.push(line))])
            ),
            Effect.provideService(References.MinimumLogLevel, "All")
          )
        )
        await Effect.runPromise(Scope.close(scope, Exit.void))
        lines.push(JSON.stringify(spans.map(({ attributes, events }) => [Array.from(attributes), events])))
        const printed = lines.join("\n")
        for (const leak of [secret.slice(0, 6), "cust_gone", "cust_other", clientId]) assert.notInclude(printed, leak)
      }
    ))
})

describe("the metrics of a call", () => {
  it("count how attempts end, and how long they take", () =>
    withServer(
      (target) => (target.endsWith("gone") ? http(204) : http(502)),
      async ({ baseUrl }) => {
        const snapshot = await Effect.runPromise(
          Effect.forEach(["gone", "a", "b"], (id) => Effect.exit(deleteCustomer(id))).pipe(
            Effect.andThen(Metric.snapshot),
            Effect.provide(clientAt(baseUrl, transports["NodeFlowwise.layerTransport"])),
            Effect.provideService(Metric.MetricRegistry, new Map())
          )
        )
        const counted = snapshot
          .filter(({ id }) => id === "flowwise.customer.deletions")
          .map(({ attributes, state }) => [attributes?.outcome, "count" in state && state.count])
        assert.sameDeepMembers(counted, [
          ["CustomerDeleted", 1],
          ["UnexpectedResponse", 2]
        ])
        const durations = snapshot.filter(({ id }) => id === "http.client.request.duration")
        assert.sameDeepMembers(
          durations.map(({ attributes }) => [attributes?.["http.response.status_code"], attributes?.["error.type"]]),
          [
            ["204", undefined],
            ["502", "502"]
          ]
        )
        assert.isFalse(JSON.stringify(snapshot.map(({ attributes }) => attributes)).includes("gone"))
      }
    ))
})

describe("Credentials", () => {
  it("are loaded again after a 401, and the request is sent once more", () =>
    withServer(
      (_, head) => (/x-client-secret: new-secret/.test(head) ? http(204) : json(401, documented[401])),
      async ({ baseUrl, heads }) => {
        let loads = 0
        const refreshing = Credentials.layerRefreshing({
          load: Effect.sync(() => ({
            clientId,
            clientSecret: Redacted.make(loads++ === 0 ? "old-secret" : "new-secret")
          })),
          timeToLive: "5 minutes"
        })
        const client = NodeFlowwise.layer.pipe(Layer.provide([refreshing, Environment.layer(baseUrl)]))
        const receipts = await Effect.runPromise(
          Effect.provide(
            Effect.forEach(["a", "b", "c", "d"], (id) => deleteCustomer(id), { concurrency: "unbounded" }),
            client
          )
        )
        assert.deepStrictEqual(
          receipts.map(({ _tag }) => _tag),
          Array(4).fill("CustomerDeleted")
        )
        assert.strictEqual(loads, 2)
        assert.strictEqual(heads().length, 8)
      }
    ))
})

describe("layers", () => {
  const settings = (baseUrl: string, clientId: string) =>
    ConfigProvider.layer(
      ConfigProvider.fromEnvRecord({
        FLOWWISE_BASE_URL: baseUrl,
        FLOWWISE_CLIENT_ID: clientId,
        FLOWWISE_CLIENT_SECRET: "secret"
      })
    )
  const given = (baseUrl: string, clientId: string) =>
    Layer.mergeAll(
      Environment.layer(baseUrl),
      Credentials.layer({ clientId, clientSecret: Redacted.make("secret") }),
      FetchHttpClient.layer
    )
  const ways = {
    "NodeFlowwise.layer": (baseUrl: string, id: string) => NodeFlowwise.layer.pipe(Layer.provide(given(baseUrl, id))),
    "FlowwiseClient.layer": (baseUrl: string, id: string) =>
      FlowwiseClient.layer.pipe(Layer.provide(given(baseUrl, id))),
    "NodeFlowwise.layerConfig": (baseUrl: string, id: string) =>
      NodeFlowwise.layerConfig.pipe(Layer.provide(settings(baseUrl, id))),
    "FlowwiseClient.layerConfig": (baseUrl: string, id: string) =>
      FlowwiseClient.layerConfig.pipe(Layer.provide([settings(baseUrl, id), FetchHttpClient.layer])),
    "layers of the parts": (baseUrl: string, id: string) =>
      FlowwiseClient.layer.pipe(
        Layer.provide([Credentials.layerConfig, Environment.layerConfig, FetchHttpClient.layer]),
        Layer.provide(settings(baseUrl, id)),
        Layer.fresh
      )
  }

  // Effect 4 builds a layer once for all of a program, whatever is provided to it.
  it.each(Object.keys(ways) as ReadonlyArray<keyof typeof ways>)("never mix two accounts up: %s", (way) =>
    withServer(
      () => http(204),
      async ({ baseUrl, heads }) => {
        const [one, two] = [ways[way](baseUrl, "one"), ways[way](baseUrl, "two")]
        const runtime = ManagedRuntime.make(one)
        await runtime.runPromise(
          Effect.all([
            deleteCustomer("a"),
            Effect.provide(deleteCustomer("b"), two),
            Effect.provide(deleteCustomer("c"), one)
          ])
        )
        await runtime.dispose()
        assert.deepStrictEqual(
          heads().map((head) => /x-client-id: (\w+)/.exec(head)?.[1]),
          ["one", "two", "one"]
        )
      }
    )
  )
})

describe("settings", () => {
  const build = (env: Record<string, string>) =>
    Effect.runPromise(
      Effect.scoped(Layer.build(NodeFlowwise.layerConfig)).pipe(
        Effect.flip,
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))
      )
    )
  const valid = { FLOWWISE_CLIENT_ID: "app_1", FLOWWISE_CLIENT_SECRET: "s" }

  it.each([
    ["FLOWWISE_CLIENT_ID", {}],
    ["FLOWWISE_CLIENT_SECRET", { ...valid, FLOWWISE_CLIENT_SECRET: "hunter2\nhunter2" }],
    ["FLOWWISE_BASE_URL", { ...valid, FLOWWISE_BASE_URL: "https://user:hunter2@host" }],
    ["FLOWWISE_BASE_URL", { ...valid, FLOWWISE_BASE_URL: "http://hunter2.example.com" }],
    ["FLOWWISE_ENVIRONMENT", { ...valid, FLOWWISE_ENVIRONMENT: "hunter2" }],
    ["FLOWWISE_ALLOW_HTTP", { ...valid, FLOWWISE_ALLOW_HTTP: "hunter2" }]
  ])("an invalid %s is a ConfigError that names it and doesn't show it", async (name, env) => {
    const error = await build(env)
    assert.strictEqual(error._tag, "ConfigError")
    assert.include(error.message, name)
    assert.notMatch(`${error} ${JSON.stringify(error)}`, /hunter2/)
  })

  it("an empty base URL is none, since Effect 4 reads an empty setting so", async () => {
    const environment = await Effect.runPromise(
      Effect.provide(
        Environment,
        Environment.layerConfig.pipe(
          Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ FLOWWISE_BASE_URL: "" })))
        )
      )
    )
    assert.strictEqual(environment.name, "sandbox")
  })

  it.each([
    ["timeout", { timeout: 0 }],
    ["connections", { connections: 0 }],
    ["proxy", { proxy: "socks://hunter2" }],
    ["dispatcher", { dispatcher: {} as never }],
    ["dispatcher", { dispatcher: new Undici6() }],
    ["dispatcher", { dispatcher: new Undici6().compose((dispatch) => dispatch) }],
    ["proxy", { proxy: "environment", dispatcher: { dispatch: () => true } }]
  ])("so is an invalid option %s", async (name, options) => {
    const error = await Effect.runPromise(
      Effect.scoped(Layer.build(NodeFlowwise.layerWith(options))).pipe(
        Effect.flip,
        Effect.provide([Environment.layerSandbox, Credentials.layer({ clientId, clientSecret: Redacted.make("s") })])
      )
    )
    assert.strictEqual(error._tag, "ConfigError")
    assert.include(error.message, name)
    assert.notMatch(String(error), /hunter2/)
  })

  it.each([[null], [undefined]])("but %s is no options, and as an entry it changes nothing", (none) =>
    withServer(
      () => http(204),
      async ({ baseUrl }) => {
        const layers = [
          NodeFlowwise.layerWith(none as never),
          FlowwiseClient.layerWith(none as never).pipe(Layer.provide(FetchHttpClient.layer)),
          Layer.effect(FlowwiseClient, FlowwiseClient.make(none as never)).pipe(
            Layer.provide(NodeFlowwise.layerTransportWith(none as never))
          )
        ]
        for (const layer of layers) {
          const call = FlowwiseClient.use((client) => {
            const make = client.deleteCustomer as (id: string, more: unknown) => ReturnType<typeof deleteCustomer>
            return make("cust_1", none)
          })
          const account = Credentials.layer({ clientId, clientSecret: Redacted.make(secret) })
          const given = layer.pipe(Layer.provide([account, Environment.layer(baseUrl)]))
          assert.strictEqual((await Effect.runPromise(Effect.provide(call, given)))._tag, "CustomerDeleted")
        }
      }
    )
  )

  it.each<[unknown]>([[{ maxDelay: "30 secs" }], [{ times: Number.NaN }], [null]])(
    "a schedule with the options %o sends nothing again",
    async (options) => {
      let runs = 0
      const lost = new RequestFailed({ reason: "Transport", delivered: "unknown" })
      const call = Effect.suspend(() => {
        runs++
        return Effect.fail(lost)
      })
      const schedule = Retry.schedule(options as Retry.ScheduleOptions)
      assert.strictEqual(await Effect.runPromise(call.pipe(Effect.retry(schedule), Effect.flip)), lost)
      assert.strictEqual(runs, 1)
    }
  )

  it("a transport that throws is a RequestFailed, and nothing left", async () => {
    const broken = Layer.succeed(Transport, {
      send: () => {
        throw new Error("broken")
      }
    })
    const error = await Effect.runPromise(
      deleteCustomer("a").pipe(Effect.flip, Effect.provide(clientAt("https://h.example.com", broken)))
    )
    assert.include(error, { _tag: "RequestFailed", delivered: "no" })
  })
})

it("a client that is built anew for each run of a call knows of the runs before", () =>
  withServer(
    () => (answers++ === 0 ? { bytes: "", close: true } : json(404, documented[404])),
    async ({ baseUrl }) => {
      const call = deleteCustomer("cust_1")
      const again = Effect.suspend(() => Effect.provide(call, clientAt(baseUrl, transports["FetchHttpClient.layer"])))
      const error = await Effect.runPromise(again.pipe(Effect.retry({ times: 1 }), Effect.flip))
      assert.include(error, { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
    }
  ))

let answers = 0

it("a wrapper whose own request fails behind a 204 never has it said that nothing was sent", () =>
  withServer(
    () => http(204),
    async ({ baseUrl }) => {
      const closed = await listen(() => undefined)
      await closed.close()
      const wrapped = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, (client) =>
          HttpClient.tap(client, () => client.post(`${closed.baseUrl}/audit`))
        )
      )
      const transport = Transport.layerHttpClient.pipe(Layer.provide(wrapped), Layer.provide(FetchHttpClient.layer))
      const error = await Effect.runPromise(
        deleteCustomer("cust_1").pipe(Effect.flip, Effect.provide(clientAt(baseUrl, transport)))
      )
      assert.deepInclude(error, { _tag: "RequestFailed", reason: "Transport", delivered: "unknown" })
    }
  ))
