import { networkInterfaces } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

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
          status,
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
})
