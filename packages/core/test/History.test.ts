import { Attempted, Entry, History } from "@effect-flowwise/core"
import { assert, describe, it } from "vitest"

/** An attempt of a call of its own, within one retry. */
const begin = (history: History, customerId: string) => new Attempted(new Entry(), [history], customerId)

describe("an attempt", () => {
  it("gets to know how many there were before it for the same customer", () => {
    const history = new History()
    assert.deepStrictEqual(
      ["a", "a", "b"].map((customerId) => begin(history, customerId).resends),
      [0, 1, 0]
    )
    assert.strictEqual(history.recorded, 3)
  })

  it("counts those of its own call, where nothing retries around it", () => {
    const call = new Entry()
    new Attempted(call, [], "a").failed(true)
    const second = new Attempted(call, [], "a")
    assert.strictEqual(second.resends, 1)
    assert.isTrue(second.failed(false))
  })

  it("counts those of the retry with the most", () => {
    const [inner, outer] = [new History(), new History()]
    begin(outer, "a")
    assert.strictEqual(new Attempted(new Entry(), [inner, outer], "a").resends, 1)
  })

  it("is the first again after a success, and the customer may be deleted", () => {
    const history = new History()
    begin(history, "a").succeeded()
    assert.isTrue(history.mayBeDeleted("a"))
    assert.strictEqual(begin(history, "a").resends, 0)
  })

  it("that is under way may have deleted its customer, and no other", () => {
    const history = new History()
    assert.isFalse(history.mayBeDeleted("a"))
    begin(history, "a")
    assert.isTrue(history.mayBeDeleted("a"))
    assert.isFalse(history.mayBeDeleted("b"))
  })

  it("that failed for certain deleted nobody, and an ambiguous one may have", () => {
    const history = new History()
    assert.isFalse(begin(history, "a").failed(false))
    assert.isFalse(history.mayBeDeleted("a"))
    assert.isFalse(history.mayAnyBeDeleted())
    assert.isTrue(begin(history, "a").failed(true))
    assert.isTrue(history.mayBeDeleted("a"))
    assert.isTrue(history.mayAnyBeDeleted())
  })

  it("may have deleted somebody, where others deleted nobody for certain", () => {
    const history = new History()
    begin(history, "a").failed(false)
    begin(history, "b")
    assert.isTrue(history.mayAnyBeDeleted())
  })

  it("is in doubt where one of the retries around is", () => {
    const [certain, doubtful] = [new History(), new History()]
    begin(doubtful, "a").failed(true)
    assert.isTrue(new Attempted(new Entry(), [certain, doubtful], "a").failed(false))
    assert.isFalse(new Attempted(new Entry(), [certain], "a").failed(false))
    const ofSomebody = new History()
    ofSomebody.failedForSomebody(true)
    assert.isTrue(new Attempted(new Entry(), [certain, ofSomebody], "b").failed(false))
  })

  it("is in doubt where an earlier one of its call is, whatever the retries around know", () => {
    const call = new Entry()
    new Attempted(call, [], "a").failed(true)
    assert.isTrue(new Attempted(call, [new History()], "a").failed(false))
  })

  it("that failed for certain doesn't settle an ambiguous one before it", () => {
    const history = new History()
    begin(history, "a").failed(true)
    assert.isTrue(begin(history, "a").failed(false))
    assert.isTrue(history.mayBeDeleted("a"))
  })
})

describe("an attempt that is known by its error alone", () => {
  it("may have deleted anybody where it is ambiguous", () => {
    const history = new History()
    history.failedForSomebody(true)
    assert.isTrue(history.mayBeDeleted("a"))
    assert.isTrue(history.mayAnyBeDeleted())
    assert.isTrue(begin(history, "a").failed(false))
    assert.strictEqual(history.recorded, 2)
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
    begin(history, "")
    assert.isFalse(history.mayBeDeleted("a"))
  })
})
