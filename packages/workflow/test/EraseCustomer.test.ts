import { inspect } from "node:util"
import { assert, describe, it, vi } from "@effect/vitest"
import type * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
import {
  DeleteCustomerError,
  DeletionFailed,
  InvalidCustomerId,
  RateLimited,
  RequestFailed,
  Unauthorized,
  UnexpectedResponse
} from "@effect-flowwise/client"
import { FlowwiseTest } from "@effect-flowwise/testing"
import {
  EngineFailed,
  EraseCustomer,
  type ErasureFailed,
  type ErasureIdTaken,
  type ErasureOutcome,
  type InvalidErasure
} from "@effect-flowwise/workflow"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"

// A machine that is busy with other tests takes its time.
vi.setConfig({ testTimeout: 60_000 })

const erasing = (options: EraseCustomer.EraseCustomerOptions = {}) =>
  Effect.provide(
    EraseCustomer.layerWith(options).pipe(
      Layer.provideMerge(WorkflowEngine.layerMemory),
      Layer.provideMerge(FlowwiseTest.layer({ customers: ["cust_1", "cust_2"] }))
    )
  )

const down = new RequestFailed({ message: "Connection refused", reason: "Connection", delivered: "no" })
const request = { erasureId: "dsr-1", customerId: "cust_1" }
const fork = Effect.fork(EraseCustomer.execute(request))
/** To pass days with, since who waits for an outcome asks for it twice a minute. */
const start = Effect.gen(function* () {
  const fiber = yield* Effect.fork(EraseCustomer.start(request))
  yield* pass("10 seconds", "1 second")
  yield* Fiber.join(fiber)
})
/** Both ways to begin an erasure. */
const begins = [
  (erasure: EraseCustomer.ErasureRequest) => Effect.asVoid(EraseCustomer.execute(erasure)),
  (erasure: EraseCustomer.ErasureRequest) => Effect.mapError(EraseCustomer.start(erasure), identity<Problem>)
]
type Problem = EngineFailed | ErasureFailed | InvalidErasure | ErasureIdTaken
const sent = Effect.map(
  Effect.flatMap(FlowwiseTest, ({ requests }) => requests),
  (requests) => requests.length
)
const resultsOf = ({ attempts }: Pick<ErasureOutcome, "attempts">) => attempts.map(({ result }) => result)
const turns = Effect.repeatN(
  Effect.promise(() => new Promise((resolve) => setImmediate(resolve))),
  50
)

/** The execution also waits for real hashes between its sleeps: it has settled when it sleeps again, or is over. */
const settled = turns.pipe(
  Effect.zipRight(Effect.all([TestClock.sleeps(), EraseCustomer.poll(request.erasureId)])),
  Effect.repeat({ until: ([sleeps, found]) => Chunk.isNonEmpty(sleeps) || Option.isSome(found), times: 1_000 })
)

/** Lets so much time pass, step by step, since a single leap of the clock would run ahead of the execution. */
const pass = (duration: Duration.DurationInput, step: Duration.DurationInput = "5 minutes") =>
  Effect.repeatN(
    Effect.zipRight(settled, TestClock.adjust(step)),
    Math.ceil(Duration.toMillis(duration) / Duration.toMillis(step)) - 1
  ).pipe(Effect.zipLeft(settled))

const daysAfterEpoch = (days: number) => DateTime.unsafeMake(Duration.toMillis(Duration.days(days)))

