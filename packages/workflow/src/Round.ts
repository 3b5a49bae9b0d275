/**
 * One round of requests: an intent that is durable before anything is sent, and then what came of it.
 *
 * @since 0.1.0
 */
import { hostname } from "node:os"
import * as Activity from "@effect/workflow/Activity"
import type { WorkflowEngine, WorkflowInstance } from "@effect/workflow/WorkflowEngine"
import {
  CustomerAlreadyAbsent,
  CustomerDeleted,
  type DeleteCustomerError,
  DeletionFailed,
  deleteCustomer,
  FlowwiseClient,
  InvalidCustomerId,
  isAmbiguous,
  RateLimited,
  RequestFailed,
  Retry,
  Unauthorized,
  UnexpectedResponse
} from "@effect-flowwise/client"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Approval, ErasureAttempt } from "./Erasure.js"

const Intent = Schema.Struct({
  at: Schema.DateTimeUtc,
  host: Schema.String,
  pid: Schema.Int,
  /** Identifies the run that stored it. */
  token: Schema.String,
  approval: Schema.optionalWith(Approval, { as: "Option" }),
  /** Why nothing may be sent. */
  hold: Schema.optionalWith(Schema.Literal("Approval", "Cancelled", "Overdue", "Upgrade"), { as: "Option" })
})

/**
 * Whether a round may send, and who approved it. It is decided once and stored with the intent: a later run may find other
 * options, an approval or a cancellation, although the request has already been sent.
 *
 * @internal
 */
export type Decision = Pick<typeof Intent.Type, "approval" | "hold">

const go: Decision = { approval: Option.none(), hold: Option.none() }

const Round = Schema.Struct({
  attempts: Schema.Array(ErasureAttempt),
  endedAt: Schema.DateTimeUtc,
  /** From 0 to 1, for the wait that may follow. */
  chance: Schema.Number,
  /** None if nothing was sent, because an earlier run may have sent the request. */
  last: Schema.optionalWith(
    Schema.Union(
      CustomerDeleted,
      CustomerAlreadyAbsent,
      InvalidCustomerId,
      Unauthorized,
      DeletionFailed,
      RateLimited,
      UnexpectedResponse,
      RequestFailed
    ),
    { as: "Option" }
  )
})

/** What the activities of a round work on. Making an activity takes longer than running one, so they are made once. */
class Current extends Context.Tag("@effect-flowwise/workflow/Round/Current")<
  Current,
  {
    readonly token: string
    readonly decide: (at: DateTime.Utc) => Effect.Effect<Decision, never, WorkflowEngine | WorkflowInstance>
    readonly requests: Effect.Effect<typeof Round.Type, never, FlowwiseClient>
  }
>() {}

const make = (name: string) => ({
  intent: Activity.make({
    name: `${name}/Intent`,
    success: Intent,
    execute: Effect.gen(function* () {
      const { decide, token } = yield* Current
      const at = yield* DateTime.now
      return { at, ...sender, token, ...(yield* decide(at)) }
    })
  }),
  requests: Activity.make({
    name: `${name}/Requests`,
    success: Round,
    execute: Effect.flatMap(Current, ({ requests }) => requests)
  })
})

const made: Array<ReturnType<typeof make>> = []

const numbered = (number: number) => {
  const activities = made[number] ?? make(`Round/${number}`)
  made[number] = activities
  return activities
}

/**
 * Writes down that a round of requests is about to begin, and gives the round.
 *
 * At most one run sends for an intent. After a crash or an interruption the engine runs an activity again. Such a run finds
 * the intent of another run, or that its own has begun. Then it sends nothing, and gives the known result, or one attempt
 * that is unknown. The next round has an intent of its own.
 *
 * @internal
 */
