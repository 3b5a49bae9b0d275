import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { atLeast, atMost, pairedRatio, quantile, spread, verdict } from "../src/statistics.js"

const figure = FastCheck.double({ min: 1e-3, max: 1e6, noNaN: true })
const figures = FastCheck.array(figure, { minLength: 1, maxLength: 30 })
const rounds = FastCheck.array(FastCheck.tuple(figure, figure), { minLength: 1, maxLength: 30 })
const near = (actual: number, expected: number) => assert.closeTo(actual / expected, 1, 1e-9)

describe("spread", () => {
  it("is the quartiles, by interpolation", () => {
    assert.deepStrictEqual(spread([4, 1, 3, 2, 5]), { median: 3, p25: 2, p75: 4 })
    assert.deepStrictEqual(spread([10, 20]), { median: 15, p25: 12.5, p75: 17.5 })
    assert.deepStrictEqual(spread([7]), { median: 7, p25: 7, p75: 7 })
    assert.isNaN(spread([]).median)
  })

  it.prop("lies in order within the figures, however they are ordered", [figures], ([some]) => {
    const { median, p25, p75 } = spread(some)
    assert.isTrue(Math.min(...some) <= p25 && p25 <= median && median <= p75 && p75 <= Math.max(...some))
    assert.deepStrictEqual(spread([...some].reverse()), { median, p25, p75 })
  })

  it.prop(
    "a quantile has its share of the figures below it",
    [figures, FastCheck.double({ min: 0, max: 1, noNaN: true })],
    ([some, q]) => {
      const below = some.filter((one) => one < quantile(some, q)).length
      assert.isAtMost(below, Math.ceil((some.length - 1) * q))
    }
  )
})

describe("pairedRatio", () => {
  it("cancels out what slows down a whole round", () => {
    assert.deepStrictEqual(pairedRatio([200, 20, 2], [100, 10, 1]), { median: 2, p25: 2, p75: 2 })
  })

  it.prop("is the inverse of the inverse ratio", [rounds], ([pairs]) => {
    const ratio = pairedRatio(
      pairs.map(([one]) => one),
      pairs.map(([, other]) => other)
    )
    const inverse = pairedRatio(
      pairs.map(([, other]) => other),
      pairs.map(([one]) => one)
    )
    near(ratio.median, 1 / inverse.median)
    near(ratio.p25, 1 / inverse.p75)
    near(ratio.p75, 1 / inverse.p25)
  })
})

describe("the noise rule", () => {
  it("calls a difference a win or a loss only where three quarters of the rounds show it", () => {
    assert.strictEqual(verdict(pairedRatio([11, 12, 13, 14, 9], [10, 10, 10, 10, 10])), "win")
    assert.strictEqual(verdict(pairedRatio([9, 8, 7, 6, 11], [10, 10, 10, 10, 10])), "loss")
    assert.strictEqual(verdict(pairedRatio([11, 12, 13, 9, 8], [10, 10, 10, 10, 10])), "within noise")
    assert.strictEqual(verdict(pairedRatio([10, 10, 10], [10, 10, 10])), "within noise")
  })

  it("says nothing where there are no figures", () => {
    const nothing = pairedRatio([], [])
    assert.strictEqual(verdict(nothing), "within noise")
    assert.strictEqual(atLeast(1, nothing), "within noise")
    assert.strictEqual(atMost(1, nothing), "within noise")
  })

  it("holds a target to the same range", () => {
    const ratio = spread([4, 5, 6, 7, 8])
    assert.strictEqual(atLeast(5, ratio), "met")
    assert.strictEqual(atLeast(6, ratio), "within noise")
    assert.strictEqual(atLeast(7.5, ratio), "not met")
    assert.strictEqual(atMost(7, ratio), "met")
    assert.strictEqual(atMost(6, ratio), "within noise")
    assert.strictEqual(atMost(4.5, ratio), "not met")
  })
})