describe("EraseCustomer.execute", () => {
  it.effect("erases a customer, and says when, where and with what result each request was sent", () =>
    Effect.gen(function* () {
      const outcome = yield* EraseCustomer.execute(request)
      assert.strictEqual(outcome.receipt._tag, "CustomerDeleted")
      const [attempt, ...more] = outcome.attempts
      assert.deepStrictEqual(more, [])
      assert.strictEqual(attempt?.result, "CustomerDeleted")
      assert.deepStrictEqual(attempt?.requestId, Option.some("req_1"))
      assert.strictEqual(attempt?.pid, process.pid)
      assert.isNotEmpty(attempt?.host)
      assert.deepStrictEqual(yield* (yield* FlowwiseTest).customers, ["cust_2"])
    }).pipe(erasing())
  )

  it.effect("runs once for an erasure id, however often it is asked for", () =>
    Effect.gen(function* () {
      const outcomes = yield* Effect.all(
        Array.from({ length: 10 }, () => EraseCustomer.execute(request)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size, 1)
      assert.deepStrictEqual(yield* EraseCustomer.execute(request), outcomes[0])
      assert.strictEqual(yield* sent, 1)
    }).pipe(erasing())
  )

  it.effect("takes a first 404 for what it is, and one after a lost answer for ambiguous", () =>
    Effect.gen(function* () {
      const nobody = yield* EraseCustomer.execute({ erasureId: "dsr-2", customerId: "nobody" })
      assert.strictEqual(nobody.receipt._tag === "CustomerAlreadyAbsent" && nobody.receipt.afterAmbiguousAttempt, false)
      yield* (yield* FlowwiseTest).loseAnswer({ times: 1 })
      const fiber = yield* fork
      yield* pass("2 seconds", "500 millis")
      const { receipt, attempts } = yield* Fiber.join(fiber)
      assert.strictEqual(receipt._tag === "CustomerAlreadyAbsent" && receipt.afterAmbiguousAttempt, true)
      assert.deepStrictEqual(
        attempts.map(({ ambiguous, result }) => [result, ambiguous]),
        [
          ["RequestFailed", true],
          ["CustomerNotFound", undefined]
        ]
      )
    }).pipe(erasing())
  )

  it.effect("keeps the doubt of one round for all later ones", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.loseAnswer({ times: 1 })
      const fiber = yield* fork
      yield* pass("1 hour")
      const { receipt, attempts } = yield* Fiber.join(fiber)
      assert.strictEqual(receipt._tag === "CustomerAlreadyAbsent" && receipt.afterAmbiguousAttempt, true)
      assert.strictEqual(attempts.length, 2)
    }).pipe(erasing({ retry: { times: 0 } }))
  )

  it.effect("outlasts an outage of a weekend, with ever longer waits of hours at the most", () =>
    Effect.gen(function* () {
      const fake = yield* FlowwiseTest
      yield* fake.fail(down, { times: 15 })
      yield* start
      yield* pass("60 hours", "1 hour")
      const outcome = yield* EraseCustomer.execute(request)
      assert.strictEqual(outcome.receipt._tag, "CustomerDeleted")
      const gaps = outcome.attempts.slice(1).map(({ at }, index) => DateTime.distance(outcome.attempts[index]!.at, at))
      // It may take a step of this test's clock to wake, and another to look at it.
      assert.isAtMost(Math.max(...gaps), Duration.toMillis("8 hours"))
    }).pipe(erasing({ retry: { times: 0 } }))
  )

  it.effect("waits as long as the server asks for", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new RateLimited({ retryAfter: Option.some(Duration.hours(2)) }), { times: 1 })
      const fiber = yield* fork
      yield* pass("119 minutes", "1 minute")
      assert.strictEqual(yield* sent, 1)
      yield* pass("2 minutes", "1 minute")
      assert.deepStrictEqual(resultsOf(yield* Fiber.join(fiber)), ["RateLimited", "CustomerDeleted"])
    }).pipe(erasing())
  )

  it.effect("waits for credentials that work, and doesn't fail for those that don't", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new Unauthorized(), { times: 3 })
      const fiber = yield* fork
      yield* pass("30 seconds", "10 seconds")
      const waiting = Option.getOrThrow(yield* EraseCustomer.poll("dsr-1"))
      assert.strictEqual(waiting._tag === "ErasureWaiting" && waiting.for, "Credentials")
      yield* pass("10 minutes", "30 seconds")
      assert.deepStrictEqual(resultsOf(yield* Fiber.join(fiber)), [
        ...["Unauthorized", "Unauthorized", "Unauthorized"],
        "CustomerDeleted"
      ])
    }).pipe(erasing())
  )

  it.effect("waits where an answer shows a wrong address, which somebody will correct", () =>
    Effect.gen(function* () {
      const page = { message: "404, not in the vendor's words", status: 404, error: Option.none(), body: "<h1>" }
      const wrong = new UnexpectedResponse({ ...page, retryAfter: Option.none(), requestId: Option.none() })
      yield* (yield* FlowwiseTest).fail(wrong, { times: 1 })
      const fiber = yield* fork
      yield* pass("2 minutes", "10 seconds")
      const { attempts, receipt } = yield* Fiber.join(fiber)
      assert.strictEqual(receipt._tag, "CustomerDeleted")
      assert.deepStrictEqual(resultsOf({ attempts }), ["UnexpectedResponse", "CustomerDeleted"])
    }).pipe(erasing())
  )

  for (const customerId of ["", "..", "\ud800", "x".repeat(1025)]) {
    it.effect(`fails at once for an id that can't be sent: ${customerId.length} characters`, () =>
      Effect.gen(function* () {
        const failed = yield* Effect.flip(EraseCustomer.execute({ ...request, customerId }))
        assert.strictEqual(failed._tag === "ErasureFailed" && failed.reason, "InvalidCustomerId")
        assert.strictEqual(yield* sent, 0)
      }).pipe(erasing())
    )
  }

  it.effect("fails at once where the vendor refuses the id", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new InvalidCustomerId({ customerId: "cust_1", rejectedBy: "server" }))
      const failed = yield* Effect.flip(EraseCustomer.execute(request))
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.reason, "InvalidCustomerId")
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.mayBeGone, false)
      assert.strictEqual(yield* sent, 1)
    }).pipe(erasing())
  )

  it.effect("fails after 30 days with its whole history, and warns once at 24", () => {
    const warnings: Array<number> = []
    const logger = Logger.make(({ annotations, date, message }) => {
      const ours = HashMap.get(annotations, "erasureId").pipe(Option.contains<unknown>("dsr-1"))
      if (ours && String(message).includes("80 %")) warnings.push(date.getTime())
    })
    return Effect.gen(function* () {
      const { fail } = yield* FlowwiseTest
      yield* fail(new DeletionFailed({ customerId: "cust_1" }))
      yield* start
      // Few rounds, since each of them goes through all that were before.
      yield* fail(new RateLimited({ retryAfter: Option.some(Duration.hours(12)) }))
      yield* pass("31 days", "1 hour")
      const failed = yield* Effect.flip(EraseCustomer.execute(request))
      assert.strictEqual(failed._tag, "ErasureFailed")
      if (failed._tag !== "ErasureFailed") return
      assert.strictEqual(failed.reason, "DeadlineExceeded")
      assert.strictEqual(failed.mayBeGone, true)
      assert.strictEqual(failed.attempts.length, yield* sent)
      assert.isAbove(failed.attempts.length, 50)
      assert.isTrue(failed.attempts.every(({ at }) => DateTime.lessThan(at, daysAfterEpoch(30))))
      const [warned, ...more] = warnings.map((at) => at / Duration.toMillis("1 day"))
      assert.deepStrictEqual(more, [])
      assert.isAtLeast(warned!, 24)
      assert.isBelow(warned!, 25)
    }).pipe(erasing(), Effect.provide(Logger.add(logger)))
  })

  it.effect("fails without a request where the deadline is over already", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("31 days")
      const failed = yield* Effect.flip(EraseCustomer.execute({ ...request, receivedAt: daysAfterEpoch(0) }))
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.reason, "DeadlineExceeded")
      assert.strictEqual(yield* sent, 0)
    }).pipe(erasing())
  )
})

