/**
 * Asks the engine about one erasure: whether the request is valid, whose erasure it is, and how it ended.
 *
 * @since 0.1.0
 */
import * as DurableDeferred from "@effect/workflow/DurableDeferred"
import * as Workflow from "@effect/workflow/Workflow"
import { WorkflowEngine } from "@effect/workflow/WorkflowEngine"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Approved, Cancelled } from "./Erasing.js"
import {
  EngineFailed,
  ErasureFailed,
  ErasureIdTaken,
  ErasureOutcome,
  type ErasureWaiting,
  InvalidErasure
} from "./Erasure.js"
import * as Round from "./Round.js"
import * as Waiting from "./Waiting.js"

// Clocks of two machines differ.
const SKEW = Duration.toMillis("5 minutes")
const MAX_ERASURE_ID = 255

/**
 * The workflow itself, to execute it as a child of your own or to ask the engine about it. `execute` below also checks
 * what it is given.
 *
 * Its execution id is the engine's hash of the erasure id, so it does not reveal the customer.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 * import * as Effect from "effect/Effect"
 *
 * const resumed = (executionId: string) => Effect.asVoid(EraseCustomer.workflow.resume(executionId))
 * ```
 *
 * @since 0.1.0
 * @category workflows
 */
export const workflow = Workflow.make({
  name: "EraseCustomer",
  payload: { erasureId: Schema.String, customerId: Schema.String, receivedAt: Schema.DateTimeUtc },
  success: ErasureOutcome,
  error: ErasureFailed,
  idempotencyKey: ({ erasureId }) => erasureId
})

/**
 * An erasure to start.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErasureRequest {
  /**
   * The idempotency key: executing the same one again joins the erasure. Logs show it, and spans show its hash, so it must
   * not reveal who the customer is.
   */
  readonly erasureId: string
  readonly customerId: string
  /** When the person asked for it. The deadline counts from here. Default: now. */
  readonly receivedAt?: DateTime.Utc | undefined
}

/**
 * Waits for the outcome. A caller who joined another customer's erasure learns so as soon as that waits, since its state
 * says whose it is. An erasure that ends without a wait is not looked up.
 *
 * @internal
 */
export const joined = (payload: Payload) =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine
    const executionId = yield* executionIdFor(payload.erasureId)
    yield* Effect.annotateCurrentSpan({ executionId })
    const another = yield* Deferred.make<never, ErasureIdTaken>()
    let ours = false
    const compare = Effect.gen(function* () {
      const found = yield* look(payload.erasureId)
      if (Option.isSome(found)) {
        yield* found.value.status._tag === "ErasureWaiting" ? sameKey(payload, found.value.customer) : Effect.void
        ours = true
      }
    }).pipe(
      // Let a look finish: after an interrupted query, some drivers cancel the next one on the connection.
      Effect.uninterruptible,
      Effect.catchAll((taken) => Deferred.fail(another, taken)),
      Effect.provideService(WorkflowEngine, engine)
    )
    const suspendedRetrySchedule = Schedule.tapOutput(seldom, () => (ours ? Effect.void : compare))
    const check = (end: ErasureOutcome | ErasureFailed) => sameCustomer(payload, end)
    const outcome = engine
      .execute(workflow, { executionId, payload: workflow.payloadSchema.make(payload), suspendedRetrySchedule })
      .pipe(Effect.tapBoth({ onFailure: check, onSuccess: check }))
    return yield* Effect.raceFirst(outcome, Deferred.await(another))
  }).pipe(Effect.withSpan("EraseCustomer.execute", { captureStackTrace: false }))

type Payload = typeof workflow.payloadSchema.Type

/** @internal */
export const valid = (request: ErasureRequest) =>
  Effect.gen(function* () {
    const erasureId = yield* validErasureId(request.erasureId)
    const now = yield* DateTime.now
    const { customerId, receivedAt = now } = request
    if (typeof customerId !== "string") {
      return yield* new InvalidErasure({ field: "customerId", message: "The customer id must be a string" })
    }
    if (customerId === erasureId) {
      const message = "The erasure id is the customer id, which would then show in logs and traces. Use another one"
      return yield* new InvalidErasure({ field: "erasureId", message })
    }
    if (!DateTime.isDateTime(receivedAt)) {
      return yield* new InvalidErasure({ field: "receivedAt", message: "receivedAt must be a DateTime" })
    }
    if (DateTime.distance(now, receivedAt) > SKEW) {
      const message = "receivedAt is more than 5 minutes in the future. Give the time at which the person asked"
      return yield* new InvalidErasure({ field: "receivedAt", message })
    }
    return { erasureId, customerId, receivedAt: DateTime.toUtc(receivedAt) }
  })

/** @internal */
export const validErasureId = (erasureId: string) =>
  Effect.suspend(() => {
    const why =
      typeof erasureId !== "string" || erasureId.trim() === ""
        ? "is empty"
        : erasureId.length > MAX_ERASURE_ID
          ? `is longer than ${MAX_ERASURE_ID} characters`
          : /\p{Surrogate}/u.test(erasureId)
            ? "holds half of a surrogate pair"
            : undefined
    return why === undefined
      ? Effect.succeed(erasureId)
      : new InvalidErasure({ field: "erasureId", message: `The erasure id ${why}. Nothing was started` })
  })

