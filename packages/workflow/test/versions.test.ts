import { fileURLToPath } from "node:url"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, expect, it, vi } from "@effect/vitest"
import {
  DeletionFailed,
  InvalidCustomerId,
  RateLimited,
  RequestFailed,
  Unauthorized,
  UnexpectedResponse
} from "@effect-flowwise/client"
import { FlowwiseTest } from "@effect-flowwise/testing"
import { EraseCustomer, ErasureStorage } from "@effect-flowwise/workflow"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { embedded } from "./fixtures/Embedded.js"
import { collecting, temporaryFile } from "./fixtures/temporary.js"

vi.setConfig({ testTimeout: 60_000 })

const request = { erasureId: "dsr-1", customerId: "cust_1" }
const quick = { patience: { baseDelay: "1 second" }, retry: { times: 0 } } as const
const vendor = Layer.build(FlowwiseTest.layer({ customers: ["cust_1"] }))

/** Polls until the state is as expected. */
const until = (is: (state: { readonly _tag: string; readonly for?: string }) => boolean) =>
  Effect.flatten(EraseCustomer.poll("dsr-1")).pipe(
    Effect.filterOrFail(is),
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.timeout("30 seconds")
  )

const rewritten = (from: string, to: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`UPDATE cluster_replies SET payload = replace(payload, ${from}, ${to})`
  )