describe("EraseCustomer, with what it can't start", () => {
  const refused = (title: string, field: InvalidErasure["field"], bad: Partial<EraseCustomer.ErasureRequest>) =>
    it.effect(`refuses ${title}, and starts nothing`, () =>
      Effect.gen(function* () {
        for (const begin of begins) {
          const error = yield* Effect.flip(begin({ ...request, ...bad }))
          assert.strictEqual(error._tag === "InvalidErasure" && error.field, field)
        }
        assert.strictEqual(yield* sent, 0)
        assert.deepStrictEqual(yield* EraseCustomer.poll(bad.erasureId ?? request.erasureId), Option.none())
      }).pipe(erasing())
    )

  refused("an empty erasure id", "erasureId", { erasureId: "" })
  refused("a blank erasure id", "erasureId", { erasureId: " " })
  refused("an erasure id of 256 characters", "erasureId", { erasureId: "x".repeat(256) })
  refused("half of a surrogate pair, which hashes as any other half", "erasureId", { erasureId: "\ud800" })
  refused("an erasure id that is the customer id", "erasureId", { erasureId: "cust_1" })
  refused("a receivedAt in the future", "receivedAt", { receivedAt: DateTime.unsafeMake(301_000) })
  refused("an erasure id that is no string", "erasureId", { erasureId: 42 as unknown as string })
  refused("a customer id that is no string", "customerId", { customerId: undefined as unknown as string })
  refused("a receivedAt that is no DateTime", "receivedAt", { receivedAt: "now" as unknown as DateTime.Utc })

  it.effect("takes a receivedAt that is ahead by no more than clocks differ", () =>
    Effect.gen(function* () {
      const { receivedAt } = yield* EraseCustomer.execute({ ...request, receivedAt: DateTime.unsafeMake(299_000) })
      assert.strictEqual(DateTime.toEpochMillis(receivedAt), 299_000)
    }).pipe(erasing())
  )

  it.effect("refuses an erasure id that stands for another customer, be that gone", () =>
    Effect.gen(function* () {
      yield* EraseCustomer.execute(request)
      for (const begin of begins) {
        const error = yield* Effect.flip(begin({ ...request, customerId: "cust_2" }))
        assert.strictEqual(error._tag, "ErasureIdTaken")
      }
      assert.deepStrictEqual(yield* (yield* FlowwiseTest).customers, ["cust_2"])
    }).pipe(erasing())
  )

  it.effect("refuses an erasure id that stands for another customer, be that waiting", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new Unauthorized())
      yield* start
      for (const begin of begins) {
        const fiber = yield* Effect.fork(Effect.flip(begin({ ...request, customerId: "cust_2" })))
        yield* pass("2 seconds", "500 millis")
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "ErasureIdTaken")
      }
      yield* start
      assert.strictEqual(yield* sent, 1)
    }).pipe(erasing())
  )

  it.effect("refuses an erasure id that stands for another customer, and failed", () =>
    Effect.gen(function* () {
      yield* Effect.flip(EraseCustomer.execute({ ...request, customerId: ".." }))
      const error = yield* Effect.flip(EraseCustomer.execute(request))
      assert.strictEqual(error._tag, "ErasureIdTaken")
    }).pipe(erasing())
  )
})

