import { assert, describe, it } from "@effect/vitest"
import {
  CustomerNotFound,
  DeleteCustomerError,
  DeletionFailed,
  InvalidCustomerId,
  RateLimited,
  RequestFailed,
  Unauthorized,
  UnexpectedResponse
} from "@effect-flowwise/client"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as FastCheck from "effect/FastCheck"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const json = Schema.parseJson(DeleteCustomerError)

describe("DeleteCustomerError", () => {
  it("every one survives JSON unchanged", () => {
    const tags = new Set<string>()
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(DeleteCustomerError), (error) => {
        const back = Schema.decodeSync(json)(Schema.encodeSync(json)(error))
        assert.strictEqual(Object.getPrototypeOf(back), Object.getPrototypeOf(error))
        assert.isTrue(Equal.equals(back, error))
        assert.strictEqual(Hash.hash(back), Hash.hash(error))
        tags.add(error._tag)
      }),
      { numRuns: 500 }
    )
    assert.strictEqual(tags.size, DeleteCustomerError.members.length)
  })

  it("is made by hand with the vendor's words, and with as little as a test needs", () => {
    const error = new CustomerNotFound({ customerId: "cust_1" })
    assert.strictEqual(error.message, "Customer not found with the provided customer ID")
    assert.strictEqual(error.code, "customer_not_found")
    assert.strictEqual(error.type, "resource_error")
    assert.strictEqual(error.afterAmbiguousAttempt, false)
    assert.deepStrictEqual(error.requestId, Option.none())
    assert.strictEqual(new Unauthorized().code, "unauthorized")
    assert.strictEqual(new InvalidCustomerId({ customerId: "a", rejectedBy: "server" }).code, "invalid_customer_id")
    assert.strictEqual(new DeletionFailed({ customerId: "a" }).code, "deletion_failed")
    assert.deepStrictEqual(new RateLimited().retryAfter, Option.none())
    assert.strictEqual(new UnexpectedResponse({ status: 503 }).body, "")
    assert.strictEqual(new RequestFailed({ reason: "Timeout", delivered: "unknown" })._tag, "RequestFailed")
  })

  it("two unexpected responses are equal where all that they hold is", () => {
    const error = { message: "m", code: "c", type: "t" }
    const first = new UnexpectedResponse({ status: 403, error: Option.some(error) })
    assert.isTrue(Equal.equals(first, new UnexpectedResponse({ status: 403, error: Option.some({ ...error }) })))
    assert.isFalse(Equal.equals(first, new UnexpectedResponse({ status: 403 })))
    assert.isFalse(Equal.equals(first, new UnexpectedResponse({ status: 404, error: Option.some(error) })))
  })

  it.effect("is caught by its tag, and its message is an error's message", () =>
    Effect.gen(function* () {
      const failed: Effect.Effect<never, DeleteCustomerError> = new RateLimited({
        message: "slower",
        retryAfter: Option.some(Duration.seconds(1))
      })
      const message = yield* Effect.catchTag(failed, "RateLimited", (error) => {
        assert.instanceOf(error, Error)
        return Effect.succeed(String(error))
      })
      assert.strictEqual(message, "RateLimited: slower")
    })
  )
})