describe("14.2 a stored value of another version", () => {
  const unauthorized = `"_tag":"Unauthorized"`
  const legalHold = `"_tag":"LegalHold"`
  /** An erasure that waits, and of which another version has stored what this one doesn't know. */
  const waitingOf = (filename: string, fake: Effect.Effect.Success<typeof vendor>) =>
    Effect.gen(function* () {
      yield* Context.get(fake, FlowwiseTest).fail(new Unauthorized(), { times: 1 })
      const receivedAt = DateTime.subtract(yield* DateTime.now, { hours: 1 })
      yield* EraseCustomer.start({ ...request, receivedAt })
      yield* rewritten(unauthorized, legalHold)
    }).pipe(Effect.provide(Layer.provide(embedded(filename, quick), Layer.succeedContext(fake))))

  it.scopedLive("14.2 is logged and listed, ends at the deadline, and says that the customer may be gone", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const context = yield* vendor
      const { layer, logged } = collecting(LogLevel.Error)
      yield* waitingOf(filename, context)
      const life = (deadline: Duration.DurationInput) =>
        Layer.provide(embedded(filename, { ...quick, deadline }), Layer.succeedContext(context))

      yield* Effect.gen(function* () {
        const state = yield* until((state) => state.for === "Upgrade")
        assert.strictEqual(state._tag, "ErasureWaiting")
        const [only, ...more] = yield* ErasureStorage.waiting
        assert.deepStrictEqual(more, [])
        assert.strictEqual(only?.erasureId, "dsr-1")
        assert.strictEqual(only?.status.for, "Upgrade")
        const [line, ...lines] = logged
        assert.deepStrictEqual(lines, [])
        assert.include(line?.message, "Round/1/Requests")
        assert.strictEqual(line?.annotations.erasureId, "dsr-1")
        assert.notInclude(JSON.stringify(logged), "cust_1")
        // A wake-up changes nothing: no request, and no end before its time.
        yield* EraseCustomer.workflow.resume(
          yield* EraseCustomer.workflow.executionId({ ...request, receivedAt: yield* DateTime.now })
        )
        yield* until((state) => state.for === "Upgrade")
      }).pipe(Effect.provide(life("30 days")), Effect.provide(layer))

      const failed = yield* Effect.gen(function* () {
        const executionId = yield* EraseCustomer.workflow.executionId({ ...request, receivedAt: yield* DateTime.now })
        // In place of the hour after which it looks by itself.
        yield* EraseCustomer.workflow.resume(executionId)
        return yield* until(({ _tag }) => _tag === "ErasureFailed")
      }).pipe(Effect.provide(life("30 minutes")), Effect.provide(layer))
      assert.strictEqual(failed._tag, "ErasureFailed")
      if (failed._tag !== "ErasureFailed") return
      assert.strictEqual(failed.reason, "DeadlineExceeded")
      assert.isTrue(failed.mayBeGone)
      assert.include(failed.message, "Round/1/Requests")
      assert.strictEqual((yield* Context.get(context, FlowwiseTest).requests).length, 1)
    })
  )

  it.scopedLive("14.2 goes on where the version that stored it runs again, and can be cancelled before", () =>
    Effect.gen(function* () {
      for (const end of ["upgrade", "cancel"] as const) {
        const filename = yield* temporaryFile
        const context = yield* vendor
        yield* waitingOf(filename, context)
        const ended = yield* Effect.gen(function* () {
          yield* until((state) => state.for === "Upgrade")
          if (end === "upgrade") {
            yield* rewritten(legalHold, unauthorized)
            const receivedAt = yield* DateTime.now
            yield* EraseCustomer.workflow.resume(yield* EraseCustomer.workflow.executionId({ ...request, receivedAt }))
          } else {
            yield* EraseCustomer.cancel("dsr-1")
          }
          return yield* until(({ _tag }) => _tag !== "ErasureWaiting")
        }).pipe(
          Effect.provide(Layer.provide(embedded(filename, quick), Layer.succeedContext(context))),
          Effect.provide(collecting().layer)
        )
        if (end === "upgrade") {
          assert.strictEqual(ended._tag, "ErasureOutcome")
        } else {
          assert.strictEqual(ended._tag === "ErasureFailed" && ended.reason, "Cancelled")
          assert.strictEqual(ended._tag === "ErasureFailed" && ended.mayBeGone, true)
        }
      }
    })
  )

  it.scopedLive("14.2 an approval that can't be read sends nothing, and is not lost", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const context = yield* vendor
      const life = Layer.provide(embedded(filename, { ...quick, approval: true }), Layer.succeedContext(context))
      yield* Effect.gen(function* () {
        yield* EraseCustomer.approve("dsr-1", "Data protection officer")
        const sql = yield* SqlClient.SqlClient
        const approved = sql<{ left: number }>`SELECT count(*) AS "left" FROM cluster_messages WHERE processed = 0`
        yield* approved.pipe(
          Effect.filterOrFail(([row]) => row?.left === 0),
          Effect.retry(Schedule.spaced("50 millis"))
        )
        yield* rewritten(`"by":`, `"who":`)
        yield* EraseCustomer.start(request)
        const state = Option.getOrThrow(yield* EraseCustomer.poll("dsr-1"))
        assert.strictEqual(state._tag === "ErasureWaiting" && state.for, "Upgrade")
        assert.deepStrictEqual(yield* Context.get(context, FlowwiseTest).requests, [])
      }).pipe(Effect.provide(life), Effect.provide(collecting().layer))
    })
  )

  it.scopedLive("14.2 an end that can't be read is told apart from a lost database", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const context = yield* vendor
      yield* Effect.gen(function* () {
        yield* EraseCustomer.execute(request)
        yield* rewritten(`"_tag":"CustomerDeleted"`, `"_tag":"CustomerArchived"`)
        const asks = [
          Effect.asVoid(EraseCustomer.execute(request)),
          Effect.asVoid(EraseCustomer.poll("dsr-1")),
          EraseCustomer.start(request)
        ]
        for (const error of yield* Effect.forEach(asks, (ask) => Effect.flip(ask as (typeof asks)[0]))) {
          assert.strictEqual(error._tag, "EngineFailed")
          assert.include(error.message, "Another version")
        }
      }).pipe(
        Effect.provide(Layer.provide(embedded(filename, quick), Layer.succeedContext(context))),
        Effect.provide(collecting().layer)
      )
    })
  )

  it.scopedLive("14.2 a wait for something unknown is listed, and a field that was added is read over", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const context = yield* vendor
      yield* Context.get(context, FlowwiseTest).fail(new Unauthorized(), { times: 1 })
      yield* Effect.gen(function* () {
        yield* EraseCustomer.start(request)
        yield* rewritten(`"result":"Unauthorized"`, `"result":"Unauthorized","added":[1]`)
        yield* rewritten(`\\"for\\":`, `\\"added\\":{},\\"for\\":`)
        assert.deepStrictEqual(
          (yield* ErasureStorage.waiting).map(({ status }) => [status.for, status.attempts.length]),
          [["Credentials", 1]]
        )
        yield* rewritten(`\\"for\\":\\"Credentials\\"`, `\\"for\\":\\"Court\\"`)
        const [only] = yield* ErasureStorage.waiting
        assert.strictEqual(only?.status.for, "Upgrade")
        assert.strictEqual((yield* until(() => true))._tag, "ErasureWaiting")
      }).pipe(
        Effect.provide(
          Layer.provide(
            embedded(filename, { ...quick, patience: { baseDelay: "2 seconds" } }),
            Layer.succeedContext(context)
          )
        )
      )
      const ended = yield* until(({ _tag }) => _tag === "ErasureOutcome").pipe(
        Effect.provide(Layer.provide(embedded(filename, quick), Layer.succeedContext(context))),
        Effect.provide(collecting().layer)
      )
      assert.strictEqual(ended._tag === "ErasureOutcome" && ended.attempts.length, 2)
    })
  )
})