describe("EraseCustomer.approve, cancel and poll", () => {
  it.effect("sends nothing before the approval, and keeps who gave it and when", () =>
    Effect.gen(function* () {
      yield* start
      yield* pass("26 hours", "1 hour")
      const waiting = Option.getOrThrow(yield* EraseCustomer.poll("dsr-1"))
      assert.strictEqual(waiting._tag === "ErasureWaiting" && waiting.for, "Approval")
      assert.strictEqual(yield* sent, 0)
      yield* EraseCustomer.approve("dsr-1", "Data protection officer")
      yield* EraseCustomer.approve("dsr-1", "Somebody else")
      yield* pass("2 seconds", "1 second")
      const { approval, receipt } = yield* EraseCustomer.execute(request)
      assert.strictEqual(receipt._tag, "CustomerDeleted")
      const { at, by } = Option.getOrThrow(approval)
      assert.strictEqual(by, "Data protection officer")
      assert.strictEqual(DateTime.toEpochMillis(at), Duration.toMillis("26 hours") + 10_000)
    }).pipe(erasing({ approval: true }))
  )

  it.effect("fails where nobody approves in time", () =>
    Effect.gen(function* () {
      yield* start
      yield* pass("8 days", "1 hour")
      const failed = yield* Effect.flip(EraseCustomer.execute(request))
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.reason, "DeadlineExceeded")
      assert.strictEqual(yield* sent, 0)
    }).pipe(erasing({ approval: true, deadline: "7 days" }))
  )

  it.effect("refuses an approval by nobody", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(EraseCustomer.approve("dsr-1", " "))
      assert.strictEqual(error._tag === "InvalidErasure" && error.field, "by")
    }).pipe(erasing({ approval: true }))
  )

  it.effect("ends a waiting erasure when it is cancelled, and says that the customer may be gone", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new DeletionFailed({ customerId: "cust_1" }))
      const fiber = yield* Effect.fork(Effect.flip(EraseCustomer.execute(request)))
      yield* pass("1 minute", "1 second")
      yield* EraseCustomer.cancel("dsr-1")
      yield* pass("1 minute", "1 second")
      const failed = yield* Fiber.join(fiber)
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.reason, "Cancelled")
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.mayBeGone, true)
      const before = yield* sent
      yield* pass("2 days", "1 hour")
      assert.strictEqual(yield* sent, before)
    }).pipe(erasing({ retry: { times: 0 } }))
  )

  it.effect("sends nothing where it was cancelled before it began", () =>
    Effect.gen(function* () {
      yield* EraseCustomer.cancel("dsr-1")
      const failed = yield* Effect.flip(EraseCustomer.execute(request))
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.reason, "Cancelled")
      assert.strictEqual(failed._tag === "ErasureFailed" && failed.mayBeGone, false)
      assert.strictEqual(yield* sent, 0)
    }).pipe(erasing())
  )

  it.effect("knows nothing of an erasure id that nobody used", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* EraseCustomer.poll("nobody's"), Option.none())
    }).pipe(erasing())
  )

  it.effect("gives the outcome of what has ended, and the outcome survives JSON", () =>
    Effect.gen(function* () {
      const outcome = yield* EraseCustomer.execute(request)
      assert.deepStrictEqual(yield* EraseCustomer.poll("dsr-1"), Option.some(outcome))
      const json = Schema.parseJson(EraseCustomer.workflow.successSchema)
      assert.deepStrictEqual(Schema.decodeSync(json)(Schema.encodeSync(json)(outcome)), outcome)
    }).pipe(erasing())
  )
})

