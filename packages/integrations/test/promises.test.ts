/** What goes wrong where an Effect is taken for a promise, and what `docs/frameworks.md` does instead. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { deleteCustomer, type FlowwiseClient } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import { afterEach, assert, beforeEach, describe, it, vi } from "vitest"
import { connect } from "../src/promises.js"

const layer = NodeFlowwise.layer.pipe(
  Layer.provide([FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment]),
  Layer.provideMerge(FlowwiseEmulator.layer({ customers: ["cust_1"] }))
)
let runtime: ManagedRuntime.ManagedRuntime<FlowwiseClient | FlowwiseEmulator, never>
let emulator: FlowwiseEmulator["Type"]

beforeEach(async () => {
  runtime = ManagedRuntime.make(layer)
  emulator = await runtime.runPromise(FlowwiseEmulator)
  vi.stubEnv("FLOWWISE_BASE_URL", emulator.baseUrl)
  vi.stubEnv("FLOWWISE_CLIENT_ID", emulator.clientId)
  vi.stubEnv("FLOWWISE_CLIENT_SECRET", Redacted.value(emulator.clientSecret))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await runtime.dispose()
})

const requests = () => Effect.runPromise(emulator.requests)
const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("nothing was thrown"),
    (error) => error
  )

describe("what goes wrong", () => {
  it("await deleteCustomer(…) compiles, and sends nothing", async () => {
    const notAReceipt = await deleteCustomer("cust_1")
    assert.isTrue(Effect.isEffect(notAReceipt))
    assert.isEmpty(await requests())
  })

  it("what runPromise rejects with has no _tag", async () => {
    const error = await thrownBy(runtime.runPromise(deleteCustomer("cust_2")))
    assert.isTrue(Runtime.isFiberFailure(error))
    assert.notProperty(error, "_tag")
    assert.strictEqual(
      String(error),
      "(FiberFailure) CustomerNotFound: Customer not found with the provided customer ID"
    )
  })

  it("a runtime that is disposed of under a request leaves it in doubt", async () => {
    const app = connect()
    await Effect.runPromise(emulator.delay("1 minute"))
    const outcome = app.erase("cust_1")
    await vi.waitFor(async () => assert.lengthOf(await requests(), 1))
    await app.close()
    assert.deepInclude(await outcome, { _tag: "RequestFailed", delivered: "unknown" })
  })
})

describe("instead", () => {
  it("Effect.merge resolves to the receipt or to an error with a _tag", async () => {
    const app = connect()
    assert.strictEqual((await app.erase("cust_1"))._tag, "CustomerDeleted")
    assert.strictEqual((await app.erase("cust_1"))._tag, "CustomerNotFound")
    await app.close()
  })

  it("Either.getOrThrowWith throws an error with a _tag", async () => {
    const app = connect()
    assert.strictEqual((await app.eraseOrThrow("cust_1"))._tag, "CustomerDeleted")
    assert.propertyVal(await thrownBy(app.eraseOrThrow("cust_1")), "_tag", "CustomerNotFound")
    await app.close()
  })

  it("runPromiseExit resolves to an Exit", async () => {
    const exit = await runtime.runPromiseExit(deleteCustomer("cust_2"))
    assert.isTrue(Exit.isFailure(exit) && Cause.isFailType(exit.cause) && exit.cause.error._tag === "CustomerNotFound")
  })
})

describe("an AbortSignal", () => {
  /** Deletes as soon as it is asked, and never answers. */
  const silentVendor = async () => {
    let deleted = 0
    const server = createServer(() => deleted++).listen(0, "127.0.0.1")
    await vi.waitFor(() => assert.isTrue(server.listening))
    vi.stubEnv("FLOWWISE_BASE_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return {
      deleted: () => deleted,
      close: () => {
        server.close()
        server.closeAllConnections()
      }
    }
  }

  it("aborts the request, and leaves in doubt whether the customer is deleted", async () => {
    const vendor = await silentVendor()
    const app = ManagedRuntime.make(NodeFlowwise.layerConfig)
    const caller = new AbortController()
    const exit = app.runPromiseExit(deleteCustomer("cust_1"), { signal: caller.signal })
    await vi.waitFor(() => assert.strictEqual(vendor.deleted(), 1))
    caller.abort()
    assert.isTrue(Exit.isInterrupted(await exit))
    assert.strictEqual(vendor.deleted(), 1)
    await app.dispose()
    vendor.close()
  })

  it("that is aborted before the call sends nothing", async () => {
    const exit = await runtime.runPromiseExit(deleteCustomer("cust_1"), { signal: AbortSignal.abort() })
    assert.isTrue(Exit.isInterrupted(exit))
    assert.isEmpty(await requests())
  })

  it("does not abort an uninterruptible request, and throws its outcome away all the same", async () => {
    await Effect.runPromise(emulator.delay("300 millis"))
    const caller = new AbortController()
    const exit = runtime.runPromiseExit(Effect.uninterruptible(deleteCustomer("cust_1")), { signal: caller.signal })
    await vi.waitFor(async () => assert.lengthOf(await requests(), 1))
    caller.abort()
    assert.isTrue(Exit.isInterrupted(await exit))
    assert.isEmpty(await Effect.runPromise(emulator.customers))
  })
})