export const intend = (
  number: number,
  decide: (typeof Current.Service)["decide"] = () => Effect.succeed(go),
  prefix?: string
) =>
  Effect.gen(function* () {
    const activities = prefix === undefined ? numbered(number) : make(`${prefix}/Round/${number}`)
    const token = yield* Effect.sync(() => globalThis.crypto.randomUUID())
    const intent = yield* durably(
      activities.intent.name,
      Effect.provideService(activities.intent, Current, { token, decide, requests: Effect.dieMessage("No intent yet") })
    )
    let begun = intent.token !== token
    let last: (typeof Round.Type)["last"] = Option.none()

    const send = (customerId: string, earlier: ReadonlyArray<ErasureAttempt>, retry: Retry.TransientOptions) => {
      const attempts: Array<ErasureAttempt> = []
      const requests = Effect.gen(function* () {
        if (!begun) {
          begun = true
          last = Option.some(yield* ended(customerId, attempts, earlier, retry))
        } else if (Option.isNone(last) && attempts.at(-1)?.result !== unknown.result) {
          attempts.push(new ErasureAttempt({ at: intent.at, host: intent.host, pid: intent.pid, ...unknown }, true))
        }
        return { attempts: [...attempts], endedAt: yield* DateTime.now, chance: yield* Random.next, last }
      })
      const activity = Effect.provideService(activities.requests, Current, { token, decide, requests })
      return durably(activities.requests.name, activity)
    }
    return { at: intent.at, approval: intent.approval, hold: intent.hold, send }
  })

const sender = { host: hostname(), pid: process.pid }

const died = new RequestFailed({ message: "The client died", reason: "Transport", delivered: "unknown" })

const unknown = { result: "Unknown", ambiguous: true } as const

/** Deletes the customer with short retries in memory, and records every request. */
const ended = (
  customerId: string,
  attempts: Array<ErasureAttempt>,
  earlier: ReadonlyArray<ErasureAttempt>,
  retry: Retry.TransientOptions
) =>
  Effect.gen(function* () {
    const { environment } = yield* FlowwiseClient
    const call = deleteCustomer(customerId)
    const attempt = Effect.flatMap(DateTime.now, (at) =>
      Effect.onExit(call, (exit) =>
        Effect.sync(() => attempts.push(new ErasureAttempt({ at, ...sender, ...resultOf(exit) }, true)))
      )
    )
    return yield* attempt.pipe(
      Retry.transient(retry),
      Effect.catchTag("CustomerNotFound", ({ afterAmbiguousAttempt, requestId }) =>
        Effect.map(
          DateTime.now,
          (observedAt) =>
            new CustomerAlreadyAbsent({
              customerId,
              environment,
              requestId,
              afterAmbiguousAttempt: afterAmbiguousAttempt || earlier.some(({ ambiguous }) => ambiguous),
              observedAt
            })
        )
      ),
      // A defect of the client says nothing about the customer. As the activity's result it would end every later run.
      Effect.catchAllDefect(() => died),
      Effect.merge
    )
  })

const resultOf = (exit: Exit.Exit<CustomerDeleted, DeleteCustomerError>) => {
  const end = Exit.isSuccess(exit) ? exit.value : Option.getOrUndefined(Cause.failureOption(exit.cause))
  if (end === undefined) {
    return unknown
  }
  return {
    result: end._tag,
    ...("requestId" in end && { requestId: end.requestId }),
    ...(end._tag !== "CustomerDeleted" && {
      message: end.message,
      ...(isAmbiguous(end) && { ambiguous: true as const })
    })
  }
}

const again = Schedule.exponential("100 millis").pipe(Schedule.union(Schedule.spaced("5 seconds")))

/**
 * A stored value that another version wrote and this one can't decode. `value` is its name.
 *
 * @internal
 */
export class Unreadable extends Data.TaggedError("Unreadable")<{ readonly value: string }> {}

/**
 * Whether the engine died of a stored value that it could not decode. Asking again would not help.
 *
 * @internal
 */
export const isUnreadable = (defect: unknown): boolean =>
  ParseResult.isParseError(defect) ||
  defect instanceof SyntaxError ||
  (Predicate.hasProperty(defect, "cause") && isUnreadable(defect.cause))

/**
 * The engine dies if it can't reach its storage. An erasure outlives that: it asks again until it can.
 *
 * @internal
 */
export const durably = <A, E, R>(
  value: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Unreadable, R> => {
  const unreadable = (cause: Cause.Cause<E>) => Option.exists(Cause.dieOption(cause), isUnreadable)
  return Effect.sandbox(effect).pipe(
    Effect.retry({
      schedule: again,
      while: (cause) => Cause.isDie(cause) && !Cause.isInterrupted(cause) && !unreadable(cause)
    }),
    Effect.catchAll(
      (cause): Effect.Effect<never, E | Unreadable> =>
        unreadable(cause) ? new Unreadable({ value }) : Effect.failCause(cause)
    )
  )
}