describe("EraseCustomer.execute, in a workflow of one's own", () => {
  const Parent = Workflow.make({
    name: "Parent",
    payload: { id: Schema.String },
    success: Schema.String,
    error: Schema.Unknown,
    idempotencyKey: ({ id }) => id
  })
  const parents = Effect.provide(
    Parent.toLayer(() => Effect.map(EraseCustomer.execute(request), ({ receipt }) => receipt._tag)).pipe(
      Layer.provideMerge(EraseCustomer.layerWith({ retry: { times: 0 } })),
      Layer.provideMerge(WorkflowEngine.layerMemory),
      Layer.provideMerge(FlowwiseTest.layer({ customers: ["cust_1"] }))
    )
  )

  it.effect("gives the outcome also to a workflow that joined, which the engine doesn't wake", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new DeletionFailed({ customerId: "cust_1" }), { times: 1 })
      yield* start
      const joined = yield* Effect.fork(Effect.all([Parent.execute({ id: "1" }), Parent.execute({ id: "2" })]))
      yield* pass("5 minutes", "10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(joined), ["CustomerDeleted", "CustomerDeleted"])
    }).pipe(parents)
  )

  it.effect("fails, and interrupts nobody, where the erasure was interrupted and its history is lost", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new DeletionFailed({ customerId: "cust_1" }))
      yield* start
      const receivedAt = yield* DateTime.now
      yield* EraseCustomer.workflow.interrupt(yield* EraseCustomer.workflow.executionId({ ...request, receivedAt }))
      yield* turns
      const poll = Effect.asVoid(EraseCustomer.poll("dsr-1"))
      for (const ask of [...begins.map((begin) => begin(request)), Effect.mapError(poll, identity<Problem>)]) {
        const error = yield* Effect.flip(ask)
        assert.strictEqual(error._tag, "EngineFailed")
        assert.include(error.message, "interrupted")
      }
    }).pipe(parents)
  )
})

