import {
  afterStart,
  afterSuccess,
  afterThrottling,
  neverBack,
  type Pace,
  pace,
  waitForStart
} from "@effect-flowwise/core"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"

const day = 24 * 60 * 60 * 1000
const at = (interval: number, more: Partial<Pace> = {}): Pace => ({ ...pace(0), interval, ...more })

it("time goes on where the clock is set back, twice too", () => {
  const now = neverBack()
  assert.deepStrictEqual([10, 12, 5, 6, 6, 2, 3, 100].map(now), [10, 12, 12, 13, 13, 13, 14, 111])
})

describe("a start", () => {
  it("may be at once at first", () => {
    assert.deepStrictEqual(pace(20), {
      fastest: 20,
      interval: 20,
      next: Number.NEGATIVE_INFINITY,
      slowedAt: Number.NEGATIVE_INFINITY
    })
    assert.strictEqual(waitForStart(pace(20), 0), 0)
  })

  it.each<[next: number, now: number, wait: number]>([
    [100, 99, 1],
    [100, 99.5, 1],
    [100, 98.5, 2],
    [100, 100, 0],
    [100, 101, 0],
    [day, 0, day],
    [day + 1, 0, day]
  ])("where the next is at %d, waits at %d for %d ms", (next, now, wait) => {
    assert.strictEqual(waitForStart(at(20, { next }), now), wait)
  })

  it("is an interval after the one before", () => {
    assert.deepStrictEqual(afterStart(at(20, { next: 5, slowedAt: 3 }), 7), at(20, { next: 27, slowedAt: 3 }))
  })
})

describe("an answer that asks to slow down", () => {
  it.each<[fastest: number, interval: number, slower: number]>([
    [0, 0, 100],
    [0, 49, 100],
    [0, 50, 100],
    [0, 51, 102],
    [0, 29_999, 59_998],
    [0, 30_001, 60_000],
    [0, 60_000, 60_000],
    [20, 20, 100],
    [80_000, 80_000, 80_000]
  ])("with starts %d ms apart at best and %d now, makes them %d", (fastest, interval, slower) => {
    const slowed = afterThrottling({ ...pace(fastest), interval }, 10, 50, 0)
    assert.deepStrictEqual(slowed, { fastest, interval: slower, slowedAt: 50, next: 50 + slower })
  })

  it.each<[asked: number, next: number]>([
    [0, 150],
    [99, 150],
    [101, 151],
    [day, day + 50],
    [day + 1, day + 50]
  ])("for %d ms lets none start before %d", (asked, next) => {
    assert.strictEqual(afterThrottling(pace(0), 10, 50, asked).next, next)
  })

  it("shortens no wait that is longer", () => {
    assert.strictEqual(afterThrottling(at(0, { next: 1000 }), 10, 50, 100).next, 1000)
  })

  it("to what started before the last slow-down, does not slow down again, but is waited for", () => {
    const slowed = at(100, { slowedAt: 40, next: 140 })
    assert.deepStrictEqual(afterThrottling(slowed, 39, 50, 0), { ...slowed, next: 150 })
    assert.deepStrictEqual(afterThrottling(slowed, 40, 50, 500), { ...slowed, next: 550 })
    assert.deepStrictEqual(afterThrottling(slowed, 41, 50, 0), at(200, { slowedAt: 50, next: 250 }))
  })
})

describe("a success", () => {
  it.each<[fastest: number, interval: number, faster: number]>([
    [0, 100, 90],
    [0, 1.2, 1.08],
    [0, 10 / 9, 1],
    [0, 1.1, 0],
    [0, 0, 0],
    [20, 100, 90],
    [20, 22.3, 20.07],
    [20, 22, 20],
    [20, 20, 20],
    [0.5, 1.1, 0.5]
  ])("with starts %d ms apart at best and %d now, makes them %d", (fastest, interval, faster) => {
    const after = afterSuccess({ ...pace(fastest), interval, slowedAt: 5 }, 6)
    assert.closeTo(after.interval, faster, 1e-9)
    assert.deepStrictEqual({ ...after, interval }, { ...pace(fastest), interval, slowedAt: 5 })
  })

  it("of a request from before the last slow-down, changes nothing", () => {
    const slowed = at(100, { slowedAt: 5 })
    assert.deepStrictEqual(afterSuccess(slowed, 4), slowed)
    assert.deepStrictEqual(afterSuccess(slowed, 5), slowed)
    assert.strictEqual(afterSuccess(slowed, 6).interval, 90)
  })

  it("leaves the fastest pace as it is", () => {
    const fastest = at(20, { fastest: 20 })
    assert.strictEqual(afterSuccess(fastest, 1), fastest)
  })
})

describe("whatever comes", () => {
  const event = fc.record({
    kind: fc.constantFrom("start" as const, "success" as const, "throttling" as const),
    passed: fc.nat(5000),
    age: fc.nat(5000),
    asked: fc.nat(100_000)
  })

  it("starts are never closer than the interval, nor slower than a minute unless asked, and the pace recovers", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.array(event, { maxLength: 60 }), (fastest, events) => {
        let state = pace(fastest)
        let now = 0
        let last = Number.NEGATIVE_INFINITY
        let asked = 0
        for (const { age, kind, passed, ...next } of events) {
          now += passed
          if (kind === "start") {
            const wait = waitForStart(state, now)
            assert.isTrue(Number.isSafeInteger(wait) && wait >= 0)
            assert.isAtMost(wait, Math.max(60_000, asked))
            now += wait
            assert.isAtLeast(now - last, fastest)
            last = now
            state = afterStart(state, now)
            assert.strictEqual(waitForStart(state, now), Math.ceil(state.interval))
          } else if (kind === "success") {
            state = afterSuccess(state, now - age)
          } else {
            asked = Math.max(asked, next.asked)
            state = afterThrottling(state, now - age, now, next.asked)
            assert.isAtLeast(waitForStart(state, now), next.asked)
          }
          assert.isAtLeast(state.interval, fastest)
          assert.isAtMost(state.interval, 60_000)
        }
        for (let successes = 0; successes < 110; successes++) state = afterSuccess(state, now + 1)
        assert.strictEqual(state.interval, fastest)
      })
    )
  })
})
