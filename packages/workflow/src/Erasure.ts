/**
 * The history of an erasure, its outcome, and its errors.
 *
 * @since 0.1.0
 */
import { CustomerAlreadyAbsent, CustomerDeleted } from "@effect-flowwise/client"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * One request, or one that may have been sent. `result` is the `_tag` of the receipt or the error. It is `"Unknown"` for an
 * intent without an outcome: the process ended, or lost the execution, while the request may have been under way.
 *
 * @since 0.1.0
 * @category models
 */
export class ErasureAttempt extends Schema.Class<ErasureAttempt>("@effect-flowwise/workflow/ErasureAttempt")({
  /** When the request was about to be sent. If the result is `"Unknown"`: when the intent was stored. */
  at: Schema.DateTimeUtc,
  /** The name of the machine that sent it. */
  host: Schema.String,
  /** The process on that machine. */
  pid: Schema.Int,
  result: Schema.String,
  /** The error's message. It names neither the customer nor a secret. */
  message: Schema.optional(Schema.String),
  /** The answer's `x-request-id`, for the vendor's support. */
  requestId: Schema.optionalWith(Schema.String, { as: "Option" }).pipe(
    Schema.withConstructorDefault(() => Option.none<string>())
  ),
  /** Whether this attempt may have deleted the customer although it brought no proof. */
  ambiguous: Schema.optional(Schema.Literal(true))
}) {}

/**
 * Who approved an erasure, and when.
 *
 * @since 0.1.0
 * @category models
 */
export class Approval extends Schema.Class<Approval>("@effect-flowwise/workflow/Approval")({
  by: Schema.String,
  at: Schema.DateTimeUtc
}) {}

const history = {
  /** The idempotency key that `execute` was given. */
  erasureId: Schema.String,
  /** Empty after a purge. */
  customerId: Schema.String,
  receivedAt: Schema.DateTimeUtc,
  /** All requests that were or may have been sent, in order. */
  attempts: Schema.Array(ErasureAttempt),
  /** None if no approval was needed, or none came. */
  approval: Schema.optionalWith(Approval, { as: "Option" })
}

/**
 * The customer is gone. `receipt` is `CustomerDeleted` or `CustomerAlreadyAbsent`, which says `afterAmbiguousAttempt: true` if
 * an earlier attempt may have deleted the customer.
 *
 * @since 0.1.0
 * @category models
 */
export class ErasureOutcome extends Schema.TaggedClass<ErasureOutcome>("@effect-flowwise/workflow/ErasureOutcome")(
  "ErasureOutcome",
  { ...history, receipt: Schema.Union(CustomerDeleted, CustomerAlreadyAbsent) }
) {}

/**
 * The erasure is over, and nothing confirms that the customer is gone.
 *
 * - `DeadlineExceeded`: time ran out. Look at `attempts` for why, and erase by other means.
 * - `InvalidCustomerId`: the id can't be sent, or the vendor refuses it. Correct it, under another erasure id.
 * - `Cancelled`: `cancel` ended it.
 *
 * `mayBeGone` says whether one of the attempts may have deleted the customer all the same.
 *
 * @since 0.1.0
 * @category errors
 */
export class ErasureFailed extends Schema.TaggedError<ErasureFailed>("@effect-flowwise/workflow/ErasureFailed")(
  "ErasureFailed",
  {
    ...history,
    reason: Schema.Literal("DeadlineExceeded", "InvalidCustomerId", "Cancelled"),
    message: Schema.String,
    mayBeGone: Schema.Boolean
  }
) {}

/**
 * An erasure that waits: for what, until when at most, and all attempts so far.
 *
 * - `Approval`: for `approve`.
 * - `Credentials`: the last attempt was `Unauthorized`. Correct the credentials.
 * - `Vendor`: the last attempt failed, or its answer is unknown.
 * - `Upgrade`: another version of this package wrote a stored value that this version can't read. Run that version, or a
 *   newer one. `attempts` then holds what could be read.
 *
 * @since 0.1.0
 * @category models
 */
export class ErasureWaiting extends Schema.TaggedClass<ErasureWaiting>("@effect-flowwise/workflow/ErasureWaiting")(
  "ErasureWaiting",
  {
    for: Schema.Literal("Approval", "Credentials", "Vendor", "Upgrade"),
    until: Schema.DateTimeUtc,
    attempts: Schema.Array(ErasureAttempt)
  }
) {}

/**
 * The erasure can't be started with these arguments. Nothing was started.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidErasure extends Schema.TaggedError<InvalidErasure>("@effect-flowwise/workflow/InvalidErasure")(
  "InvalidErasure",
  {
    /** What to correct. */
    field: Schema.Literal("erasureId", "customerId", "receivedAt", "by"),
    message: Schema.String
  }
) {}

/**
 * The erasure id belongs to the erasure of another customer, or to a purged one, whose customer is no longer known. Nothing
 * was started, and that erasure goes on. Give each erasure an id of its own.
 *
 * @since 0.1.0
 * @category errors
 */
export class ErasureIdTaken extends Schema.TaggedError<ErasureIdTaken>("@effect-flowwise/workflow/ErasureIdTaken")(
  "ErasureIdTaken",
  { erasureId: Schema.String, message: Schema.String }
) {}

/**
 * The engine failed, usually because its storage can't be reached. The operation may or may not have been done. Ask again: an
 * erasure id never runs twice.
 *
 * @since 0.1.0
 * @category errors
 */
export class EngineFailed extends Schema.TaggedError<EngineFailed>("@effect-flowwise/workflow/EngineFailed")(
  "EngineFailed",
  { erasureId: Schema.String, message: Schema.String }
) {}

/**
 * The engine's storage can't be opened: another engine uses the file, the path is wrong, or the driver is not installed.
 * `message` says which, and what to do.
 *
 * @since 0.1.0
 * @category errors
 */
export class StorageUnavailable extends Schema.TaggedError<StorageUnavailable>(
  "@effect-flowwise/workflow/StorageUnavailable"
)("StorageUnavailable", { filename: Schema.String, message: Schema.String }) {}