describe("14.2 golden files", () => {
  interface Stored {
    readonly tag: string
    readonly entity_type: string
    readonly message_id: string
    readonly payload: unknown
    readonly reply: unknown
  }
  const golden = fileURLToPath(new URL("golden/stored.json", import.meta.url))

  /** What differs from run to run, in a form that can be read again. */
  const settled = (key: string, value: unknown) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)
      ? "2026-01-01T00:00:00.000Z"
      : key === "host"
        ? "runner-1"
        : key === "pid"
          ? 1
          : key === "wakeUp"
            ? 0
            : key === "token"
              ? "00000000-0000-4000-8000-000000000000"
              : key === "chance"
                ? 0.5
                : key === "message" && typeof value === "string" && value.startsWith("{")
                  ? JSON.parse(value, (key, value) => settled(key, value))
                  : key === "stack"
                    ? undefined
                    : value

  const erase = (erasureId: string) => ({ erasureId, customerId: `customer of ${erasureId}` })
  const none = Option.none()

  it.scopedLive("14.2 every stored value has the format of the golden file", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const first = yield* Layer.build(
        FlowwiseTest.layer({ customers: ["customer of deleted", "customer of approved"] })
      )
      const fake = Context.get(first, FlowwiseTest)
      const errors = {
        Unauthorized: new Unauthorized(),
        DeletionFailed: new DeletionFailed({ customerId: "customer of DeletionFailed" }),
        RateLimited: new RateLimited({ retryAfter: Option.some(Duration.hours(2)) }),
        UnexpectedResponse: new UnexpectedResponse({
          message: "A page",
          status: 404,
          error: none,
          body: "<h1>",
          retryAfter: none,
          requestId: none
        }),
        RequestFailed: new RequestFailed({ message: "No answer", reason: "Timeout", delivered: "unknown" }),
        InvalidCustomerId: new InvalidCustomerId({ customerId: "customer of InvalidCustomerId", rejectedBy: "server" })
      }
      for (const [name, error] of Object.entries(errors)) {
        yield* fake.fail(error, { customerId: `customer of ${name}`, times: 1 })
      }
      yield* Effect.gen(function* () {
        yield* EraseCustomer.execute(erase("deleted"))
        yield* EraseCustomer.execute(erase("absent"))
        for (const name of Object.keys(errors)) yield* EraseCustomer.start(erase(name))
        yield* EraseCustomer.cancel("cancelled")
        yield* Effect.flip(EraseCustomer.execute(erase("cancelled")))
        const past = DateTime.subtract(yield* DateTime.now, { days: 31 })
        yield* Effect.flip(EraseCustomer.execute({ ...erase("overdue"), receivedAt: past }))
      }).pipe(Effect.provide(Layer.provide(embedded(filename, { retry: { times: 0 } }), Layer.succeedContext(first))))
      const rows = yield* Effect.gen(function* () {
        yield* EraseCustomer.start(erase("unapproved"))
        yield* EraseCustomer.approve("approved", "Data protection officer")
        yield* EraseCustomer.execute(erase("approved"))
        const sql = yield* SqlClient.SqlClient
        return yield* sql<Stored>`
          SELECT m.tag, m.entity_type, m.message_id, m.payload, r.payload AS reply
          FROM cluster_messages m LEFT JOIN cluster_replies r ON r.id = m.last_reply_id ORDER BY m.message_id`
      }).pipe(
        Effect.provide(
          Layer.provide(embedded(filename, { approval: true, retry: { times: 0 } }), Layer.succeedContext(first))
        )
      )
      const json = rows.map(({ payload, reply, ...row }) => ({
        ...row,
        payload: JSON.parse(payload as string, settled),
        reply: reply === null ? null : JSON.parse(reply as string, settled)
      }))
      yield* Effect.promise(() => expect(`${JSON.stringify(json, null, 2)}\n`).toMatchFileSnapshot(golden))
    }).pipe(Effect.provide(collecting().layer))
  )
})
