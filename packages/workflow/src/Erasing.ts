/**
 * What an erasure does from its start to its end.
 *
 * @since 0.1.0
 */
import * as Activity from "@effect/workflow/Activity"
import * as DurableDeferred from "@effect/workflow/DurableDeferred"
import type { DeleteCustomerError, Retry } from "@effect-flowwise/client"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Approval, type ErasureAttempt, ErasureFailed, ErasureOutcome, ErasureWaiting } from "./Erasure.js"
import * as Round from "./Round.js"
import * as Waiting from "./Waiting.js"

const DAY = Duration.toMillis("1 day")
// Of JavaScript's dates.
const LAST = 8.64e15

/** @internal */
export const Approved = DurableDeferred.make("Approved", { success: Approval })

/** @internal */
export const Cancelled = DurableDeferred.make("Cancelled")

/** By it the engine interrupts a workflow, say with its parent, and would lose what was sent. */
const Interrupted = DurableDeferred.make("Workflow/InterruptSignal")

/** @internal */
export const isGone = Schema.is(ErasureOutcome.fields.receipt)

interface Payload {
  readonly erasureId: string
  readonly customerId: string
  readonly receivedAt: DateTime.Utc
}

/**
 * What `layerWith` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface EraseCustomerOptions {
  /** How long after `receivedAt` an erasure fails; 30 days unless told otherwise. It warns at 80 %. */
  readonly deadline?: Duration.DurationInput | undefined
  /** Whether nothing is sent before `approve`; not unless told otherwise. */
  readonly approval?: boolean | undefined
  /** The short retries, in memory; as `Retry.transient` unless told otherwise. */
  readonly retry?: Retry.TransientOptions | undefined
  /** The long waits between them, on the durable clock. */
  readonly patience?:
    | {
        /** The first wait, 1 minute unless told otherwise; each one is twice as long. */
        readonly baseDelay?: Duration.DurationInput | undefined
        /** No wait is longer, but for the server's `retryAfter`; 6 hours unless told otherwise. */
        readonly maxDelay?: Duration.DurationInput | undefined
      }
    | undefined
}

/**
 * The workflow's body. It is run from its start whenever the erasure goes on; what activities gave is given again.
 *
 * @internal
 */
export const erase = (payload: Payload, { approval: needsApproval = false, ...options }: EraseCustomerOptions) =>
  Effect.gen(function* () {
    const { erasureId, customerId } = payload
    const received = DateTime.toEpochMillis(payload.receivedAt)
    const allowed = Duration.toMillis(options.deadline ?? 30 * DAY)
    const deadline = DateTime.unsafeMake(Math.min(received + allowed, LAST))
    const warning = DateTime.unsafeMake(Math.min(received + allowed * 0.8, LAST))
    const attempts: Array<ErasureAttempt> = []
    const key = yield* Effect.cached(Waiting.customerKey(erasureId, customerId))
    let approval = Option.none<Approval>()
    let warned = false

    const fail = (reason: ErasureFailed["reason"], why: string) => {
      const mayBeGone = attempts.some(({ ambiguous }) => ambiguous)
      const message = `${why}. ${mayBeGone ? "The customer may or may not be deleted" : "Nobody was deleted"}`
      return Effect.fail(new ErasureFailed({ ...payload, attempts, approval, reason, message, mayBeGone }))
    }

    const warn = Activity.make({
      name: "Warning",
      execute: Effect.logWarning("An erasure has used 80 % of its time, and the customer is not gone").pipe(
        Effect.annotateLogs({ erasureId, deadline: DateTime.formatIso(deadline) })
      )
    })

    // At most until the deadline, with a warning on the way. What comes of it is the next round's to decide.
    const wait = <R>(
      name: string,
      waitsFor: ErasureWaiting["for"],
      until: DateTime.Utc,
      woken: Effect.Effect<boolean, never, R>
    ) =>
      Effect.gen(function* () {
        const end = DateTime.min(until, deadline)
        const customer = yield* key
        const status = new ErasureWaiting({ for: waitsFor, until: end, attempts: [...attempts] })
        if (!warned && DateTime.lessThan(warning, end)) {
          if (yield* Waiting.wait(`${name}/Warning`, warning, { status, customer }, woken)) {
            return
          }
          yield* Round.durably(warn)
          warned = true
        }
        yield* Waiting.wait(name, end, { status, customer }, woken)
      })

    const either = (...deferreds: ReadonlyArray<typeof Approved | typeof Cancelled>) =>
      Effect.exists(deferreds, (deferred) =>
        Effect.map(Waiting.resultOf<Schema.Schema.AnyNoContext>(deferred), Option.isSome)
      )
    const stopped = either(Cancelled, Interrupted)

    const decide = (number: number) => (at: DateTime.Utc) =>
      Effect.gen(function* () {
        const approval = needsApproval ? yield* Waiting.resultOf(Approved) : Option.none()
        // What has not waited yet was not interrupted in it: one look less for nearly all erasures.
        const hold = (yield* number === 1 ? either(Cancelled) : stopped)
          ? Option.some("Cancelled" as const)
          : DateTime.greaterThanOrEqualTo(at, deadline)
            ? Option.some("Overdue" as const)
            : needsApproval && Option.isNone(approval)
              ? Option.some("Approval" as const)
              : Option.none()
        return { approval, hold }
      })

    for (let number = 1, failures = 0; ; number++) {
      const round = yield* Round.intend(number, decide(number))
      approval = Option.orElse(round.approval, () => approval)
      const hold = Option.getOrUndefined(round.hold)
      if (hold === "Cancelled") {
        return yield* fail("Cancelled", "The erasure was cancelled")
      }
      if (hold === "Overdue") {
        const unapproved = needsApproval && Option.isNone(approval)
        return yield* fail(
          "DeadlineExceeded",
          unapproved ? "Nobody approved the erasure in time" : "The erasure has used up its time"
        )
      }
      if (hold === "Approval") {
        if (needsApproval) {
          yield* wait(`${number}`, "Approval", deadline, either(Approved, Cancelled, Interrupted))
        }
        continue
      }
      const { attempts: sent, chance, endedAt, last } = yield* round.send(customerId, attempts, options.retry ?? {})
      attempts.push(...sent)
      if (Option.isNone(last)) {
        // The run that sent is gone, and with it the answer: ask again at once.
        continue
      }
      if (isGone(last.value)) {
        // Unchecked: all of it is ours.
        return new ErasureOutcome({ ...payload, attempts, approval, receipt: last.value }, true)
      }
      const error = last.value
      if (error._tag === "InvalidCustomerId") {
        return yield* fail("InvalidCustomerId", error.message)
      }
      const pause = longWait(error, failures++, chance, options.patience)
      const waitsFor = error._tag === "Unauthorized" ? "Credentials" : "Vendor"
      yield* wait(`${number}`, waitsFor, DateTime.addDuration(endedAt, pause), stopped)
    }
  })

/** At least what the server asks for; else twice as long each time, less up to a half, so that not all come back at once. */
const longWait = (
  error: DeleteCustomerError,
  failures: number,
  chance: number,
  { baseDelay = "1 minute", maxDelay = "6 hours" }: NonNullable<EraseCustomerOptions["patience"]> = {}
) => {
  const growing = Math.min(Duration.toMillis(baseDelay) * 2 ** failures, Duration.toMillis(maxDelay))
  const asked = "retryAfter" in error ? Option.getOrElse(error.retryAfter, () => Duration.zero) : Duration.zero
  return Duration.max(asked, Math.round(growing * (0.5 + chance / 2)))
}
