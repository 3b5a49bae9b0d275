/**
 * An erasure that outlives the process that began it.
 *
 * @since 0.1.0
 */
import * as DurableDeferred from "@effect/workflow/DurableDeferred"
import * as Workflow from "@effect/workflow/Workflow"
import { WorkflowEngine, WorkflowInstance } from "@effect/workflow/WorkflowEngine"
import type {
  CustomerAlreadyAbsent,
  CustomerDeleted,
  CustomerNotFound,
  DeleteCustomerError,
  FlowwiseClient,
  Retry
} from "@effect-flowwise/client"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Approved, Cancelled, type EraseCustomerOptions, erase, isGone } from "./Erasing.js"
import {
  Approval,
  EngineFailed,
  type ErasureAttempt,
  ErasureFailed,
  ErasureIdTaken,
  ErasureOutcome,
  type ErasureWaiting,
  InvalidErasure
} from "./Erasure.js"
import * as Round from "./Round.js"

import * as Waiting from "./Waiting.js"

export type { EraseCustomerOptions }

// Clocks of two machines differ.
const SKEW = Duration.toMillis("5 minutes")
const MAX_ERASURE_ID = 255

/**
 * The workflow itself, to execute it as a child of your own or to ask the engine about it. `execute` below also checks
 * what it is given.
 *
 * Its execution id is the engine's hash of the erasure id, and so tells nothing of the customer.
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
 * Runs erasures on the engine, with options of your own.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 *
 * const patient = EraseCustomer.layerWith({ deadline: "20 days", approval: true, patience: { maxDelay: "2 hours" } })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: EraseCustomerOptions): Layer.Layer<never, never, WorkflowEngine | FlowwiseClient> =>
  workflow.toLayer((payload) => erase(payload, options))

/**
 * `layerWith` its defaults.
 *
 * @example
 * ```ts
 * import * as WorkflowEngine from "@effect/workflow/WorkflowEngine"
 * import { NodeFlowwise } from "@effect-flowwise/node"
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 * import * as Layer from "effect/Layer"
 *
 * const inMemory = EraseCustomer.layer.pipe(
 *   Layer.provideMerge(WorkflowEngine.layerMemory),
 *   Layer.provide(NodeFlowwise.layerConfig)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never, never, WorkflowEngine | FlowwiseClient> = layerWith({})

/**
 * An erasure to start.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErasureRequest {
  /**
   * The idempotency key: whoever executes the same again joins. It shows in logs and spans, as a hash, so that it must
   * not tell who the customer is.
   */
  readonly erasureId: string
  readonly customerId: string
  /** When the person asked for it; now, unless told otherwise. The deadline counts from here. */
  readonly receivedAt?: DateTime.Utc | undefined
}

/**
 * Starts an erasure, or joins the one with this erasure id, and waits for its outcome, if need be for days. The same
 * erasure id never runs twice. Interrupting this ends the wait and not the erasure.
 *
 * - `ErasureFailed`: time ran out, the id was refused, or it was cancelled; with everything that was tried.
 * - `InvalidErasure`: an empty erasure id, one that is the customer id, or a `receivedAt` more than 5 minutes ahead.
 * - `ErasureIdTaken`: another customer's erasure has this erasure id, or one that was purged, which doesn't tell whose it was.
 * - `EngineFailed`: the engine's storage can't be reached. Execute it again.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 * import * as Effect from "effect/Effect"
 *
 * const program = EraseCustomer.execute({ erasureId: "dsr-2026-0042", customerId: "cust_priya_sharma_2024" }).pipe(
 *   Effect.tap((outcome) => Effect.log(`${outcome.receipt._tag} after ${outcome.attempts.length} attempts`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const execute = (
  request: ErasureRequest
): Effect.Effect<ErasureOutcome, ErasureFailed | InvalidErasure | ErasureIdTaken | EngineFailed, WorkflowEngine> =>
  Effect.gen(function* () {
    const payload = yield* valid(request)
    const parent = yield* Effect.serviceOption(WorkflowInstance)
    if (Option.isNone(parent)) {
      return yield* asking(payload.erasureId, uninterrupted(payload.erasureId, joined(payload)))
    }
    // A workflow that goes on after its child was purged asked for it before.
    const check = (end: ErasureOutcome | ErasureFailed) =>
      end.customerId === "" ? Effect.void : sameCustomer(payload, end)
    const outcome = workflow.execute(payload).pipe(Effect.tapBoth({ onFailure: check, onSuccess: check }))
    return yield* Effect.provideService(
      Waiting.child(yield* executionIdFor(payload.erasureId), outcome),
      WorkflowInstance,
      parent.value
    )
  })

/**
 * Waits for the outcome. Whoever joined another customer's erasure learns it when that waits, and not in days: what it
 * waits for tells whose it is. An erasure that ends without a wait is not looked up.
 */
