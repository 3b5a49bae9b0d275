/**
 * An erasure that survives the process that started it.
 *
 * @since 0.1.0
 * @module
 */
import * as DurableDeferred from "@effect/workflow/DurableDeferred"
import { type WorkflowEngine, WorkflowInstance } from "@effect/workflow/WorkflowEngine"
import type {
  CustomerAlreadyAbsent,
  CustomerDeleted,
  CustomerNotFound,
  DeleteCustomerError,
  FlowwiseClient,
  Retry
} from "@effect-flowwise/client"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Approved, Cancelled, type EraseCustomerOptions, erase, isGone } from "./Erasing.js"
import {
  Approval,
  type EngineFailed,
  type ErasureAttempt,
  type ErasureFailed,
  type ErasureIdTaken,
  type ErasureOutcome,
  type ErasureWaiting,
  InvalidErasure
} from "./Erasure.js"
import {
  asking,
  type ErasureRequest,
  executionIdFor,
  joined,
  look,
  sameCustomer,
  settled,
  tokenFor,
  uninterrupted,
  valid,
  validErasureId,
  workflow
} from "./Execution.js"
import * as Round from "./Round.js"
import * as Waiting from "./Waiting.js"

export type { EraseCustomerOptions, ErasureRequest }
export { workflow }

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
 * Starts an erasure, or joins the one with this erasure id, and waits for its outcome, which may take days. The same erasure
 * id never runs twice. Interrupting this effect ends the wait, not the erasure.
 *
 * - `ErasureFailed`: the deadline is over, the id was refused, or it was cancelled. It holds all attempts.
 * - `InvalidErasure`: an empty erasure id, one that is the customer id, or a `receivedAt` more than 5 minutes ahead.
 * - `ErasureIdTaken`: the erasure id belongs to another customer's erasure, or to a purged one, whose customer is unknown.
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
    // A parent may go on after its child was purged. It asked for this customer before.
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
 * Like `execute`, but doesn't wait for the outcome. It succeeds when the erasure is stored, and has ended or begun to wait.
 * If the vendor answers, that takes no longer than the answer.
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
 * The state of an erasure: its outcome, its failure, or what it waits for. None if there is no such erasure, or if its requests
 * are under way right now.
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
 * Approves an erasure that waits for approval. The first approval counts. It may come before the erasure starts.
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
 * its short retries, goes on. A cancellation may come before the erasure starts.
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
 * Makes sure that a customer is gone, as one durable step of your own workflow. If the step runs again, it gives its stored
 * result and sends nothing. It makes only short retries. For longer ones, execute `workflow` as a child.
 *
 * Otherwise it is like `ensureCustomerDeleted`, also across crashes: `CustomerAlreadyAbsent` has `afterAmbiguousAttempt: true`
 * if an earlier run may have deleted the customer.
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
    // Spans show the names of activities: this one differs between customers and workflows, and names nobody.
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

/** Two steps for one customer share their activities, so they run one after the other. */
const turn = (instance: WorkflowInstance["Type"], key: string) => {
  const ofRun = turns.get(instance) ?? new Map<string, Effect.Semaphore>()
  turns.set(instance, ofRun)
  const semaphore = ofRun.get(key) ?? Effect.unsafeMakeSemaphore(1)
  ofRun.set(key, semaphore)
  return semaphore
}
