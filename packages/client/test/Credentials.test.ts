import { assert, describe, it } from "@effect/vitest"
import { Credentials } from "@effect-flowwise/client"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const config = (settings: Record<string, string>) =>
  Layer.provide(
    Credentials.layerConfig,
    Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(settings))))
  )

const given = (clientId: string, clientSecret: string) => ({
  layer: Credentials.layer({ clientId, clientSecret: Redacted.make(clientSecret) }),
  layerConfig: config({ FLOWWISE_CLIENT_ID: clientId, FLOWWISE_CLIENT_SECRET: clientSecret })
})

const read = (layer: Layer.Layer<Credentials, unknown>) =>
  Effect.flatMap(Credentials, ({ get }) => get).pipe(
    Effect.map(({ clientId, clientSecret }) => [
      Redacted.isRedacted(clientId) ? Redacted.value(clientId) : clientId,
      Redacted.value(clientSecret)
    ]),
    Effect.provide(layer)
  )

describe.each(["layer", "layerConfig"] as const)("Credentials.%s", (name) => {
  it.effect("trims what surrounds a key", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(given(" app_1\t", "s3cr3t, with=odd chars\r\n")[name]), [
        "app_1",
        "s3cr3t, with=odd chars"
      ])
    })
  )

  it.effect.each<readonly [string, string]>([
    ["empty", ""],
    ["blank", " \n"],
    ["with an inner line break", "hidden\r\nx-evil: 1"],
    ["with a control character", "hidden\u0000"],
    ["not ASCII", "hidd\u00e9n"],
    ["an emoji", "hidden\u{1f600}"],
    ["over 1 KiB", "hidden".repeat(200)]
  ])("refuses a key that is %s, names it, and doesn't show it", ([, value]) =>
    Effect.gen(function* () {
      for (const [setting, layer] of [
        [name === "layer" ? "clientId" : "FLOWWISE_CLIENT_ID", given(value, "fine")[name]],
        [name === "layer" ? "clientSecret" : "FLOWWISE_CLIENT_SECRET", given("fine", value)[name]]
      ] as const) {
        const error = yield* Effect.flip(read(layer))
        assert.include(String(error), setting)
        assert.match(String(error), /must/)
        assert.notMatch(String(error) + JSON.stringify(error), /hidd/)
      }
    })
  )
})

describe("Credentials", () => {
  it.effect("names both settings where both are missing", () =>
    Effect.gen(function* () {
      const error = String(yield* Effect.flip(read(config({}))))
      assert.include(error, "FLOWWISE_CLIENT_ID")
      assert.include(error, "FLOWWISE_CLIENT_SECRET")
    })
  )

  it.effect.each(["FLOWWISE_CLIENT_ID", "FLOWWISE_CLIENT_SECRET"])("%s that is missing is named", (missing) =>
    Effect.gen(function* () {
      const settings = { FLOWWISE_CLIENT_ID: "a", FLOWWISE_CLIENT_SECRET: "b" }
      const error = yield* Effect.flip(
        read(config(Object.fromEntries(Object.entries(settings).filter(([key]) => key !== missing))))
      )
      assert.include(String(error), missing)
    })
  )

  it.effect("from JavaScript, a value that is no string is a configuration error", () =>
    Effect.gen(function* () {
      const wiped = Redacted.make("hidden")
      Redacted.unsafeWipe(wiped)
      for (const value of [undefined, null, 42, {}, Redacted.make(42), wiped]) {
        const layer = Credentials.layer({ clientId: "a", clientSecret: value as Redacted.Redacted })
        const error = yield* Effect.flip(read(layer))
        assert.include(String(error), "clientSecret")
      }
    })
  )
})