const joined = (payload: Payload) =>
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
      // A look that has begun is let end: to interrupt a query makes some drivers cancel what their connection does next.
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

/**
 * As `execute`, without waiting for the outcome: succeeds when the erasure is durable, and has ended or waits for longer.
 * With a vendor that answers that takes no longer than the answer.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 *
 * const accepted = EraseCustomer.start({ erasureId: "dsr-2026-0042", customerId: "cust_priya_sharma_2024" })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const start = (
  request: ErasureRequest
): Effect.Effect<void, InvalidErasure | ErasureIdTaken | EngineFailed, WorkflowEngine> =>
  Effect.gen(function* () {
    const payload = yield* valid(request)
    yield* asking(payload.erasureId, Effect.zipRight(workflow.execute(payload, { discard: true }), settled(payload)))
  })

/**
 * What became of an erasure id: the outcome, the failure, or what it waits for. None where there is no such erasure, or
 * where it is under way right now.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 *
 * const state = Effect.map(
 *   EraseCustomer.poll("dsr-2026-0042"),
 *   Option.match({ onNone: () => "unknown, or under way", onSome: ({ _tag }) => _tag })
 * )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const poll = (
  erasureId: string
): Effect.Effect<Option.Option<ErasureOutcome | ErasureFailed | ErasureWaiting>, EngineFailed, WorkflowEngine> =>
  asking(
    erasureId,
    Effect.map(
      look(erasureId),
      Option.map(({ status }) => status)
    )
  )

/**
 * Lets an erasure go ahead that waits for it. The first approval counts. One that comes before the erasure holds too.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 *
 * const approved = EraseCustomer.approve("dsr-2026-0042", "Data protection officer")
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const approve = (
  erasureId: string,
  by: string
): Effect.Effect<void, InvalidErasure | EngineFailed, WorkflowEngine> =>
  Effect.gen(function* () {
    yield* validErasureId(erasureId)
    if (typeof by !== "string" || by.trim() === "") {
      return yield* new InvalidErasure({ field: "by", message: "An approval needs the name of who gives it" })
    }
    const at = yield* DateTime.now
    const token = yield* tokenFor(Approved, erasureId)
    yield* asking(erasureId, DurableDeferred.succeed(Approved, { token, value: new Approval({ by, at }) }))
  })

/**
 * Ends an erasure before its next request, as `ErasureFailed` with reason `"Cancelled"`. A request that is under way, with
 * its short retries, goes on. A cancellation that comes before the erasure holds too.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 *
 * const cancelled = EraseCustomer.cancel("dsr-2026-0042")
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const cancel = (erasureId: string): Effect.Effect<void, InvalidErasure | EngineFailed, WorkflowEngine> =>
  Effect.gen(function* () {
    yield* validErasureId(erasureId)
    const token = yield* tokenFor(Cancelled, erasureId)
    yield* asking(erasureId, DurableDeferred.succeed(Cancelled, { token, value: undefined }))
  })

/**
 * Makes sure that a customer is gone, as one durable step of a workflow of your own: run again, it gives what it gave,
 * and sends nothing. It makes short retries, and leaves longer patience to you: execute `workflow` as a child for that.
 *
 * As `ensureCustomerDeleted`, also across crashes: `CustomerAlreadyAbsent` says `afterAmbiguousAttempt: true` where a run
 * before may have deleted the customer.
 *
 * @example
 * ```ts
 * import { EraseCustomer } from "@effect-flowwise/workflow"
 * import * as Effect from "effect/Effect"
 *
 * // In the body of a workflow of your own.
 * const receipt = EraseCustomer.step("cust_priya_sharma_2024").pipe(Effect.map(({ _tag }) => _tag))
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const step = (
  customerId: string,
  options: { readonly retry?: Retry.TransientOptions | undefined } = {}
): Effect.Effect<
  CustomerDeleted | CustomerAlreadyAbsent,
  Exclude<DeleteCustomerError, CustomerNotFound>,
  WorkflowEngine | WorkflowInstance | FlowwiseClient
> =>
  Effect.gen(function* () {
    const instance = yield* WorkflowInstance
    // Activities show in spans: by a name that differs from customer to customer and from workflow to workflow.
    const key = (yield* Waiting.customerKey(instance.executionId, customerId)).slice(0, 16)
    const rounds = Effect.gen(function* () {
      const attempts: Array<ErasureAttempt> = []
      for (let number = 1; ; number++) {
        const round = yield* Round.intend(number, undefined, `EraseCustomer/${key}`)
        const { last, attempts: sent } = yield* round.send(customerId, attempts, options.retry ?? {})
        attempts.push(...sent)
        if (Option.isSome(last)) {
          return yield* isGone(last.value) ? Effect.succeed(last.value) : Effect.fail(last.value)
        }
      }
    })
    return yield* turn(instance, key)
      .withPermits(1)(rounds)
      .pipe(
        Effect.catchTag("Unreadable", ({ value }) => Waiting.forUpgrade(value, key)),
        // A clock's result has no content, so that every version can read it.
        Effect.catchTag("Unreadable", (unreadable) => Effect.die(unreadable))
      )
  })

const turns = new WeakMap<WorkflowInstance["Type"], Map<string, Effect.Semaphore>>()

/** Two steps for one customer at the same time share their activities, which an engine may run at the same time as well. */
const turn = (instance: WorkflowInstance["Type"], key: string) => {
  const ofRun = turns.get(instance) ?? new Map<string, Effect.Semaphore>()
  turns.set(instance, ofRun)
  const semaphore = ofRun.get(key) ?? Effect.unsafeMakeSemaphore(1)
  ofRun.set(key, semaphore)
  return semaphore
}

