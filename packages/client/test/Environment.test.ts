import { assert, describe, it } from "@effect/vitest"
import { Environment } from "@effect-flowwise/client"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const config = (settings: Record<string, string>) =>
  Layer.provide(
    Environment.layerConfig,
    Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(settings))))
  )

const read = <E>(layer: Layer.Layer<Environment, E>) =>
  Effect.map(Effect.provide(Environment, layer), ({ name, baseUrl }) => ({ name, baseUrl }))

const sandbox = { name: "sandbox", baseUrl: "https://sandbox.flowwise.com/router" }
const production = { name: "production", baseUrl: "https://app.flowwise.com/router" }

const refused = [
  ["blank", " "],
  ["empty", ""],
  ["relative", "/router"],
  ["without a scheme", "flowwise.example.com/router"],
  ["without slashes", "https:flowwise.example.com"],
  ["without a host", "https:///router"],
  ["of another scheme", "ftp://flowwise.example.com"],
  ["a file", "file:///router"],
  ["code", "javascript:alert(1)"],
  ["with a user and a password", "https://merchant:pa55@flowwise.example.com/router"],
  ["with a user", "https://pa55@flowwise.example.com/router"],
  ["with a query", "https://flowwise.example.com/router?key=pa55"],
  ["with an empty query", "https://flowwise.example.com/router?"],
  ["with a fragment", "https://flowwise.example.com/router#pa55"],
  ["broken by a line", "https://flowwise.exa\nmple.com/router"],
  ["with a backslash", "https://flowwise.example.com\\router"],
  ["plain http to another machine", "http://flowwise.example.com/router"],
  ["plain http to what only looks like loopback", "http://localhost.example.com"],
  ["plain http to another address", "http://128.0.0.1"]
] as const

const taken = [
  ["https://flowwise.example.com/router", "https://flowwise.example.com/router"],
  ["https://flowwise.example.com/router//", "https://flowwise.example.com/router"],
  ["https://flowwise.example.com/", "https://flowwise.example.com"],
  [" https://flowwise.example.com/a/b/ \n", "https://flowwise.example.com/a/b"],
  ["HTTPS://Flowwise.Example.com:8443", "https://flowwise.example.com:8443"],
  ["http://localhost:8049/", "http://localhost:8049"],
  ["http://pay.localhost:8049", "http://pay.localhost:8049"],
  ["http://127.0.0.1:8049", "http://127.0.0.1:8049"],
  ["http://127.1:8049", "http://127.0.0.1:8049"],
  ["http://[::1]:8049", "http://[::1]:8049"]
] as const

describe("Environment", () => {
  it.effect("has the vendor's two", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(Environment.layerSandbox), sandbox)
      assert.deepStrictEqual(yield* read(Environment.layerProduction), production)
    })
  )

  it.effect.each(refused)("refuses a base URL %s, names the setting, and doesn't show it", ([, baseUrl]) =>
    Effect.gen(function* () {
      const byHand = String(yield* Effect.flip(read(Environment.layer(baseUrl))))
      const byConfig = String(yield* Effect.flip(read(config({ FLOWWISE_BASE_URL: baseUrl }))))
      assert.include(byHand, "baseUrl")
      assert.include(byConfig, "FLOWWISE_BASE_URL")
      for (const text of [byHand, byConfig]) {
        assert.match(text, /must/)
        assert.notInclude(text, "pa55")
      }
    })
  )

  it.effect.each(taken)("takes %s as %s", ([baseUrl, kept]) =>
    Effect.gen(function* () {
      const { host } = new URL(kept)
      assert.deepStrictEqual(yield* read(Environment.layer(baseUrl)), { name: host, baseUrl: kept })
      assert.deepStrictEqual(yield* read(config({ FLOWWISE_BASE_URL: baseUrl })), { name: host, baseUrl: kept })
      assert.deepStrictEqual(yield* read(Environment.layer(baseUrl, { name: "mine" })), { name: "mine", baseUrl: kept })
    })
  )

  it.effect("takes plain http to another machine where that is permitted", () =>
    Effect.gen(function* () {
      const baseUrl = "http://flowwise.internal:8049"
      assert.strictEqual((yield* read(Environment.layer(baseUrl, { allowHttp: true }))).baseUrl, baseUrl)
      const settings = { FLOWWISE_BASE_URL: baseUrl, FLOWWISE_ALLOW_HTTP: "true" }
      assert.strictEqual((yield* read(config(settings))).baseUrl, baseUrl)
    })
  )

  it.effect("from JavaScript, a base URL that is no string is a configuration error", () =>
    Effect.gen(function* () {
      for (const baseUrl of [undefined, null, 42, new URL("https://a.example")] as ReadonlyArray<unknown>) {
        assert.include(String(yield* Effect.flip(read(Environment.layer(baseUrl as string)))), "baseUrl")
      }
    })
  )
})

describe("Environment.layerConfig", () => {
  it.effect("is the sandbox unless told otherwise", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(config({})), sandbox)
      assert.deepStrictEqual(yield* read(config({ FLOWWISE_ENVIRONMENT: "sandbox" })), sandbox)
      assert.deepStrictEqual(yield* read(config({ FLOWWISE_ENVIRONMENT: "production\n" })), production)
    })
  )

  it.effect("a base URL comes before an environment's name", () =>
    Effect.gen(function* () {
      const settings = { FLOWWISE_ENVIRONMENT: "production", FLOWWISE_BASE_URL: "https://flowwise.example.com" }
      assert.strictEqual((yield* read(config(settings))).name, "flowwise.example.com")
    })
  )

  it.effect.each<readonly [string, string]>([
    ["FLOWWISE_ENVIRONMENT", "staging"],
    ["FLOWWISE_ENVIRONMENT", "Production"],
    ["FLOWWISE_ENVIRONMENT", ""],
    ["FLOWWISE_ALLOW_HTTP", "perhaps"]
  ])("%s=%j is refused by name", ([name, value]) =>
    Effect.gen(function* () {
      assert.include(String(yield* Effect.flip(read(config({ [name]: value })))), name)
    })
  )
})
