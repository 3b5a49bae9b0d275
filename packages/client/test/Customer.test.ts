import { assert, describe, it } from "@effect/vitest"
import { CustomerDeleted, CustomerId } from "@effect-flowwise/client"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Equal from "effect/Equal"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const isCustomerId = Schema.is(CustomerId)

describe("CustomerId", () => {
  it.each(["", ".", "..", "\ud800", "a\udfff", "x".repeat(1025), "\u{1f600}".repeat(257)])("refuses %j", (id) => {
    assert.isFalse(isCustomerId(id))
  })

  it.each(["a", " ", "...", "%2e%2e", "a/b", "a\nb", "\u{1f600}".repeat(256), "x".repeat(1024)])("takes %j", (id) => {
    assert.isTrue(isCustomerId(id))
  })

  it("takes exactly what a URL carries as one segment", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ unit: "binary", maxLength: 40 }), (id) => {
        const { pathname } = new URL(`https://host/customer/${encodeURIComponent(id)}`)
        const carried = pathname.startsWith("/customer/") ? decodeURIComponent(pathname.slice("/customer/".length)) : ""
        assert.strictEqual(isCustomerId(id), id !== "" && carried === id)
      }),
      { examples: [["."], [".."], ["%2e"], [""], ["/"], ["?"]] }
    )
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
