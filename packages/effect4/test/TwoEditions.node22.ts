/** Both editions in one process. The Effect 3 packages are loaded from their sources, and resolve their own Effect. */
import { json, listen } from "@effect-flowwise/core/cases"
import * as Four from "@effect-flowwise/effect4"
import { NodeFlowwise } from "@effect-flowwise/effect4/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Effect3 from "effect-3/Effect"
import * as Layer3 from "effect-3/Layer"
import * as Redacted3 from "effect-3/Redacted"
import * as Schema3 from "effect-3/Schema"
import { afterAll, assert, describe, it } from "vitest"
import * as Three from "../../client/src/index.js"
import { NodeFlowwise as NodeFlowwise3 } from "../../node/src/index.js"

const notFound = json(404, { message: "no", code: "customer_not_found", type: "t" })

// The first request of each edition gets no answer, and each later one a 404.
const seen = new Set<string>()
const server = await listen((_, head) => {
  const edition = /x-client-id: (\w+)/.exec(head)?.[1] ?? ""
  if (seen.has(edition)) return notFound
  seen.add(edition)
  return { bytes: "", close: true }
})
afterAll(server.close)

const four = NodeFlowwise.layer.pipe(
  Layer.provide([
    Four.Environment.layer(server.baseUrl),
    Four.Credentials.layer({ clientId: "four", clientSecret: Redacted.make("secret-of-four") })
  ])
)
const three = NodeFlowwise3.layer.pipe(
  Layer3.provide([
    Three.Environment.layer(server.baseUrl),
    Three.Credentials.layer({ clientId: "three", clientSecret: Redacted3.make("secret-of-three") })
  ])
)

const ask4 = () => Effect.runPromise(Four.deleteCustomer("cust_1").pipe(Effect.flip, Effect.provide(four)))
const ask3 = () => Effect3.runPromise(Three.deleteCustomer("cust_1").pipe(Effect3.flip, Effect3.provide(three)))

const services = [
  ["Credentials", Four.Credentials, Three.Credentials],
  ["Environment", Four.Environment, Three.Environment],
  ["FlowwiseClient", Four.FlowwiseClient, Three.FlowwiseClient],
  ["Transport", Four.Transport, Three.Transport]
] as const

describe("two editions in one process", () => {
  it("don't know of each other's attempts, even within each other's retries", async () => {
    assert.include(await ask4(), { _tag: "RequestFailed", delivered: "unknown" })
    // Within a retry of edition 4, the call of edition 3 loses its answer and then gets a 404.
    const lost = await Effect.runPromise(Effect.promise(ask3).pipe(Four.Retry.transient()))
    assert.include(lost, { _tag: "RequestFailed", delivered: "unknown" })
    const after = await Effect.runPromise(
      Effect.tryPromise({ try: ask3, catch: String }).pipe(
        Effect.andThen(Four.deleteCustomer("cust_1")),
        Four.Retry.transient(),
        Effect.flip,
        Effect.provide(four)
      )
    )
    assert.include(after, { _tag: "CustomerNotFound", afterAmbiguousAttempt: false })
    const reverse = await Effect3.runPromise(
      Effect3.promise(ask4).pipe(
        Effect3.andThen(Three.deleteCustomer("cust_1")),
        Three.Retry.transient(),
        Effect3.flip,
        Effect3.provide(three)
      )
    )
    assert.include(reverse, { _tag: "CustomerNotFound", afterAmbiguousAttempt: false })
  })

  it("take no value of the other for one of their own, but read its JSON", () => {
    const error3 = new Three.DeletionFailed({ customerId: "cust_1" })
    const error4 = new Four.DeletionFailed({ customerId: "cust_1" })
    assert.isTrue(Schema3.is(Three.DeleteCustomerError)(error3) && Schema.is(Four.DeleteCustomerError)(error4))
    assert.isFalse(Schema3.is(Three.DeleteCustomerError)(error4))
    assert.isFalse(Schema.is(Four.DeleteCustomerError)(error3))
    assert.isFalse(Three.Retry.isTransient(error4) || Four.Retry.isTransient(error3))
    const json3 = Schema3.encodeSync(Three.DeleteCustomerError)(error3)
    const json4 = Schema.encodeSync(Four.DeleteCustomerError)(error4)
    assert.deepStrictEqual<unknown>(json3, json4)
    assert.instanceOf(Schema.decodeUnknownSync(Four.DeleteCustomerError)(json3), Four.DeletionFailed)
    assert.instanceOf(Schema3.decodeUnknownSync(Three.DeleteCustomerError)(json4), Three.DeletionFailed)
  })

  it("share no key of a service, and leave nothing on the global object", () => {
    for (const [name, of4, of3] of services) {
      assert.strictEqual(of4.key, `@effect-flowwise/effect4/${name}`)
      assert.strictEqual(of3.key, `@effect-flowwise/client/${name}`)
    }
    const globals = Reflect.ownKeys(globalThis).map(String)
    assert.deepStrictEqual(
      globals.filter((name) => /flowwise/i.test(name)),
      []
    )
  })

  it("have the same names", () => {
    assert.deepStrictEqual(Object.keys(Four).sort(), Object.keys(Three).sort())
    assert.deepStrictEqual(Object.keys(Four.Retry).sort(), Object.keys(Three.Retry).sort())
    assert.deepStrictEqual(Object.keys(NodeFlowwise).sort(), Object.keys(NodeFlowwise3).sort())
    const layers = (service: object) =>
      Object.getOwnPropertyNames(service)
        .filter((key) => /^(layer|make$)/.test(key))
        .sort()
    for (const [name, of4, of3] of services) assert.deepStrictEqual(layers(of4), layers(of3), name)
  })
})
