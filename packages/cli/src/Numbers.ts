/**
 * Options that are numbers, with words for what is wrong with them.
 *
 * @since 0.1.0
 */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface Rate {
  readonly limit: number
  readonly interval: Duration.Duration
}

const refuse = (text: string) => Effect.fail(ValidationError.invalidValue(HelpDoc.p(text)))

/** Options are read as text, since the parser's own words for a number that is none don't name the option. */
export const wholeNumber =
  (option: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): Effect.Effect<number, ValidationError.ValidationError> =>
    /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max
      ? Effect.succeed(Number(text))
      : refuse(`${option} takes a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`)

/** `300/minute`, `5/second`, `100/30 seconds`. */
export const parseRate = (text: string): Effect.Effect<Rate, ValidationError.ValidationError> => {
  const [, limit = "", interval = ""] = /^([1-9]\d{0,8})\/(.+)$/.exec(text) ?? []
  const unit = /^(second|minute|hour|day)$/.test(interval) ? `1 ${interval}` : interval
  return Option.match(
    Duration.decodeUnknown(unit).pipe(
      Option.filter((each) => Duration.greaterThan(each, Duration.zero) && Duration.isFinite(each))
    ),
    {
      onNone: () => refuse("--rate takes a number and a time, such as 300/minute, 5/second or 100/30 seconds"),
      onSome: (interval) => Effect.succeed({ limit: Number(limit), interval })
    }
  )
}
