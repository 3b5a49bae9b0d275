import { bodyReader } from "@effect-flowwise/core"
import { assert, describe, it } from "vitest"

const LIMIT = 64 * 1024

/** What `add` said of each chunk, and the body. */
const read = (...chunks: ReadonlyArray<Uint8Array>) => {
  const reader = bodyReader()
  return { wanted: chunks.map(reader.add), body: reader.end() }
}
const letters = (length: number) => new Uint8Array(length).fill("x".charCodeAt(0))
const euro = new TextEncoder().encode("\u20ac")

describe("a body", () => {
  it.each<[string, ReadonlyArray<Uint8Array>, string]>([
    ["that is empty", [], ""],
    ["in several chunks", [letters(2), letters(3)], "xxxxx"],
    ["with a character in two chunks", [euro.subarray(0, 1), euro.subarray(1)], "\u20ac"],
    ["as long as may be", [letters(LIMIT - 1), letters(1)], "x".repeat(LIMIT)]
  ])("%s is complete", (_, chunks, text) => {
    assert.deepStrictEqual(read(...chunks), { wanted: chunks.map(() => true), body: { text, complete: true } })
  })

  it("that is longer is cut, and no more of it is wanted", () => {
    const cut = { text: "x".repeat(LIMIT), complete: false }
    assert.deepStrictEqual(read(letters(LIMIT + 1)), { wanted: [false], body: cut })
    assert.deepStrictEqual(read(letters(LIMIT), letters(1)), { wanted: [true, false], body: cut })
    assert.deepStrictEqual(read(letters(LIMIT + 1), letters(1)), { wanted: [false, false], body: cut })
  })

  it("that is cut within a character has the characters before it", () => {
    assert.deepStrictEqual(read(letters(LIMIT - 1), euro).body, { text: "x".repeat(LIMIT - 1), complete: false })
  })

  it("that is not UTF-8, or ends within a character, is no text", () => {
    assert.isUndefined(read(Uint8Array.of(0xff)).body)
    assert.isUndefined(read(euro.subarray(0, 2)).body)
  })
})