describe("EraseCustomer.step", () => {
  const Closing = Workflow.make({
    name: "Closing",
    payload: { customerId: Schema.String },
    success: Schema.Struct({ first: Schema.String, second: Schema.String, ambiguous: Schema.Boolean }),
    error: DeleteCustomerError,
    idempotencyKey: ({ customerId }) => customerId
  })
  const closing = Effect.provide(
    Closing.toLayer(({ customerId }) =>
      Effect.gen(function* () {
        const first = yield* EraseCustomer.step(customerId)
        const second = yield* EraseCustomer.step("cust_2")
        const ambiguous = first._tag === "CustomerAlreadyAbsent" && first.afterAmbiguousAttempt
        return { first: first._tag, second: second._tag, ambiguous }
      })
    ).pipe(
      Layer.provideMerge(WorkflowEngine.layerMemory),
      Layer.provideMerge(FlowwiseTest.layer({ customers: ["cust_1", "cust_2"] }))
    )
  )

  const Twice = Workflow.make({
    name: "Twice",
    payload: { customerId: Schema.String },
    success: Schema.Array(Schema.String),
    error: DeleteCustomerError,
    idempotencyKey: ({ customerId }) => customerId
  })
  const twice = Effect.provide(
    Twice.toLayer(({ customerId }) =>
      Effect.all([EraseCustomer.step(customerId), EraseCustomer.step(customerId)], { concurrency: "unbounded" }).pipe(
        Effect.map((receipts) => receipts.map(({ _tag }) => _tag))
      )
    ).pipe(
      Layer.provideMerge(WorkflowEngine.layerMemory),
      Layer.provideMerge(FlowwiseTest.layer({ customers: ["cust_1"] }))
    )
  )

  it.effect("erases one customer for each step of a workflow, and replays without a request", () =>
    Effect.gen(function* () {
      const done = { first: "CustomerDeleted", second: "CustomerDeleted", ambiguous: false }
      assert.deepStrictEqual(yield* Closing.execute({ customerId: "cust_1" }), done)
      assert.deepStrictEqual(yield* Closing.execute({ customerId: "cust_1" }), done)
      assert.strictEqual(yield* sent, 2)
    }).pipe(closing)
  )

  it.effect("says of a 404 behind a lost answer that it may be its own", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).loseAnswer({ times: 1 })
      const fiber = yield* Effect.fork(Closing.execute({ customerId: "cust_1" }))
      yield* pass("2 seconds", "500 millis")
      assert.isTrue((yield* Fiber.join(fiber)).ambiguous)
    }).pipe(closing)
  )

  it.effect("sends once for two steps at the same time for one customer", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).delay("1 second")
      const fiber = yield* Effect.fork(Twice.execute({ customerId: "cust_1" }))
      yield* pass("5 seconds", "1 second")
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["CustomerDeleted", "CustomerDeleted"])
      assert.strictEqual(yield* sent, 1)
    }).pipe(twice)
  )

  it.effect("fails with what the client fails with", () =>
    Effect.gen(function* () {
      yield* (yield* FlowwiseTest).fail(new Unauthorized())
      assert.strictEqual((yield* Effect.flip(Closing.execute({ customerId: "cust_1" })))._tag, "Unauthorized")
    }).pipe(closing)
  )
})

describe("EraseCustomer, with an engine that can't reach its storage", () => {
  it.effect("keeps what it knows of a request whose result could not be stored at first", () => {
    let failures = 0
    const forgetful = Layer.map(WorkflowEngine.layerMemory, (context) => {
      const engine = Context.get(context, WorkflowEngine.WorkflowEngine)
      const { activityExecute } = engine
      // In place, since the engine hands itself to its executions.
      Object.assign(engine, {
        activityExecute: (activity: Activity.Activity, attempt: number) =>
          activity.name.endsWith("/Requests") && failures++ === 0
            ? Effect.zipRight(activity.executeEncoded, Effect.dieMessage("PersistenceError"))
            : activityExecute(activity, attempt)
      })
      return context
    })
    return Effect.gen(function* () {
      const fiber = yield* fork
      yield* pass("10 seconds", "1 second")
      const outcome = yield* Fiber.join(fiber)
      assert.strictEqual(failures, 2)
      assert.strictEqual(outcome.receipt._tag, "CustomerDeleted")
      assert.deepStrictEqual(resultsOf(outcome), ["CustomerDeleted"])
      assert.strictEqual(yield* sent, 1)
    }).pipe(
      Effect.provide(
        EraseCustomer.layer.pipe(
          Layer.provideMerge(forgetful),
          Layer.provideMerge(FlowwiseTest.layer({ customers: ["cust_1"] }))
        )
      )
    )
  })

  const broken = Layer.map(WorkflowEngine.layerMemory, (context) => {
    const refused = Object.assign(new Error("connect to 10.0.0.1 for cust_1"), { code: "ECONNREFUSED" })
    const die = Effect.die(new Error("PersistenceError", { cause: refused }))
    const engine = Context.get(context, WorkflowEngine.WorkflowEngine)
    return Context.make(WorkflowEngine.WorkflowEngine, {
      ...engine,
      execute: () => die,
      poll: () => die,
      deferredDone: () => die
    })
  })
  const operations = {
    execute: EraseCustomer.execute(request),
    start: EraseCustomer.start(request),
    poll: EraseCustomer.poll("dsr-1"),
    approve: EraseCustomer.approve("dsr-1", "Somebody"),
    cancel: EraseCustomer.cancel("dsr-1")
  }
  for (const [name, operation] of Object.entries<Effect.Effect<unknown, unknown, WorkflowEngine.WorkflowEngine>>(
    operations
  )) {
    it.effect(`${name} fails, says why, and quotes nothing`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(operation)
        assert.instanceOf(error, EngineFailed)
        assert.include(error.message, "ECONNREFUSED")
        assert.notInclude(inspect(error, { depth: null }), "cust_1")
      }).pipe(Effect.provide(broken))
    )
  }
})