type Payload = typeof workflow.payloadSchema.Type

const valid = (request: ErasureRequest) =>
  Effect.gen(function* () {
    const erasureId = yield* validErasureId(request.erasureId)
    const now = yield* DateTime.now
    const { customerId, receivedAt = now } = request
    if (typeof customerId !== "string") {
      return yield* new InvalidErasure({ field: "customerId", message: "The customer id must be a string" })
    }
    if (customerId === erasureId) {
      const message =
        "The erasure id is the customer id, which it would show in logs and traces. Give it one of its own"
      return yield* new InvalidErasure({ field: "erasureId", message })
    }
    if (!DateTime.isDateTime(receivedAt)) {
      return yield* new InvalidErasure({ field: "receivedAt", message: "receivedAt must be a DateTime" })
    }
    if (DateTime.distance(now, receivedAt) > SKEW) {
      const message = "receivedAt is in the future, by more than clocks differ. Give the time at which the person asked"
      return yield* new InvalidErasure({ field: "receivedAt", message })
    }
    return { erasureId, customerId, receivedAt: DateTime.toUtc(receivedAt) }
  })

const validErasureId = (erasureId: string) =>
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

const executionIdFor = (erasureId: string) =>
  workflow.executionId({ erasureId, customerId: "", receivedAt: DateTime.unsafeMake(0) })

