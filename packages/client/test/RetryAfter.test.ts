import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { parseRetryAfter } from "../src/RetryAfter.js"

const now = Date.UTC(1994, 10, 6, 8, 49, 7)
const seconds = (header: string) => Option.map(parseRetryAfter(header, now), Duration.toSeconds)

describe("retry-after", () => {
  it.each([
    ["0", 0],
    ["120", 120],
    [" 7 ", 7],
    ["007", 7],
    ["86400", 86_400],
    ["86401", 86_400],
    ["9".repeat(400), 86_400],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 30],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 30],
    ["Sun Nov  6 08:49:37 1994", 30],
    ["Sun, 06 Nov 1994 08:49:07 GMT", 0],
    ["Sun, 06 Nov 1984 08:49:37 GMT", 0],
    ["Sat, 06 Nov 2094 08:49:37 GMT", 86_400],
    ["5, 5", 5],
    ["Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", 30]
  ])("%j is a wait of %d seconds", (header, wait) => {
    assert.deepStrictEqual(seconds(header), Option.some(wait))
  })

  it.each([
    "",
    "  ",
    "1.5",
    "-5",
    "+5",
    "0x10",
    "1e3",
    "5s",
    "soon",
    "5, 6",
    "5,",
    "Infinity",
    "\u0665",
    "Sun, 06 Nov 1994 08:49:37 +0200",
    "Sun, 06 Nov 1994 08:49:37 GMT, Mon, 07 Nov 1994 08:49:37 GMT",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "Sun, 30 Feb 2094 08:49:37 GMT",
    "1994-11-06T08:49:37Z",
    ",".repeat(20_000)
  ])("%j is none", (header) => {
    assert.deepStrictEqual(seconds(header), Option.none())
  })

  it("no header is none", () => {
    assert.deepStrictEqual(parseRetryAfter(undefined, now), Option.none())
  })
})
