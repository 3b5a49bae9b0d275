import { type Answer, type Left, Reported } from "@effect-flowwise/core"
import { assert, it } from "vitest"

class Report extends Reported {
  readonly answers: Array<Answer> = []
  readonly errors: Array<readonly [error: unknown, hasLeft: Left]> = []
  protected answered(answer: Answer): void {
    this.answers.push(answer)
  }
  failed(error: unknown): void {
    this.errors.push([error, this.hasLeft])
  }
}

it("an answer whose head says all is complete without its body", () => {
  const report = new Report()
  assert.isUndefined(report.status)
  assert.isFalse(report.head(204, { "x-request-id": "req_1" }))
  assert.strictEqual(report.status, 204)
  assert.deepStrictEqual(report.answers, [{ status: 204, headers: { "x-request-id": "req_1" }, body: undefined }])
})

it("any other answer waits for its body", () => {
  const report = new Report()
  assert.isTrue(report.head(404, {}))
  assert.deepStrictEqual(report.answers, [])
  report.body({ text: "gone" } as never)
  assert.deepStrictEqual(report.answers, [{ status: 404, headers: {}, body: { text: "gone" } as never }])
})

it("a body without a head is an answer without a status", () => {
  const report = new Report()
  report.body(undefined)
  assert.deepStrictEqual(report.answers, [{ status: 0, headers: {}, body: undefined }])
})

it.each([
  [[], "no"],
  [["perhaps"], "perhaps"],
  [["yes"], "yes"],
  [["yes", "perhaps"], "yes"],
  [["perhaps", "yes"], "yes"]
] as const)("after %j has left, an error knows that %s has", (reported, expected) => {
  const report = new Report()
  for (const left of reported) report.left(left)
  report.failed("broken")
  assert.deepStrictEqual(report.errors, [["broken", expected]])
})
