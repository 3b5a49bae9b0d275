import { budget, inHindsight, isAmbiguous, isTransient, waitBefore } from "@effect-flowwise/core"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"

interface AnyFailure {
  readonly _tag: string
  readonly reason?: string
  readonly delivered?: string
  readonly status?: number
}

const unexpected = (status: number): AnyFailure => ({ _tag: "UnexpectedResponse", status })
const requestFailed = (reason: string, delivered: string): AnyFailure => ({ _tag: "RequestFailed", reason, delivered })

// Of each error: whether it may have deleted the customer, whether to send again, and what a resend costs.
const table: ReadonlyArray<readonly [error: AnyFailure, ambiguous: boolean, transient: boolean, price: number]> = [
  [{ _tag: "InvalidCustomerId" }, false, false, 14],
  [{ _tag: "Unauthorized" }, false, false, 14],
  [{ _tag: "CustomerNotFound" }, false, false, 14],
  [{ _tag: "DeletionFailed" }, true, true, 14],
  [{ _tag: "RateLimited" }, false, true, 5],
  [requestFailed("Connection", "no"), false, true, 14],
  [requestFailed("Connection", "unknown"), true, true, 14],
  [requestFailed("Certificate", "no"), false, false, 14],
  [requestFailed("Certificate", "unknown"), true, false, 14],
  [requestFailed("Timeout", "no"), false, true, 14],
  [requestFailed("Timeout", "unknown"), true, true, 14],
  [requestFailed("Transport", "unknown"), true, true, 14],
  [requestFailed("InvalidRequest", "no"), false, false, 14],
  [requestFailed("InvalidRequest", "unknown"), true, false, 14],
  [{ _tag: "UnexpectedResponse" }, false, false, 14],
  [unexpected(0), false, false, 14],
  [unexpected(101), false, false, 14],
  [unexpected(199), false, false, 14],
  [unexpected(200), true, false, 14],
  [unexpected(202), true, false, 14],
  [unexpected(299), true, false, 14],
  [unexpected(300), false, false, 14],
  [unexpected(307), false, false, 14],
  [unexpected(400), false, false, 14],
  [unexpected(403), false, false, 14],
  [unexpected(404), false, false, 14],
  [unexpected(407), false, false, 14],
  [unexpected(408), true, true, 14],
  [unexpected(409), false, false, 14],
  [unexpected(425), false, true, 14],
  [unexpected(499), false, false, 14],
  [unexpected(500), true, false, 14],
  [unexpected(501), true, false, 14],
  [unexpected(502), true, true, 14],
  [unexpected(503), true, true, 14],
  [unexpected(504), true, true, 14],
  [unexpected(505), true, false, 14],
  [unexpected(599), true, false, 14],
  [{ _tag: "Another", reason: "Timeout", delivered: "unknown", status: 503 }, false, false, 14]
]

describe("an error", () => {
  it.each(table)("%j: ambiguous %s, transient %s, price %d", (error, ambiguous, transient, price) => {
    assert.deepStrictEqual(
      { ambiguous: isAmbiguous(error), transient: isTransient(error), price: budget.price(error) },
      { ambiguous, transient, price }
    )
  })

  it("is paid for from 500 tokens, of which a success gives back 1", () => {
    assert.deepInclude(budget, { capacity: 500, refund: 1 })
  })
})

describe("after an ambiguous attempt", () => {
  it("a 404 may be its success", () => {
    assert.deepStrictEqual(inHindsight({ _tag: "CustomerNotFound", message: "m" }), { afterAmbiguousAttempt: true })
  })

  it("nothing sent no longer means that nobody was deleted", () => {
    assert.deepStrictEqual(inHindsight({ _tag: "RequestFailed", delivered: "no", message: "Nothing was sent" }), {
      delivered: "unknown",
      message: "Nothing was sent. An earlier attempt may have deleted the customer"
    })
  })

  it.each<AnyFailure>([
    requestFailed("Transport", "unknown"),
    { _tag: "InvalidCustomerId" },
    { _tag: "Unauthorized" },
    { _tag: "DeletionFailed" },
    { _tag: "RateLimited" },
    unexpected(503),
    { _tag: "Another", delivered: "no" }
  ])("%j says what it says", (error) => {
    assert.isUndefined(inHindsight({ ...error, message: "m" }))
  })
})

describe("backoff", () => {
  const backoff = { times: 3, baseDelay: 500, maxDelay: 30_000 }
  const day = 24 * 60 * 60 * 1000

  it.each<[resends: number, chance: number, asked: number, wait: number | undefined]>([
    [0, 1, 0, 500],
    [1, 1, 0, 1000],
    [2, 1, 0, 2000],
    [3, 1, 0, undefined],
    [4, 0, 0, undefined],
    [0, 0, 0, 0],
    [0, 0.5, 0, 250],
    [0, 0.0009, 0, 0],
    [0, 0.001, 0, 1],
    [0, 1, 499, 500],
    [0, 1, 501, 501],
    [0, 0, 30_000, 30_000],
    [0, 0, 30_001, undefined],
    [3, 0, 30_001, undefined]
  ])("after %d resends, by a chance of %d, asked for %d ms, waits %s ms", (resends, chance, asked, wait) => {
    assert.strictEqual(waitBefore(backoff, resends, chance, asked), wait)
  })

  it("doubles up to the longest wait", () => {
    const waits = [5, 6, 7, 1023, 1024, 5000].map((n) => waitBefore({ ...backoff, times: 5001 }, n, 1, 0))
    assert.deepStrictEqual(waits, [16_000, 30_000, 30_000, 30_000, 30_000, 30_000])
  })

  it("is never longer than a day by itself", () => {
    const endless = { times: 2000, baseDelay: Number.POSITIVE_INFINITY, maxDelay: Number.POSITIVE_INFINITY }
    assert.strictEqual(waitBefore(endless, 0, 1, 0), day)
    assert.strictEqual(waitBefore({ ...endless, baseDelay: 1 }, 1500, 1, 0), day)
  })

  it("of 0 stays 0, however often", () => {
    const none = { times: Number.POSITIVE_INFINITY, baseDelay: 0, maxDelay: 30_000 }
    assert.deepStrictEqual(
      [0, 1023, 1024, 1e6].map((n) => waitBefore(none, n, 1, 0)),
      [0, 0, 0, 0]
    )
  })

  it("waits at least as asked, at most as allowed, in whole milliseconds of its own", () => {
    const millis = fc.nat(10 * day)
    const settings = fc.record({ times: fc.nat(5000), baseDelay: millis, maxDelay: millis })
    fc.assert(
      fc.property(
        settings,
        fc.nat(5000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        millis,
        (of, resends, chance, asked) => {
          const wait = waitBefore(of, resends, chance, asked)
          if (resends >= of.times || asked > of.maxDelay) {
            assert.isUndefined(wait)
          } else {
            assert.isTrue(Number.isSafeInteger(wait))
            assert.isAtLeast(wait!, asked)
            assert.isAtMost(wait!, Math.max(asked, Math.min(of.maxDelay, of.baseDelay * 2 ** resends || 0, day)))
          }
        }
      )
    )
  })
})