/** @internal */
export const executionIdFor = (erasureId: string) =>
  workflow.executionId({ erasureId, customerId: "", receivedAt: DateTime.unsafeMake(0) })

/** @internal */
export const tokenFor = (deferred: typeof Approved | typeof Cancelled, erasureId: string) =>
  Effect.map(executionIdFor(erasureId), (executionId) =>
    DurableDeferred.tokenFromExecutionId<Schema.Schema.Any, Schema.Schema.All>(deferred, { workflow, executionId })
  )

/**
 * If the engine interrupts an execution, its callers get an error, and are not interrupted themselves.
 *
 * @internal
 */
export const uninterrupted = <A, E, R>(erasureId: string, effect: Effect.Effect<A, E, R>) =>
  Effect.catchAllCause(effect, (cause) => {
    const message =
      "The erasure was interrupted, and whether the customer is deleted is unknown. Use `cancel` to end one, and another erasure id to begin anew"
    return Cause.isInterruptedOnly(cause)
      ? Effect.die(new EngineFailed({ erasureId, message }))
      : Effect.failCause(cause)
  })

/**
 * The engine dies if it can't reach its storage. The defect may quote a row, so only its code is kept.
 *
 * @internal
 */
export const asking = <A, E, R>(
  erasureId: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | EngineFailed, R> =>
  Effect.catchAllDefect(effect, (defect) => {
    if (defect instanceof EngineFailed) {
      return defect
    }
    if (Round.isUnreadable(defect)) {
      const message =
        "Another version of this package stored what became of the erasure, and this version can't read it. Nothing is lost: ask again with the version that stored it, or a newer one"
      return new EngineFailed({ erasureId, message })
    }
    const code = codeOf(defect)
    const why = code === undefined ? "probably because its storage can't be reached" : `with ${code}`
    return new EngineFailed({
      erasureId,
      message: `The engine failed, ${why}. Your request may or may not be done. Ask again with the same erasure id`
    })
  })

/** The code of a driver, such as `ECONNREFUSED`, from the innermost cause. */
const codeOf = (error: unknown): string | undefined => {
  if (!Predicate.isRecord(error)) {
    return undefined
  }
  const { cause, code } = error
  return codeOf(cause) ?? (typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code) ? code : undefined)
}

interface Found {
  readonly status: ErasureOutcome | ErasureFailed | ErasureWaiting
  /** The customer's key, if the erasure waits. */
  readonly customer?: string | undefined
}

/**
 * What is known of an erasure id.
 *
 * @internal
 */
export const look = (erasureId: string): Effect.Effect<Option.Option<Found>, never, WorkflowEngine> =>
  Effect.gen(function* () {
    if (typeof erasureId !== "string") {
      return Option.none()
    }
    const result = yield* workflow.poll(yield* executionIdFor(erasureId))
    if (result === undefined) {
      return Option.none()
    }
    if (result._tag === "Suspended") {
      return Waiting.noteOf(result)
    }
    return Option.some({ status: yield* uninterrupted(erasureId, Effect.merge(result.exit)) })
  })

const taken = ({ erasureId }: Payload) =>
  new ErasureIdTaken({
    erasureId,
    message: "The erasure id belongs to another customer's erasure, and nothing was started. Use another one"
  })

/** @internal */
export const sameCustomer = (payload: Payload, { customerId }: ErasureOutcome | ErasureFailed) =>
  customerId === payload.customerId ? Effect.void : customerId === "" ? forgotten(payload) : taken(payload)

/** A purged erasure doesn't say whose it was, so the error must not call it another customer's. */
const forgotten = ({ erasureId }: Payload) =>
  new ErasureIdTaken({
    erasureId,
    message: "The erasure id belongs to a purged erasure, and nothing was started. `poll` still gives its outcome"
  })

const often = Schedule.exponential("10 millis").pipe(Schedule.union(Schedule.spaced("1 second")))
const seldom = Schedule.exponential("200 millis", 1.5).pipe(Schedule.union(Schedule.spaced("30 seconds")))

/**
 * Waits until the erasure has ended or waits for longer, and fails if it turns out to be another customer's.
 *
 * @internal
 */
export const settled = (payload: Payload) =>
  Effect.gen(function* () {
    // A `None` counts as a failure, so that `retry` looks again and gives the result.
    // Let a look finish: after an interrupted query, some drivers cancel the next one on the connection.
    const { customer, status } = yield* Effect.flatten(Effect.uninterruptible(look(payload.erasureId))).pipe(
      Effect.retry(often),
      Effect.orDie
    )
    yield* status._tag === "ErasureWaiting" ? sameKey(payload, customer) : sameCustomer(payload, status)
  })

/** Compares the hash that a waiting erasure shows. If another version stored none, the erasure counts as ours. */
const sameKey = (payload: Payload, customer: string | undefined) =>
  Effect.flatMap(Waiting.customerKey(payload.erasureId, payload.customerId), (key) =>
    customer === undefined || customer === key ? Effect.void : taken(payload)
  )
