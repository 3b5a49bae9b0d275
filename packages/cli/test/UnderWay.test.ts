import { assert, it } from "@effect/vitest"
import * as UnderWay from "../src/UnderWay.js"

it("13.5 an id that is under way in two lines has an intent and an outcome for each, and resends ask for none", () => {
  const underWay = UnderWay.make()
  assert.strictEqual(underWay.take({ id: "a", line: 1 }), "a")
  assert.strictEqual(underWay.ask("a")?.line, 1)
  assert.isUndefined(underWay.ask("a"))
  underWay.take({ id: "a", line: 7 })
  underWay.take({ id: "b", line: 8 })
  assert.strictEqual(underWay.ask("a")?.line, 7)
  assert.isUndefined(underWay.ask("a"))
  assert.deepStrictEqual(underWay.asked(), [1, 7])
  assert.strictEqual(underWay.end("a").line, 1)
  assert.strictEqual(underWay.end("a").line, 7)
  assert.deepStrictEqual(underWay.asked(), [])
})
