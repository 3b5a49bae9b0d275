import { assert, describe, it } from "@effect/vitest"
import { CustomerDeleted, CustomerId } from "@effect-flowwise/client"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Equal from "effect/Equal"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

describe("CustomerId", () => {
  it.each(["cust_1", "a/b", "x".repeat(1024)])("takes %j", (id) => {
    assert.isTrue(Schema.is(CustomerId)(id))
  })

  it("says why, in words", () => {
    assert.throws(() => Schema.decodeUnknownSync(CustomerId)(".."), /dot segment/)
    assert.throws(() => Schema.decodeUnknownSync(CustomerId)("x".repeat(1_000_000)), /longer than 1024 bytes/)
  })
})

describe("CustomerDeleted", () => {
  const json = Schema.parseJson(CustomerDeleted)

  it("survives JSON unchanged", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(CustomerDeleted), (deleted) => {
        assert.isTrue(Equal.equals(Schema.decodeSync(json)(Schema.encodeSync(json)(deleted)), deleted))
      })
    )
  })

  it("has no request id unless the server gave one", () => {
    const deleted = new CustomerDeleted({
      customerId: "cust_1",
      environment: "sandbox",
      deletedAt: DateTime.unsafeMake(0)
    })
    assert.deepStrictEqual(deleted.requestId, Option.none())
    assert.deepStrictEqual(JSON.parse(Schema.encodeSync(json)(deleted)), {
      _tag: "CustomerDeleted",
      customerId: "cust_1",
      environment: "sandbox",
      deletedAt: "1970-01-01T00:00:00.000Z"
    })
  })
})
