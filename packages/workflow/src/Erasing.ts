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

/** The engine's interrupt signal. We read it ourselves, so that the history isn't lost. */
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
  /** How long after `receivedAt` an erasure fails. Default: 30 days. At 80 % of it the log has a warning. */
  readonly deadline?: Duration.DurationInput | undefined
  /** Whether nothing is sent before `approve`. Default: false. */
  readonly approval?: boolean | undefined
  /** The short retries, in memory. Default: those of `Retry.transient`. */
  readonly retry?: Retry.TransientOptions | undefined
  /** The long waits between them, on the durable clock. */
  readonly patience?:
    | {
        /** The first wait. Default: 1 minute. Each wait is twice as long as the one before. */
        readonly baseDelay?: Duration.DurationInput | undefined
        /** The longest wait, unless the server's `retryAfter` is longer. Default: 6 hours. */
        readonly maxDelay?: Duration.DurationInput | undefined
      }
    | undefined
}

/** One run of an erasure: its fixed settings, and its history so far. */
interface Run {
  readonly payload: Payload
  readonly options: EraseCustomerOptions
  readonly deadline: DateTime.Utc
  /** At 80 % of the time. */
  readonly warning: DateTime.Utc
  readonly attempts: Array<ErasureAttempt>
  approval: Option.Option<Approval>
}

/**
 * The workflow's body. Whenever the erasure goes on, it runs from its start: finished activities give their stored results.
 *
 * @internal
 */
export const erase = (payload: Payload, options: EraseCustomerOptions) =>
  Effect.suspend(() => {
    const received = DateTime.toEpochMillis(payload.receivedAt)
    const allowed = Duration.toMillis(options.deadline ?? 30 * DAY)
    const after = (millis: number) => DateTime.unsafeMake(Math.min(received + millis, LAST))
    const [deadline, warning] = [after(allowed), after(allowed * 0.8)]
    const run: Run = { payload, options, deadline, warning, attempts: [], approval: Option.none() }
    const wait = waiting(run)

    // A later version may read what this one can't, so the erasure looks again from time to time, until its deadline.
    const untilUpgrade = ({ value }: Round.Unreadable) =>
      Effect.gen(function* () {
        yield* wait("Upgrade", "Upgrade", deadline, stopped, value)
        const why = (yield* stopped) ? "Cancelled" : "DeadlineExceeded"
        return yield* fail(run, why, `This version can't read what another one stored as ${value}`, true)
      })
    return rounds(run, wait).pipe(
      Effect.catchTag("Unreadable", untilUpgrade),
      // Clocks and signals have no content, so that every version can read them.
      Effect.catchTag("Unreadable", (unreadable) => Effect.die(unreadable))
    )
  })

const rounds = (run: Run, wait: ReturnType<typeof waiting>) =>
  Effect.gen(function* () {
    const { attempts, options, payload } = run
    for (let number = 1, failures = 0; ; number++) {
      const round = yield* Round.intend(number, decide(run, number))
      run.approval = Option.orElse(round.approval, () => run.approval)
      const hold = Option.getOrUndefined(round.hold)
      if (hold !== undefined) {
        yield* held(run, wait, number, hold, round.at)
        continue
      }
      const sent = yield* round.send(payload.customerId, attempts, options.retry ?? {})
      attempts.push(...sent.attempts)
      if (Option.isNone(sent.last)) {
        // The run that sent the request has ended, and its answer is lost: ask again at once.
        continue
      }
      const last = sent.last.value
      if (isGone(last)) {
        // Unchecked: we made all values.
        return new ErasureOutcome({ ...payload, attempts, approval: run.approval, receipt: last }, true)
      }
      if (last._tag === "InvalidCustomerId") {
        return yield* fail(run, "InvalidCustomerId", last.message)
      }
      const pause = longWait(last, failures++, sent.chance, options.patience)
      const waitsFor = last._tag === "Unauthorized" ? "Credentials" : "Vendor"
      yield* wait(`${number}`, waitsFor, DateTime.addDuration(sent.endedAt, pause), stopped)
    }
  })

/** Whether a round may send, and why not. */
const decide = (run: Run, number: number) => (at: DateTime.Utc) =>
  Effect.gen(function* () {
    const { approval: needed = false } = run.options
    const approval = needed ? yield* Waiting.resultOf(Approved) : Option.none()
    // In the first round there was no wait to interrupt, so one look is enough.
    const cancelled = yield* number === 1 ? either(Cancelled) : stopped
    const hold = cancelled
      ? Option.some("Cancelled" as const)
      : DateTime.greaterThanOrEqualTo(at, run.deadline)
        ? Option.some("Overdue" as const)
        : needed && Option.isNone(approval)
          ? Option.some("Approval" as const)
          : Option.none()
    return { approval, hold }
  }).pipe(
    // Not a failure, which the engine would store as the intent.
    Effect.catchTag("Unreadable", () =>
      Effect.succeed({ approval: Option.none<Approval>(), hold: Option.some("Upgrade" as const) })
    )
  )

