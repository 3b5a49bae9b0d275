/**
 * What a stand-in does instead of its usual answer, and how often.
 *
 * @since 0.1.0
 */
import { CustomerId } from "@effect-flowwise/client"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * The script is impossible, for example with a status of 42 or a negative number of times. `message` says what to correct;
 * nothing was scripted.
 *
 * @example
 * ```ts
 * import { RateLimited } from "@effect-flowwise/client"
 * import { FlowwiseTest } from "@effect-flowwise/testing"
 * import * as Effect from "effect/Effect"
 *
 * const message = FlowwiseTest.pipe(
 *   Effect.flatMap((fake) => fake.fail(new RateLimited(), { times: -1 })),
 *   Effect.catchTag("InvalidScript", (error) => Effect.succeed(error.message))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidScript extends Schema.TaggedError<InvalidScript>("@effect-flowwise/testing/InvalidScript")(
  "InvalidScript",
  { message: Schema.String }
) {}

/**
 * Whom a script is for, and how often it applies.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScriptOptions {
  /** For this customer. Default: for everybody. */
  readonly customerId?: string | undefined
  /** For this many requests. Default: for all of them. */
  readonly times?: number | undefined
}

/** @internal */
export interface Script<A> {
  readonly set: (step: A, options?: ScriptOptions) => Effect.Effect<void, InvalidScript>
  /** The step for a request of this customer, used up by it. */
  readonly next: (customerId: string) => Option.Option<A>
}

/**
 * Steps with `times` come first, in the order in which they were set; then the latest step without.
 *
 * @internal
 */
export const make = <A>(): Script<A> => {
  const steps: Array<{ readonly step: A; readonly customerId: string | undefined; left: number }> = []
  return {
    set: (step, { customerId, times = Number.POSITIVE_INFINITY } = {}) =>
      Effect.suspend(() => {
        if (!(times === Number.POSITIVE_INFINITY || (Number.isInteger(times) && times > 0))) {
          return invalid(`times must be a whole number above 0, and is ${String(times)}`)
        }
        if (customerId !== undefined && !Schema.is(CustomerId)(customerId)) {
          return invalid("customerId is one that the client refuses, so that no request for it can come")
        }
        steps.push({ step, customerId, left: times })
        return Effect.void
      }),
    next: (customerId) => {
      const fitting = steps.filter((step) => step.customerId === undefined || step.customerId === customerId)
      const found = fitting.find(({ left }) => left !== Number.POSITIVE_INFINITY) ?? fitting.at(-1)
      if (found !== undefined && --found.left === 0) {
        steps.splice(steps.indexOf(found), 1)
      }
      return Option.map(Option.fromNullable(found), ({ step }) => step)
    }
  }
}

/** @internal */
export const invalid = (message: string): Effect.Effect<never, InvalidScript> => new InvalidScript({ message })

/** @internal */
export const validDelay = (delay: Duration.DurationInput): Effect.Effect<Duration.Duration, InvalidScript> =>
  // `Duration.decode` makes a negative number 0, where a slip of the pen is likelier.
  Option.match(typeof delay === "number" && !(delay >= 0) ? Option.none() : Duration.decodeUnknown(delay), {
    onNone: () => invalid(`a delay must be a duration such as "2 seconds", and is ${String(delay)}`),
    onSome: Effect.succeed
  })
