/**
 * The values of options, with words for what is wrong with them.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { Refused } from "./Refused.js"

export interface Rate {
  readonly limit: number
  readonly interval: Duration.Duration
}

/** Throws `Refused`, as the other parsers of options do. */
export const wholeNumber =
  (option: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
    const range = `from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`
    throw new Refused({ message: `${option} takes a whole number ${range}` })
  }

/** `300/minute`, `5/second`, `100/30 seconds`. */
export const parseRate = (text: string): Rate => {
  const [, limit = "", interval = ""] = /^([1-9]\d{0,8})\/(.+)$/.exec(text) ?? []
  const unit = /^(second|minute|hour|day)$/.test(interval) ? `1 ${interval}` : interval
  const each = Option.getOrUndefined(Duration.decodeUnknown(unit))
  if (each !== undefined && Duration.greaterThanOrEqualTo(each, "1 millis") && Duration.isFinite(each)) {
    return { limit: Number(limit), interval: each }
  }
  throw new Refused({
    message: "--rate takes a number and a time, such as 300/minute, 5/second or 100/30 seconds"
  })
}

/** One character, or `tab`, which is hard to type. */
export const parseDelimiter = (text: string): string => {
  if (text === "tab") return "\t"
  if ([...text].length === 1 && !/["\r\n]/.test(text)) return text
  throw new Refused({ message: "--delimiter takes one character that is no quote, or the word tab" })
}

/** As options do, also where an editor has joined their dashes to a longer one. */
export const beginsWithDash = (word: string): boolean => /^[\p{Pd}\u2212]/u.test(word)

/** Adds an id. One with a dash comes from `-- -x`, is a number, or is an option whose two dashes an editor has joined. */
export const parseId = (id: string, others: Array<string> = []): Array<string> => {
  if (beginsWithDash(id)) throw new Refused({ message: noOptionOfDelete(id) })
  others.push(id)
  return others
}

export const noOptionOfDelete = (word: string): string =>
  `${word} is not an option of delete; an id that begins with a dash has to be in a --file`
