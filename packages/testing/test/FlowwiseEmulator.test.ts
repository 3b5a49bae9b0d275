import { request } from "node:http"
import { networkInterfaces } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { type EmulatorOptions, FlowwiseEmulator, type ScriptedResponse } from "@effect-flowwise/testing"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"

const send = (url: string, init: RequestInit = {}) => Effect.promise(() => fetch(url, { method: "DELETE", ...init }))

describe("FlowwiseEmulator", () => {
  it.effect("refuses other credentials than its own, in either header", () =>
    Effect.gen(function* () {
      const { customers } = yield* FlowwiseEmulator
      const pairs = [
        ["someone-else", "the secret"],
        ["the id", "another secret"],
        ["someone-else", "another secret"]
      ] as const
      for (const [clientId, clientSecret] of pairs) {
        const error = yield* deleteCustomer("cust_1").pipe(
          Effect.flip,
          Effect.provide(NodeFlowwise.layer),
          Effect.provide([
            FlowwiseEmulator.layerEnvironment,
            Credentials.layer({ clientId, clientSecret: Redacted.make(clientSecret) })
          ])
        )
        assert.strictEqual(error._tag, "Unauthorized")
      }
      assert.deepStrictEqual(yield* customers, ["cust_1"])
    }).pipe(
      Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"], clientId: "the id", clientSecret: "the secret" }))
    )
  )

  it.effect("takes an option that is undefined for one that is not given", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      yield* emulator.respondWith(
        { status: 503, headers: undefined, body: undefined, delay: undefined },
        { customerId: undefined, times: undefined }
      )
      const error = yield* deleteCustomer("cust_1").pipe(
        Effect.flip,
        Effect.provide(NodeFlowwise.layer),
        Effect.provide([FlowwiseEmulator.layerEnvironment, FlowwiseEmulator.layerCredentials])
      )
      assert.deepInclude(error, { _tag: "UnexpectedResponse", status: 503 })
    }).pipe(
      Effect.provide(
        FlowwiseEmulator.layer({
          customers: undefined,
          clientId: undefined,
          clientSecret: undefined,
          port: undefined,
          rateLimit: undefined
        })
      )
    )
  )

  it.effect("refuses a request without credentials, and with one header only", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* FlowwiseEmulator
      const incomplete: ReadonlyArray<Record<string, string>> = [
        {},
        { "x-client-id": "emulator-client-id" },
        { "x-client-secret": "emulator-client-secret" }
      ]
      for (const headers of incomplete) {
        const response = yield* send(`${baseUrl}/customer/cust_1`, { headers })
        assert.strictEqual(response.status, 401)
        assert.deepStrictEqual(yield* Effect.promise(() => response.json()), {
          message: "Invalid API credentials provided",
          code: "unauthorized",
          type: "authentication_error"
        })
      }
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("gives every answer a request id of its own, and logs no header", () =>
    Effect.gen(function* () {
      const { baseUrl, requests } = yield* FlowwiseEmulator
      const headers = { "x-client-id": "emulator-client-id", "x-client-secret": "emulator-client-secret" }
      const answers = [
        yield* send(`${baseUrl}/customer/cust_1`, { headers }),
        yield* send(`${baseUrl}/customer/cust_1`, { headers }),
        yield* send(`${baseUrl}/customer/cust_1`),
        yield* send(`${baseUrl}/elsewhere`, { headers })
      ]
      assert.deepStrictEqual(
        yield* requests,
        answers.map(({ headers, status, url }) => ({
          method: "DELETE",
          target: new URL(url).pathname,
          status: Option.some(status),
          requestId: headers.get("x-request-id")!
        }))
      )
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [204, 404, 401, 404]
      )
      assert.strictEqual(new Set((yield* requests).map(({ requestId }) => requestId)).size, 4)
      assert.notInclude(JSON.stringify(yield* requests), "secret")
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("a wrong path is no unknown customer", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* FlowwiseEmulator
      const error = yield* deleteCustomer("cust_1").pipe(
        Effect.flip,
        Effect.provide(NodeFlowwise.layer),
        Effect.provide([FlowwiseEmulator.layerCredentials, Environment.layer(`${baseUrl}/wrong/path`)])
      )
      assert(error._tag === "UnexpectedResponse", error._tag)
      assert.strictEqual(error.status, 404)
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("listens on loopback, and on no other address of the machine", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* FlowwiseEmulator
      const { hostname, port } = new URL(baseUrl)
      assert.strictEqual(hostname, "127.0.0.1")
      const others = Object.values(networkInterfaces()).flatMap((addresses) =>
        (addresses ?? []).filter(({ family, internal }) => family === "IPv4" && !internal)
      )
      for (const { address } of others) {
        const refused = yield* Effect.tryPromise(() => fetch(`http://${address}:${port}/`)).pipe(Effect.flip)
        assert.strictEqual(refused._tag, "UnknownException")
      }
    }).pipe(Effect.provide(FlowwiseEmulator.layer()))
  )

  it.effect("fails where the port that was asked for is taken", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* FlowwiseEmulator
      const port = Number(new URL(baseUrl).port)
      const error = yield* Effect.flip(Effect.scoped(Layer.build(FlowwiseEmulator.layer({ port }))))
      assert.strictEqual(error._tag, "ServeError")
    }).pipe(Effect.provide(FlowwiseEmulator.layer()))
  )

  it.effect("stops with its layer, even while a client holds a connection open", () =>
    Effect.gen(function* () {
      const baseUrl = yield* Effect.flatMap(FlowwiseEmulator, ({ baseUrl }) =>
        Effect.as(send(`${baseUrl}/customer/cust_1`), baseUrl)
      ).pipe(Effect.provide(FlowwiseEmulator.layer()))
      yield* Effect.flip(Effect.tryPromise(() => fetch(baseUrl)))
    })
  )

  const overHttp = NodeFlowwise.layer.pipe(
    Layer.provide([FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment])
  )

  /** Lets the sockets have their turn until the first request is in. */
  const firstArrives = Effect.flatMap(FlowwiseEmulator, ({ requests }) =>
    Effect.repeat(
      Effect.zipRight(
        Effect.promise(() => new Promise((resolve) => setImmediate(resolve))),
        requests
      ),
      { until: (all) => all.length === 1 }
    )
  )

  it.effect("stays silent, and sees the client go", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      yield* emulator.respondWith({ never: true }, { times: 1 })
      const fiber = yield* Effect.fork(Effect.provide(deleteCustomer("cust_1"), overHttp))
      yield* firstArrives
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* emulator.requests, [
        { method: "DELETE", target: "/customer/cust_1", status: Option.none(), requestId: "req_1" }
      ])
      assert.deepStrictEqual(yield* emulator.customers, ["cust_1"])
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("answers late by the clock of who built it", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      yield* emulator.delay("10 seconds")
      yield* emulator.respondWith({ status: 503, delay: "10 seconds" }, { times: 1 })
      const fiber = yield* Effect.fork(Effect.provide(Effect.flip(deleteCustomer("cust_1")), overHttp))
      yield* firstArrives
      yield* TestClock.adjust("19 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "UnexpectedResponse")
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("limits the rate, and says how long to wait", () =>
    Effect.gen(function* () {
      const ask = Effect.map(Effect.either(deleteCustomer("nobody")), (result) => Either.merge(result))
      const tags = yield* Effect.all([ask, ask, ask]).pipe(Effect.map((all) => all.map(({ _tag }) => _tag)))
      assert.deepStrictEqual(tags, ["CustomerNotFound", "CustomerNotFound", "RateLimited"])
      yield* TestClock.adjust("15 seconds")
      const limited = yield* ask
      assert(limited._tag === "RateLimited")
      assert.deepStrictEqual(limited.retryAfter, Option.some(Duration.seconds(45)))
      yield* TestClock.adjust("45 seconds")
      assert.strictEqual((yield* ask)._tag, "CustomerNotFound")
    }).pipe(
      Effect.provide(overHttp),
      Effect.provide(FlowwiseEmulator.layer({ rateLimit: { limit: 2, interval: "1 minute" } }))
    )
  )

  it.effect("makes customers over the wire, and refuses what the vendor's page doesn't allow", () =>
    Effect.gen(function* () {
      const { baseUrl, customers } = yield* FlowwiseEmulator
      const create = (body: string, headers: Record<string, string> = {}) =>
        send(`${baseUrl}/customer`, {
          method: "POST",
          body,
          headers: {
            "content-type": "application/json",
            "x-client-id": "emulator-client-id",
            "x-client-secret": "emulator-client-secret",
            ...headers
          }
        })
      const made = yield* create(JSON.stringify({ customer_id: "cust/1", scope: "PROJECT", name: "Priya" }))
      assert.strictEqual(made.status, 200)
      const { added_on, updated_on, ...rest } = (yield* Effect.promise(() => made.json())) as Record<string, string>
      assert.deepStrictEqual(rest, {
        id: "emulated_1",
        customer_id: "cust/1",
        project_id: "emulator",
        scope: "PROJECT",
        status: "ACTIVE",
        name: "Priya"
      })
      assert.deepStrictEqual([added_on, updated_on], ["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"])
      assert.deepStrictEqual(yield* customers, ["cust/1"])

      const refused = yield* Effect.all([
        create("{"),
        create(JSON.stringify({ customer_id: "cust_2" })),
        create(JSON.stringify({ customer_id: "cust_2", scope: "PLANET" })),
        create(JSON.stringify({ customer_id: "", scope: "GLOBAL" })),
        create(JSON.stringify({ customer_id: "cust_2", scope: "GLOBAL" }), { "x-client-secret": "another" })
      ])
      assert.deepStrictEqual(
        refused.map(({ status }) => status),
        [400, 400, 400, 400, 401]
      )
      // What is too long is not read to its end: whether the refusal arrives before the connection goes is chance.
      const long = JSON.stringify({ customer_id: "cust_2", scope: "GLOBAL", name: "x".repeat(65_536) })
      yield* Effect.exit(create(long))
      assert.deepStrictEqual(yield* customers, ["cust/1"])
    }).pipe(Effect.provide(FlowwiseEmulator.layer()))
  )

  it.effect("answers only to loopback names, since a page can point its own name here", () =>
    Effect.gen(function* () {
      const { baseUrl, customers } = yield* FlowwiseEmulator
      const { port } = new URL(baseUrl)
      const ask = (host: string, path = "/customer/cust_1") =>
        Effect.async<number | undefined>((resume) => {
          const headers = { host, "x-client-id": "emulator-client-id", "x-client-secret": "emulator-client-secret" }
          request(`${baseUrl}${path}`, { method: "DELETE", headers }, (response) => {
            response.resume()
            resume(Effect.succeed(response.statusCode))
          }).end()
        })
      assert.strictEqual(yield* ask("evil.example", "/_emulator/script"), 421)
      for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "192.168.0.1"]) {
        assert.strictEqual(yield* ask(host), 421)
      }
      assert.deepStrictEqual(yield* customers, ["cust_1"])
      assert.strictEqual(yield* ask(`localhost:${port}`), 204)
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("refuses scripts and options that make no sense, in words", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const cycle: Record<string, unknown> = {}
      Object.assign(cycle, { cycle })
      const steps: ReadonlyArray<unknown> = [
        { status: 42 },
        { status: 101 },
        { status: 600 },
        { status: 200.5 },
        { status: "200" },
        { status: 200, headers: { "x y": "z" } },
        { status: 200, headers: { x: "a\r\nb" } },
        { status: 200, body: cycle },
        { status: 200, delay: -1 },
        { drop: "later" },
        { never: false },
        {}
      ]
      for (const step of steps) {
        const error = yield* Effect.flip(emulator.respondWith(step as ScriptedResponse))
        assert.strictEqual(error._tag, "InvalidScript")
        assert.match(error.message, /must be|can't be sent|has a status/)
      }
      yield* Effect.flip(emulator.delay(-1))
      yield* Effect.provide(deleteCustomer("cust_1"), overHttp)

      const options: ReadonlyArray<EmulatorOptions> = [
        { port: -1 },
        { port: 65_536 },
        { port: 1.5 },
        { rateLimit: { limit: 0, interval: "1 second" } },
        { rateLimit: { limit: 1, interval: -1 } }
      ]
      for (const option of options) {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(FlowwiseEmulator.layer(option))))
        assert.strictEqual(error._tag, "InvalidScript")
      }
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("refuses a line of a script that can't be used, in one line that shows no secret", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const lines: ReadonlyArray<readonly [string, RegExp]> = [
        ["nonsense", /^this is not JSON$/],
        ["[]", /^this is not a JSON object with one of status, drop, never, clientSecrets, delay$/],
        ['{"customerId":"cust_1","times":1}', /^this is not a JSON object with one of /],
        ['{"drop":"later"}', /^drop: give "beforeDeletion" or "afterDeletion"$/],
        ['{"drop":"afterDeletion","time":1}', /^time: is unexpected/],
        ['{"drop":"afterDeletion","status":503}', /^drop: is unexpected/],
        ['{"status":"503"}', /^status: Expected number, actual "503"$/],
        ['{"status":503,"headers":{"a b":"c"}}', /^the headers or the body can't be sent/],
        ['{"status":503,"headers":{"a":1}}', /^headers.a: Expected string, actual 1$/],
        ['{"never":false}', /^never: Expected true, actual false$/],
        ['{"never":true,"times":0}', /^times must be a whole number above 0, and is 0$/],
        ['{"never":true,"customerId":".."}', /^customerId is one that the client refuses/],
        ['{"delay":"soon"}', /^delay: give milliseconds, or a text such as "2 seconds"$/],
        ['{"delay":null}', /^delay: give milliseconds, or a text such as "2 seconds"$/],
        ['{"delay":-1}', /^a delay must be a duration such as "2 seconds", and is -1$/],
        ['{"clientSecrets":["hunter2",""]}', /^clientSecrets: give a list of secrets, none of them empty$/],
        ['{"clientSecrets":[]}', /^clientSecrets: give a list of secrets, none of them empty$/],
        [JSON.stringify({ never: "x".repeat(1000) }), /^never: Expected true, actual "x{200}/]
      ]
      for (const [line, said] of lines) {
        const error = yield* Effect.flip(emulator.script(line))
        assert.match(error.message, said)
        assert.isAtMost(error.message.length, 300)
      }
      // None of them did anything.
      yield* Effect.provide(deleteCustomer("cust_1"), overHttp)
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("delays its own answer to one customer, and all answers on top of that", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      yield* emulator.script('{"customerId":"cust_1","delay":"10 seconds"}')
      yield* emulator.script('{"delay":5000}')
      const fiber = yield* Effect.fork(Effect.provide(deleteCustomer("cust_1"), overHttp))
      yield* firstArrives
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(yield* emulator.customers, ["cust_1"])
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "CustomerDeleted")
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("takes a line over HTTP at a path of its own, which is never taken for the vendor's", () =>
    Effect.gen(function* () {
      const { baseUrl, customers, requests } = yield* FlowwiseEmulator
      const path = `${baseUrl}/_emulator/script`
      const post = (body: string, headers: Record<string, string> = {}) => send(path, { method: "POST", body, headers })
      assert.strictEqual((yield* post('{"status":503}')).status, 204)
      assert.strictEqual(
        (yield* Effect.flip(Effect.provide(deleteCustomer("cust_1"), overHttp)))._tag,
        "UnexpectedResponse"
      )

      const refused = [
        [yield* post("nonsense"), 400, "this is not JSON\n"],
        [yield* post('{"never":true}', { origin: "https://evil.example" }), 403, /browser/],
        [yield* send(path, { method: "GET" }), 405, /POST/],
        [yield* send(`${baseUrl}/_emulator/customer/cust_1`), 404, /only/]
      ] as const
      for (const [response, status, said] of refused) {
        assert.strictEqual(response.status, status)
        assert.match(yield* Effect.promise(() => response.text()), new RegExp(said))
        assert.match(response.headers.get("content-type")!, /^text\/plain/)
      }
      // What is too long is not read to its end: whether the refusal arrives before the connection goes is chance.
      yield* Effect.exit(post(JSON.stringify({ never: true, customerId: "x".repeat(65_536) })))

      assert.strictEqual((yield* send(path)).status, 204)
      yield* Effect.provide(deleteCustomer("cust_1"), overHttp)
      assert.deepStrictEqual(yield* customers, [])
      // A base URL that leads there is no unknown customer.
      const error = yield* deleteCustomer("cust_1").pipe(
        Effect.flip,
        Effect.provide(NodeFlowwise.layer),
        Effect.provide([FlowwiseEmulator.layerCredentials, Environment.layer(`${baseUrl}/_emulator`)])
      )
      assert.strictEqual(error._tag, "UnexpectedResponse")
      assert.deepStrictEqual(
        (yield* requests).map(({ status }) => Option.getOrThrow(status)),
        [503, 204]
      )
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })))
  )

  it.effect("accepts the secrets of a rotation, and only those", () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const status = (secret: string) =>
        send(`${emulator.baseUrl}/customer/nobody`, {
          headers: { "x-client-id": emulator.clientId, "x-client-secret": secret }
        }).pipe(Effect.map((response) => response.status))
      const both = Effect.all([status("emulator-client-secret"), status("next")])
      assert.deepStrictEqual(yield* both, [404, 401])
      yield* emulator.acceptSecrets(["emulator-client-secret", "next"])
      assert.deepStrictEqual(yield* both, [404, 404])
      yield* emulator.acceptSecrets(["next"])
      assert.deepStrictEqual(yield* both, [401, 404])
    }).pipe(Effect.provide(FlowwiseEmulator.layer()))
  )

  it.effect("logs each request once, when it is over", () => {
    const logged: Array<readonly [string, Option.Option<number>]> = []
    return Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      yield* emulator.respondWith({ drop: "afterDeletion" }, { times: 1 })
      yield* Effect.exit(Effect.provide(deleteCustomer("cust_1"), overHttp))
      yield* Effect.exit(Effect.provide(deleteCustomer("cust_1"), overHttp))
    }).pipe(
      Effect.provide(
        FlowwiseEmulator.layer({
          customers: ["cust_1"],
          log: ({ requestId, status }) => logged.push([requestId, status])
        })
      ),
      Effect.tap(() =>
        assert.deepStrictEqual(logged.sort(), [
          ["req_1", Option.none()],
          ["req_2", Option.some(404)]
        ])
      )
    )
  })

  it.effect("opens no span of its own, which would show the secret", () =>
    Effect.gen(function* () {
      const names: Array<string> = []
      const tracer = Effect.map(Effect.tracer, (native) =>
        Tracer.make({
          span: (name, ...rest) => {
            names.push(name)
            return native.span(name, ...rest)
          },
          context: (f, fiber) => native.context(f, fiber)
        })
      )
      yield* deleteCustomer("cust_1").pipe(
        Effect.provide(overHttp),
        Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] })),
        Effect.withTracer(yield* tracer)
      )
      assert.deepStrictEqual(names, ["DELETE /customer/{customer_id}"])
    })
  )
})