const tokenFor = (deferred: typeof Approved | typeof Cancelled, erasureId: string) =>
  Effect.map(executionIdFor(erasureId), (executionId) =>
    DurableDeferred.tokenFromExecutionId<Schema.Schema.Any, Schema.Schema.All>(deferred, { workflow, executionId })
  )

/** An execution that the engine interrupted ends whoever asks for it in the same way, unless it is told otherwise. */
const uninterrupted = <A, E, R>(erasureId: string, effect: Effect.Effect<A, E, R>) =>
  Effect.catchAllCause(effect, (cause) => {
    const message =
      "The erasure was interrupted, and whether the customer is deleted is unknown. Use `cancel` to end one, and another erasure id to begin anew"
    return Cause.isInterruptedOnly(cause)
      ? Effect.die(new EngineFailed({ erasureId, message }))
      : Effect.failCause(cause)
  })

/** The engine dies where it can't reach its storage. What it dies of may quote a row, so that only its code is kept. */
const asking = <A, E, R>(erasureId: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | EngineFailed, R> =>
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
    const why = code === undefined ? "mostly since its storage can't be reached" : `with ${code}`
    return new EngineFailed({
      erasureId,
      message: `The engine failed, ${why}. What was asked for may be done or not. Ask again with the same erasure id`
    })
  })

/** The code of a driver, such as `ECONNREFUSED`, at the bottom of what it was wrapped in. */
const codeOf = (error: unknown): string | undefined => {
  if (!Predicate.isRecord(error)) {
    return undefined
  }
  const { cause, code } = error
  return codeOf(cause) ?? (typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code) ? code : undefined)
}

interface Found {
  readonly status: ErasureOutcome | ErasureFailed | ErasureWaiting
  /** Whose erasure it is that waits. */
  readonly customer?: string | undefined
}

/** What is known of an erasure id. */
const look = (erasureId: string): Effect.Effect<Option.Option<Found>, never, WorkflowEngine> =>
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
    message: "The erasure id stands for another customer's erasure, and nothing was started. Use another one"
  })

const sameCustomer = (payload: Payload, { customerId }: ErasureOutcome | ErasureFailed) =>
  customerId === payload.customerId ? Effect.void : customerId === "" ? forgotten(payload) : taken(payload)

/** A purged erasure doesn't tell whose it was, and must not pass for another customer's. */
const forgotten = ({ erasureId }: Payload) =>
  new ErasureIdTaken({
    erasureId,
    message: "The erasure id stands for a purged erasure, and nothing was started. `poll` still gives what became of it"
  })

const often = Schedule.exponential("10 millis").pipe(Schedule.union(Schedule.spaced("1 second")))
const seldom = Schedule.exponential("200 millis", 1.5).pipe(Schedule.union(Schedule.spaced("30 seconds")))

/** Waits until the erasure has ended or waits for longer, and fails if it turns out to be another customer's. */
const settled = (payload: Payload) =>
  Effect.gen(function* () {
    // A none is looked up again, as a failure, since the result of a repetition is its schedule's.
    // A look that has begun is let end: to interrupt a query makes some drivers cancel what their connection does next.
    const { customer, status } = yield* Effect.flatten(Effect.uninterruptible(look(payload.erasureId))).pipe(
      Effect.retry(often),
      Effect.orDie
    )
    yield* status._tag === "ErasureWaiting" ? sameKey(payload, customer) : sameCustomer(payload, status)
  })

/** By the hash that a waiting erasure shows. One that another version stored may show none, and is taken for ours. */
const sameKey = (payload: Payload, customer: string | undefined) =>
  Effect.flatMap(Waiting.customerKey(payload.erasureId, payload.customerId), (key) =>
    customer === undefined || customer === key ? Effect.void : taken(payload)
  )