/** A round that may not send: the erasure ends, or waits for the next one. */
const held = (
  run: Run,
  wait: ReturnType<typeof waiting>,
  number: number,
  hold: Option.Option.Value<Round.Decision["hold"]>,
  at: DateTime.Utc
) => {
  const { approval: needed = false } = run.options
  switch (hold) {
    case "Cancelled":
      return fail(run, "Cancelled", "The erasure was cancelled")
    case "Overdue": {
      const unapproved = needed && Option.isNone(run.approval)
      const why = unapproved ? "Nobody approved the erasure in time" : "The erasure has used up its time"
      return fail(run, "DeadlineExceeded", why)
    }
    case "Approval":
      return needed
        ? wait(`${number}`, "Approval", run.deadline, either(Approved, Cancelled, Interrupted))
        : Effect.void
    case "Upgrade":
      return wait(`${number}`, "Upgrade", DateTime.addDuration(at, Waiting.RELOOK), stopped, Approved.name)
  }
}

const fail = (run: Run, reason: ErasureFailed["reason"], why: string, doubt = false) => {
  const { approval, attempts, payload } = run
  const mayBeGone = doubt || attempts.some(({ ambiguous }) => ambiguous)
  const message = `${why}. ${mayBeGone ? "The customer may or may not be deleted" : "Nobody was deleted"}`
  return Effect.fail(new ErasureFailed({ ...payload, attempts, approval, reason, message, mayBeGone }))
}

const isThere = (deferred: typeof Approved | typeof Cancelled) =>
  Waiting.resultOf<Schema.Schema.AnyNoContext>(deferred).pipe(
    Effect.map(Option.isSome),
    Effect.catchTag("Unreadable", () => Effect.succeed(true))
  )
const either = (...deferreds: ReadonlyArray<typeof Approved | typeof Cancelled>) => Effect.exists(deferreds, isThere)
const stopped = either(Cancelled, Interrupted)

/** Waits at most until the deadline, with a warning on the way. The next round decides what follows. */
const waiting = ({ attempts, deadline, payload, warning }: Run) => {
  const { customerId, erasureId } = payload
  let customer: string | undefined
  let warned = false
  let cause: ErasureWaiting["for"] | undefined

  const warn = Activity.make({
    name: "Warning",
    execute: Effect.logWarning("An erasure has used 80 % of its time, and the customer is not gone").pipe(
      Effect.annotateLogs({ erasureId, deadline: DateTime.formatIso(deadline) })
    )
  })

  return <R>(
    name: string,
    waitsFor: ErasureWaiting["for"],
    until: DateTime.Utc,
    woken: Effect.Effect<boolean, never, R>,
    unread?: string
  ) =>
    Effect.gen(function* () {
      const end = DateTime.min(until, deadline)
      customer ??= yield* Waiting.customerKey(erasureId, customerId)
      const status = new ErasureWaiting({ for: waitsFor, until: end, attempts: [...attempts] })
      const common = {
        note: { status, customer },
        woken,
        ...(waitsFor === "Upgrade" && { longest: Waiting.RELOOK })
      }
      let begins = cause === waitsFor ? Effect.void : tell(erasureId, status, unread)
      cause = waitsFor
      if (!warned && DateTime.lessThan(warning, end)) {
        if (yield* Waiting.wait({ ...common, name: `${name}/Warning`, end: warning, begins })) {
          return
        }
        yield* Round.durably("Warning", warn)
        warned = true
        begins = Effect.void
      }
      yield* Waiting.wait({ ...common, name, end, begins })
    })
}

/** One line in the log: what an erasure waits for, until when, and after how many attempts. */
const tell = (erasureId: string, { attempts, for: waitsFor, until }: ErasureWaiting, unread = "a value") => {
  const last = attempts.at(-1)?.message ?? "its answer is unknown"
  const line = {
    Approval: Effect.logInfo("An erasure waits for an approval"),
    Credentials: Effect.logWarning("An erasure waits for credentials that work: the vendor refused those it was sent"),
    Vendor: Effect.logWarning(`An erasure waits for the vendor: the last attempt failed. ${last}`),
    Upgrade: Effect.logError(Waiting.unreadable(unread))
  }
  return Effect.annotateLogs(line[waitsFor], {
    erasureId,
    until: DateTime.formatIso(until),
    attempts: attempts.length
  })
}

/** Twice as long each time, less up to a half, so that not all come back at once; at least what the server asks for. */
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
