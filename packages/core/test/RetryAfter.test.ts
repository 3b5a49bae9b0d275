import * as Headers from "@effect/platform/Headers"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { parseRetryAfter } from "../src/RetryAfter.js"

const now = Date.UTC(1994, 10, 6, 8, 49, 7)
const asked = (headers: Record<string, string>, status = 429) =>
  Option.map(parseRetryAfter({ headers: Headers.fromInput(headers), status }, now), Duration.toSeconds)
const seconds = (header: string) => asked({ "retry-after": header })

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
    assert.deepStrictEqual(asked({}), Option.none())
  })
})

describe("the vendor's own headers", () => {
  it.each([
    [{ "x-ratelimit-retry": "7" }, 7],
    [{ "x-ratelimit-retry": "0" }, 0],
    [{ "X-RateLimit-Reset": "20" }, 20],
    [{ "x-ratelimit-retry": "7", "x-ratelimit-reset": "20" }, 7],
    [{ "x-ratelimit-retry": "7, 7" }, 7],
    [{ "x-ratelimit-retry": "soon", "x-ratelimit-reset": "20" }, 20],
    [{ "x-ratelimit-retry": "9".repeat(400) }, 86_400]
  ])("%j is a wait of %d seconds", (headers, wait) => {
    assert.deepStrictEqual(asked(headers), Option.some(wait))
  })

  it("a reset may be a time, in seconds since 1970", () => {
    const later = Date.UTC(2026, 0, 1)
    const headers = Headers.fromInput({ "x-ratelimit-reset": String(later / 1000 + 20) })
    assert.deepStrictEqual(parseRetryAfter({ headers, status: 429 }, later), Option.some(Duration.seconds(20)))
  })

  it.each(["", "-1", "1.5", "soon", "7, 8", "Sun, 06 Nov 1994 08:49:37 GMT"])("%j is none", (header) => {
    assert.deepStrictEqual(asked({ "x-ratelimit-retry": header }), Option.none())
  })

  it("retry-after comes before them, even where it makes no sense", () => {
    assert.deepStrictEqual(asked({ "retry-after": "5", "x-ratelimit-retry": "7" }), Option.some(5))
    assert.deepStrictEqual(asked({ "retry-after": "soon", "x-ratelimit-retry": "7" }), Option.none())
  })

  it("they come with every answer, and count only for a 429", () => {
    assert.deepStrictEqual(asked({ "x-ratelimit-reset": "20" }, 503), Option.none())
    assert.deepStrictEqual(asked({ "retry-after": "20" }, 503), Option.some(20))
  })
})
