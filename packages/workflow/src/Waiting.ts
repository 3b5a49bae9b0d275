/**
 * How an erasure waits: on the engine's durable clock, until somebody wakes it, and for all to see.
 *
 * @since 0.1.0
 */
import * as DurableClock from "@effect/workflow/DurableClock"
import type * as DurableDeferred from "@effect/workflow/DurableDeferred"
import * as Workflow from "@effect/workflow/Workflow"
import { WorkflowEngine, WorkflowInstance } from "@effect/workflow/WorkflowEngine"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ErasureWaiting } from "./Erasure.js"
import { durably } from "./Round.js"

// The memory engine sleeps by `Effect.sleep`, which above 2^31-1 milliseconds never ends.
const LONGEST = Duration.toMillis("24 hours")
const FIRST_LOOK = Duration.toMillis("1 minute")

/**
 * What a deferred was done with; none while it was not.
 *
 * @internal
 */
export const resultOf = <Success extends Schema.Schema.Any>(deferred: DurableDeferred.DurableDeferred<Success>) =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine
    const exit = yield* durably(engine.deferredResult(deferred))
    return exit === undefined ? Option.none() : Option.some(yield* exit)
  })

/**
 * Suspends the execution until the time has come or it is `woken`, and gives whether it was. A run that comes by here
 * later passes.
 *
 * @internal
 */
export const wait = <R>(
  name: string,
  end: DateTime.Utc,
  note: typeof noteSchema.Type,
  woken: Effect.Effect<boolean, never, R>
): Effect.Effect<boolean, never, R | WorkflowEngine | WorkflowInstance> =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine
    const instance = yield* WorkflowInstance
    const until = DateTime.toEpochMillis(end)
    for (let part = 1; ; part++) {
      if (yield* woken) {
        return true
      }
      const rest = until - (yield* Clock.currentTimeMillis)
      if (rest <= 0) {
        return false
      }
      const clock = DurableClock.make({ name: `${name}/${part}`, duration: Math.min(rest, LONGEST) })
      if (Option.isNone(yield* resultOf(clock.deferred))) {
        yield* durably(engine.scheduleClock(instance.workflow, { executionId: instance.executionId, clock }))
        instance.cause = Cause.die(new Note(encodeNote(note)))
        return yield* Workflow.suspend(instance)
      }
    }
  })

/**
 * Runs a child. The engine wakes the workflow that began it, and none that joined, so that each one also looks for itself:
 * after a minute, and twice as long each time.
 *
 * @internal
 */
export const child = <A, E, R>(
  executionId: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | WorkflowEngine | WorkflowInstance> =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine
    const instance = yield* WorkflowInstance
    const wakeUp = Effect.gen(function* () {
      for (let part = 0; ; part++) {
        const duration = Math.min(FIRST_LOOK * 2 ** part, LONGEST)
        const clock = DurableClock.make({ name: `EraseCustomer/${executionId}/${part}`, duration })
        if (Option.isNone(yield* resultOf(clock.deferred))) {
          return yield* durably(engine.scheduleClock(instance.workflow, { executionId: instance.executionId, clock }))
        }
      }
    })
    return yield* Effect.onInterrupt(effect, () => (instance.suspended ? wakeUp : Effect.void))
  })

/** The engine keeps a cause with a suspended execution, and gives it to whoever polls. */
class Note extends Error {
  override readonly name = "ErasureWaiting"
}

const noteSchema = Schema.parseJson(
  Schema.Struct({
    status: ErasureWaiting,
    /** Whose erasure it is, as `customerKey`. */
    customer: Schema.String
  })
)
const encodeNote = Schema.encodeSync(noteSchema)

/** @internal */
export const parseNote = Schema.decodeUnknownOption(noteSchema)

/**
 * What a suspended execution waits for.
 *
 * @internal
 */
export const noteOf = ({ cause }: Workflow.Suspended) =>
  Option.fromNullable(cause).pipe(
    Option.flatMap(Cause.dieOption),
    Option.flatMap((defect) => (defect instanceof Error ? parseNote(defect.message) : Option.none()))
  )

/**
 * Stands for a customer without naming them, where only to be compared.
 *
 * @internal
 */
export const customerKey = (erasureId: string, customerId: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() =>
      globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify([erasureId, customerId])))
    ),
    (digest) => Encoding.encodeHex(new Uint8Array(digest))
  )
