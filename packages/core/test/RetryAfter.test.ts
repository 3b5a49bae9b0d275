import { parseRetryAfter } from "@effect-flowwise/core"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"

const now = Date.UTC(1994, 10, 6, 8, 49, 7)
const day = 24 * 60 * 60 * 1000
const seconds = (header: string | undefined) => {
  const millis = parseRetryAfter(header, now)
  return millis === undefined ? undefined : millis / 1000
}

describe("retry-after", () => {
  it.each([
    ["0", 0],
    ["120", 120],
    [" 7 ", 7],
    ["007", 7],
    ["86399", 86_399],
    ["86400", 86_400],
    ["86401", 86_400],
    ["9".repeat(400), 86_400],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 30],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 30],
    ["Sun Nov  6 08:49:37 1994", 30],
    ["Sun Nov 06 08:49:37 1994", 30],
    [" Sun, 06 Nov 1994 08:49:37 GMT ", 30],
    ["Sun, 06 Nov 1994 08:49:59 GMT", 52],
    ["Sun, 06 Nov 1994 08:49:07 GMT", 0],
    ["Sun, 06 Nov 1994 08:49:06 GMT", 0],
    ["Sun, 06 Nov 1984 08:49:37 GMT", 0],
    ["Mon, 07 Nov 1994 08:49:07 GMT", 86_400],
    ["Mon, 07 Nov 1994 08:49:06 GMT", 86_399],
    ["Sat, 06 Nov 2094 08:49:37 GMT", 86_400],
    ["5, 5", 5],
    ["10, 10", 10],
    ["Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", 30]
  ])("%j is a wait of %d seconds", (header, wait) => {
    assert.strictEqual(seconds(header), wait)
  })

  it.each([
    undefined,
    "",
    "  ",
    ", ",
    "1.5",
    "-5",
    "+5",
    "0x10",
    "1e3",
    "5s",
    "s5",
    "soon",
    "5, 6",
    "5,",
    ", 5",
    "5,5",
    "5; 5",
    "5, 5, 5",
    "Infinity",
    "NaN",
    "\u0665",
    "Sun, 06 Nov 1994 08:49:37 +0200",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 GMT, Mon, 07 Nov 1994 08:49:37 GMT",
    "xSun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMTx",
    "xSun Nov  6 08:49:37 1994",
    "Sun Nov  6 08:49:37 1994x",
    "Sun Nov  6 08:49:37 1994 GMT",
    "Sun Nov 6 08:49:37 1994",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 NOV 1994 08:49:37 GMT",
    "Sun, 06 November 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT+0100",
    "Sunday, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06-Nov-94 08:49:37 GMT",
    "Day, 06 Nov 1994 08:49:37 GMT",
    "Monsday, 06-Nov-94 08:49:37 GMT",
    "06 Nov 1994 08:49:37 GMT",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 30 Feb 2094 08:49:37 GMT",
    "Sunday, 31-Nov-94 08:49:37 GMT",
    "Wed Nov 31 08:49:37 1994",
    "Sun, 06 Now 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 25:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT",
    "Sun, 06 Nov 1994 08:49:60 GMT",
    "Sun Nov  6 08:49:60 1994",
    "Sunday, 06-Nov-94 08:49:60 GMT",
    "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 08:49 GMT",
    "1994-11-06T08:49:37Z"
  ])("%j is none", (header) => {
    assert.isUndefined(seconds(header))
  })

  it("is none where it is long and makes no sense", () => {
    assert.deepStrictEqual([seconds(",".repeat(20_000)), seconds(", ".repeat(10_001))], [undefined, undefined])
  })

  const names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  const spellings = (date: Date) => {
    const [day = "", dd, month, year = "", time] = date.toUTCString().split(/,? /)
    const long = names[date.getUTCDay()]
    return {
      imf: `${day}, ${dd} ${month} ${year} ${time} GMT`,
      rfc850: `${long}, ${dd}-${month}-${year.slice(2)} ${time} GMT`,
      asctime: `${day} ${month} ${dd?.replace(/^0/, " ")} ${time} ${year}`
    }
  }

  it("is the same in all three forms of a date, for every second of fifty years", () => {
    const range = { min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(2049, 11, 31, 23, 59, 59) / 1000 }
    fc.assert(
      fc.property(fc.integer(range), fc.integer({ min: -90_000, max: 90_000 }), (time, later) => {
        const expected = Math.min(Math.max(later * 1000, 0), day)
        const found = Object.values(spellings(new Date(time * 1000))).map((date) =>
          parseRetryAfter(date, (time - later) * 1000)
        )
        assert.deepStrictEqual(found, [expected, expected, expected])
      })
    )
  })

  it("is none, or a time from 0 to 24 hours, whatever comes, and whatever the clock says", () => {
    const dates = fc.date({ noInvalidDate: true }).map((date) => Object.values(spellings(date)))
    const header = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom("0", "9", ".", "-", ",", " ", "e", "x") }),
      fc.bigInt({ min: 0n }).map(String),
      dates.chain((spelled) => fc.constantFrom(...spelled)),
      dates.map(([imf]) => `${imf}, ${imf}`)
    )
    fc.assert(
      fc.property(header, fc.double({ noDefaultInfinity: false }), (text, clock) => {
        const millis = parseRetryAfter(text, clock)
        assert.isTrue(millis === undefined || (millis >= 0 && millis <= day))
      })
    )
  })
})
