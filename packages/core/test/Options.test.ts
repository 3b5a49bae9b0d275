import { millisOf, optionChecks } from "@effect-flowwise/core"
import { assert, describe, it } from "vitest"

const budget = { tokens: 500 }
const effect = { run: () => {} }
/** Durations of this test are numbers of milliseconds, and throw where they are none. */
const toMillis = (duration: unknown): number => {
  if (typeof duration !== "number") throw new Error("no duration")
  return Math.max(0, duration || 0)
}
const checks = optionChecks(
  toMillis,
  (value) => value === budget,
  (value) => value === effect
)

const whole = "must be a whole number, such as 3"
const delay = 'must be a duration, such as "30 seconds"'
const limit = 'must be a duration above 0, such as "30 seconds"'
const concurrency = "must be a whole number from 1 to 1000"
const rate = 'must be a limit above 0 and an interval, such as { limit: 100, interval: "1 minute" }'

const rates: ReadonlyArray<unknown> = [
  ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5", undefined].map((limit) => ({ limit, interval: 60_000 })),
  ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, "soon", undefined].map((interval) => ({ limit: 100, interval })),
  ...[null, 0, false, Number.NaN, "", {}]
]

type Rows = ReadonlyArray<readonly [check: keyof typeof checks, name: string, what: string, ...values: Array<unknown>]>

const invalid: Rows = [
  ["retry", "times", whole, Number.NaN, -1, 1.5, "2", 2n, null],
  ["retry", "baseDelay", delay, "1s", {}, null, false, -5, Number.NaN, Symbol.iterator],
  ["retry", "maxDelay", delay, "30 secs", {}, null, "", -5, Number.NaN],
  ["retry", "attemptTimeout", limit, "soon", {}, null, 0, -5, Number.NaN],
  ["retry", "budget", "must be what Retry.makeBudget gives", 500, {}, null],
  ["bulk", "concurrency", concurrency, 0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "4", null],
  ["bulk", "rateLimit", rate, ...rates],
  ["bulk", "haltWhen", "must be an Effect, such as Deferred.await(stop)", {}, null, true],
  ["bulk", "retry", "must be an object", null, true, 5, "often"],
  ["client", "timeout", limit, "soon", {}, null, 0, -5, Number.NaN]
]

describe("an option that can't be used", () => {
  for (const [check, name, what, ...values] of invalid) {
    it.each(values.map((value) => [value]))(`of ${check} is named: ${name} as %o`, (value) => {
      assert.strictEqual(checks[check]({ [name]: value }), `options.${name} ${what}`)
    })
  }

  it("is named also where it is one of a retry within", () => {
    assert.strictEqual(checks.bulk({ retry: { times: 1, maxDelay: "30 secs" } }), `options.retry.maxDelay ${delay}`)
  })

  it.each([[null], [5], ["often"]])("may be all of them: %o", (options) => {
    for (const check of Object.values(checks)) assert.strictEqual(check(options), "options must be an object")
  })
})

const valid: Rows = [
  ["retry", "times", "", undefined, 0, 3, Number.POSITIVE_INFINITY],
  ["retry", "baseDelay", "", undefined, 0, 0.5, Number.POSITIVE_INFINITY],
  ["retry", "maxDelay", "", undefined, 0, 30_000, Number.POSITIVE_INFINITY],
  ["retry", "attemptTimeout", "", undefined, 0.5, Number.POSITIVE_INFINITY],
  ["retry", "budget", "", undefined, budget],
  ["bulk", "concurrency", "", undefined, 1, 2, 999, 1000],
  ["bulk", "rateLimit", "", undefined, { limit: 100, interval: 60_000 }, { limit: 0.5, interval: 0.1 }],
  ["bulk", "haltWhen", "", undefined, effect],
  ["bulk", "retry", "", undefined, false, {}, { times: 0 }],
  ["client", "timeout", "", undefined, 0.5, Number.POSITIVE_INFINITY]
]

describe("an option that can be used", () => {
  for (const [check, name, , ...values] of valid) {
    it.each(values.map((value) => [value]))(`of ${check}: ${name} as %o`, (value) => {
      assert.isUndefined(checks[check]({ [name]: value, another: 1 }))
    })
  }
})

it("a negative duration is none, whatever an edition makes of it", () => {
  const given = ["-5 seconds", -5n, -5, Number.NEGATIVE_INFINITY, Number.NaN, "5 seconds", 5n, 1e-7]
  assert.deepStrictEqual(
    given.map((duration) => millisOf(() => 7, duration)),
    [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 7, 7, 7]
  )
})
