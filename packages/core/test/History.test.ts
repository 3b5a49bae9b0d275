import { History } from "@effect-flowwise/core"
import { assert, describe, it } from "vitest"

describe("an attempt", () => {
  it("gets to know how many there were before it for the same customer", () => {
    const history = new History()
    assert.deepStrictEqual([history.begin("a"), history.begin("a"), history.begin("b")], [0, 1, 0])
    assert.strictEqual(history.recorded, 3)
  })

  it("is the first again after a success, and the customer may be deleted", () => {
    const history = new History()
    history.begin("a")
    history.succeeded("a")
    assert.isTrue(history.mayBeDeleted("a"))
    assert.strictEqual(history.begin("a"), 0)
  })

  it("that is under way may have deleted its customer, and no other", () => {
    const history = new History()
    assert.isFalse(history.mayBeDeleted("a"))
    history.begin("a")
    assert.isTrue(history.mayBeDeleted("a"))
    assert.isFalse(history.mayBeDeleted("b"))
  })

  it("that failed for certain deleted nobody, and one that is in doubt may have", () => {
    const history = new History()
    history.begin("a")
    history.failed("a", false)
    assert.isFalse(history.mayBeDeleted("a"))
    assert.isFalse(history.mayAnyBeDeleted())
    history.begin("a")
    history.failed("a", true)
    assert.isTrue(history.mayBeDeleted("a"))
    assert.isTrue(history.mayAnyBeDeleted())
  })

  it("that failed for certain doesn't settle one before it that is in doubt", () => {
    const history = new History()
    history.begin("a")
    history.failed("a", true)
    history.begin("a")
    history.failed("a", false)
    assert.isTrue(history.mayBeDeleted("a"))
  })
})

describe("an attempt that is known by its error alone", () => {
  it("may have deleted anybody where it is in doubt", () => {
    const history = new History()
    history.failedForSomebody(true)
    assert.isTrue(history.mayBeDeleted("a"))
    assert.isTrue(history.mayAnyBeDeleted())
    assert.strictEqual(history.recorded, 1)
  })

  it("deleted nobody where it is not, and is counted", () => {
    const history = new History()
    history.failedForSomebody(false)
    assert.isFalse(history.mayBeDeleted("a"))
    assert.isFalse(history.mayAnyBeDeleted())
    assert.strictEqual(history.recorded, 1)
  })

  it("is not taken for an attempt for the customer with an empty id", () => {
    const history = new History()
    history.begin("")
    assert.isFalse(history.mayBeDeleted("a"))
  })
})
