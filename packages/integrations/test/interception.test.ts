/** Which of the client's transports the tools see that play the vendor in a test, and which requests escape them. */
import { execFile } from "node:child_process"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator, FlowwiseTest } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { build } from "esbuild"
import { getGlobalDispatcher, MockAgent, setGlobalDispatcher } from "undici"
import { afterEach, assert, beforeAll, describe, it, vi } from "vitest"

const here = fileURLToPath(new URL("..", import.meta.url))
const folder = join(here, "node_modules/.interception")

// As a program's own modules are, next to installed packages.
beforeAll(async () => {
  for (const format of ["esm", "cjs"] as const) {
    await build({
      entryPoints: [join(here, "test/fixtures/interception.ts")],
      outfile: join(folder, format === "esm" ? "program.mjs" : "program.cjs"),
      format,
      bundle: true,
      platform: "node",
      external: ["effect", "@effect/*", "undici"]
    })
  }
})

/** Who answers each transport. The newest versions of the tools need a newer Node.js than the client does. */
const answers = async (version: string, mode: string, file: string) => {
  const node22 = join(here, "../../.ci/node22.mjs")
  const args = [join(folder, file), version, mode]
  const { stdout } = await promisify(execFile)(process.execPath, /-/.test(version) ? args : [node22, ...args])
  return Object.values<string>(JSON.parse(stdout.split("\n").find((line: string) => line.startsWith("{")) ?? "{}"))
}

describe("who answers a deletion while a tool plays the vendor", () => {
  const [vendor, tool, nobody] = ["the vendor", "the tool", "nobody"]

  it.each([
    // version, what the tool does, and who answers NodeFlowwise.layer, NodeHttpClient.layerUndici, NodeHttpClient.layer and
    // FetchHttpClient.layer
    ["msw", "answers", [vendor, vendor, vendor, tool]],
    ["msw", "refuses", [vendor, vendor, vendor, nobody]],
    ["msw-2", "answers", [vendor, vendor, vendor, tool]],
    ["msw-2", "refuses", [vendor, vendor, vendor, nobody]],
    ["nock", "answers", [tool, tool, tool, tool]],
    ["nock", "refuses", [nobody, nobody, nobody, nobody]],
    ["nock-14", "answers", [vendor, vendor, vendor, tool]],
    ["nock-14", "refuses", [vendor, vendor, vendor, nobody]]
  ] as const)("%s %s", { timeout: 60_000 }, async (version, mode, expected) => {
    assert.deepStrictEqual(await answers(version, mode, "program.mjs"), [...expected])
  })

  it("is the vendor in CommonJS too", { timeout: 60_000 }, async () => {
    assert.deepStrictEqual(await answers("msw", "answers", "program.cjs"), [vendor, vendor, vendor, tool])
  })
})

describe("a test that cannot reach the vendor", () => {
  /** How many connections were begun by a call. */
  const connectionsOf = async <A>(call: Effect.Effect<A>) => {
    let connections = 0
    const count = () => void connections++
    subscribe("net.client.socket", count)
    const outcome = await Effect.runPromise(call)
    unsubscribe("net.client.socket", count)
    return { outcome, connections }
  }
  afterEach(() => void vi.unstubAllEnvs())

  it("has the fake, which opens no connection", async () => {
    const { connections, outcome } = await connectionsOf(
      Effect.merge(deleteCustomer("cust_1")).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })))
    )
    assert.deepStrictEqual([outcome._tag, connections], ["CustomerDeleted", 0])
  })

  it("has no credentials", async () => {
    vi.stubEnv("FLOWWISE_CLIENT_ID", undefined)
    const { connections, outcome } = await connectionsOf(
      Effect.merge(Effect.provide(deleteCustomer("cust_1"), NodeFlowwise.layerConfig))
    )
    assert.strictEqual(connections, 0)
    assert.include(String(outcome), "FLOWWISE_CLIENT_ID")
  })

  it("has a base URL where nothing listens", async () => {
    vi.stubEnv("FLOWWISE_BASE_URL", "http://127.0.0.1:9")
    vi.stubEnv("FLOWWISE_ENVIRONMENT", "production")
    vi.stubEnv("FLOWWISE_CLIENT_ID", "id")
    vi.stubEnv("FLOWWISE_CLIENT_SECRET", "secret")
    const outcome = await Effect.runPromise(
      Effect.merge(Effect.provide(deleteCustomer("cust_1"), NodeFlowwise.layerConfig))
    )
    assert.deepInclude(outcome, { _tag: "RequestFailed", reason: "Connection", delivered: "no" })
  })

  it("does not follow from undici's global dispatcher", async () => {
    const before = getGlobalDispatcher()
    const agent = new MockAgent()
    agent.disableNetConnect()
    setGlobalDispatcher(agent)
    const vendor = FlowwiseEmulator.layer({ customers: ["cust_1"] })
    const outcome = await Effect.merge(deleteCustomer("cust_1")).pipe(
      Effect.provide(NodeFlowwise.layer),
      Effect.provide([FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment]),
      Effect.provide(vendor),
      Effect.runPromise
    )
    setGlobalDispatcher(before)
    await agent.close()
    assert.strictEqual(outcome._tag, "CustomerDeleted")
  })

  it("has undici's MockAgent for a dispatcher", async () => {
    const agent = new MockAgent()
    agent.disableNetConnect()
    const path = "/customer/cust_1"
    agent.get("https://flowwise.test").intercept({ path, method: "DELETE" }).reply(204, "")
    const call = (customerId: string) =>
      Effect.merge(deleteCustomer(customerId)).pipe(
        Effect.provide(NodeFlowwise.layerWith({ dispatcher: agent })),
        Effect.provide(Environment.layer("https://flowwise.test")),
        Effect.provide(Credentials.layer({ clientId: "id", clientSecret: Redacted.make("secret") })),
        Effect.orDie
      )
    const answered = await connectionsOf(call("cust_1"))
    assert.deepStrictEqual([answered.outcome._tag, answered.connections], ["CustomerDeleted", 0])
    const unmatched = await connectionsOf(call("cust_2"))
    assert.strictEqual(unmatched.connections, 0)
    assert.deepInclude(unmatched.outcome, { _tag: "RequestFailed", reason: "Connection", delivered: "no" })
    await agent.close()
  })
})
