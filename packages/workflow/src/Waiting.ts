/**
 * How an erasure waits: on the engine's durable clock, until somebody wakes it, with a note that says for what.
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
import { durably, type Unreadable } from "./Round.js"

// The memory engine sleeps by `Effect.sleep`, which above 2^31-1 milliseconds never ends.
const LONGEST = Duration.toMillis("24 hours")
const FIRST_LOOK = Duration.toMillis("1 minute")

/**
 * The value of a deferred; none while it is not done.
 *
 * @internal
 */
export const resultOf = <Success extends Schema.Schema.Any>(deferred: DurableDeferred.DurableDeferred<Success>) =>
  Effect.gen(function* () {
    const engine = yield* WorkflowEngine
    const exit = yield* durably(deferred.name, engine.deferredResult(deferred))
    return exit === undefined ? Option.none() : Option.some(yield* exit)
  })

/**
 * Suspends the execution until `end` or until it is `woken`, and gives whether it was woken. A later run passes here at once.
 * `begins` runs when the wait begins, and again if the process ended at that moment.
 *
 * @internal
 */
export const wait = <E, R, R2>(options: {
  readonly name: string
  readonly end: DateTime.Utc
  readonly note: Note
  readonly woken: Effect.Effect<boolean, E, R>
  readonly begins: Effect.Effect<void, never, R2>
  /** After this time at most, the execution runs again from its start and then goes on waiting. */
  readonly longest?: Duration.DurationInput
}): Effect.Effect<boolean, E | Unreadable, R | R2 | WorkflowEngine | WorkflowInstance> =>
  Effect.gen(function* () {
    const { end, name, note, woken } = options
    const longest = Duration.toMillis(options.longest ?? LONGEST)
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
      const clock = DurableClock.make({ name: `${name}/${part}`, duration: Math.min(rest, longest) })
      if (Option.isNone(yield* resultOf(clock.deferred))) {
        if (part === 1) {
          yield* options.begins
        }
        yield* durably(name, engine.scheduleClock(instance.workflow, { executionId: instance.executionId, clock }))
        instance.cause = Cause.die(new Noted(encodeNote(note)))
        return yield* Workflow.suspend(instance)
      }
    }
  })

// Of JavaScript's dates.
const END_OF_TIME = DateTime.unsafeMake(8.64e15)

/**
 * How often an erasure checks whether the value can now be read.
 *
 * @internal
 */
export const RELOOK = Duration.hours(1)

/**
 * Suspends a workflow of the user's, which has no deadline, until a version runs that can read the value.
 *
 * @internal
 */
export const forUpgrade = (value: string, customer: string) =>
  wait({
    name: `${value}/Upgrade`,
    end: END_OF_TIME,
    note: { status: new ErasureWaiting({ for: "Upgrade", until: END_OF_TIME, attempts: [] }), customer },
    woken: Effect.succeed(false),
    begins: Effect.logError(unreadable(value)),
    longest: RELOOK
  }).pipe(Effect.zipRight(Effect.never))

/** @internal */
export const unreadable = (value: string) =>
  `An erasure waits for an upgrade: another version stored ${value}, and this version can't read it. Run the version that stored it, or a newer one`

/**
 * Runs a child. The engine wakes only the workflow that started it. So each one that joined also looks by itself: after a
 * minute, and then after waits that double.
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
          const { executionId, workflow } = instance
          return yield* durably(clock.name, engine.scheduleClock(workflow, { executionId, clock }))
        }
      }
    })
    // A clock's result has no content, so that every version can read it.
    return yield* Effect.onInterrupt(effect, () => (instance.suspended ? Effect.orDie(wakeUp) : Effect.void))
  })

/** The engine stores a cause with a suspended execution, and `poll` returns it. Only its message is kept. */
class Noted extends Error {
  override readonly name = "ErasureWaiting"
}

const Note = Schema.Struct({
  status: ErasureWaiting,
  /** Whose erasure it is, as `customerKey`. */
  customer: Schema.String
})
type Note = typeof Note.Type
const encodeNote = Schema.encodeSync(Schema.parseJson(Note))

/** What can be read of a note that another version wrote. */
const Foreign = Schema.Struct({
  status: Schema.Struct({ until: Schema.DateTimeUtc }),
  customer: Schema.optional(Schema.String)
})

/**
 * What a suspended execution waits for, from the message that it left. None if the message is not a note.
 *
 * @internal
 */
export const parseNote = (message: unknown): Option.Option<{ status: ErasureWaiting; customer?: string | undefined }> =>
  Option.orElse(Schema.decodeUnknownOption(Schema.parseJson(Note))(message), () =>
    Option.map(Schema.decodeUnknownOption(Schema.parseJson(Foreign))(message), ({ customer, status: { until } }) => ({
      status: new ErasureWaiting({ for: "Upgrade", until, attempts: [] }),
      customer
    }))
  )

/** @internal */
export const noteOf = ({ cause }: Workflow.Suspended) =>
  Option.fromNullable(cause).pipe(
    Option.flatMap(Cause.dieOption),
    Option.flatMap((defect) => (defect instanceof Error ? parseNote(defect.message) : Option.none()))
  )

/**
 * Identifies a customer without naming them, for comparisons.
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
