/**
 * How ids stand in a file: one a line, in a column of a table, or in a field of JSON Lines.
 *
 * @since 0.1.0
 */
import { customerIdProblem } from "@effect-flowwise/core"
import * as Either from "effect/Either"
import { type Csv, cellsOf } from "./Csv.js"
import { linesOf } from "./Lines.js"
import { Refused } from "./Refused.js"
import { type Place, whyUnusual } from "./UnusualIds.js"

const MAX_SHOWN = 60

export type Format = { readonly _tag: "Text" } | Csv | { readonly _tag: "JsonLines"; readonly field: string }

export interface Entry {
  /** Where the id stands: its line, or its place among the arguments, counted from 1. */
  readonly line: number
  readonly id: string
}

/** What is taken for an id. */
export interface Rules {
  /** Blanks around an id are taken away, instead of refused. */
  readonly trim: boolean
  /** What looks like no id is taken for one all the same. */
  readonly allowUnusual: boolean
}

/** The ids in a file, each checked; `name` is for what is refused. */
export async function* entriesOf(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  format: Format,
  rules: Rules
): AsyncGenerator<ReadonlyArray<Entry>> {
  const at = (line: number) => `${name}: line ${line}`
  const trimmed = (text: string) => (rules.trim ? text.trim() : text)
  let first = true
  const entry = (line: number, text: string, bare: boolean): Entry => {
    const id = checked(trimmed(text), at(line), rules, { bare, first, escaped: format._tag === "JsonLines" })
    first = false
    return { line, id }
  }
  const lines = linesOf(name, bytes)
  switch (format._tag) {
    case "Text":
      for await (const batch of lines) {
        yield batch.filter(({ text }) => trimmed(text) !== "").map(({ number, text }) => entry(number, text, true))
      }
      return
    case "JsonLines":
      for await (const batch of lines) {
        yield batch
          .filter(({ text }) => text.trim() !== "")
          .map(({ number, text }) => entry(number, fieldOf(text, format.field, at(number)), false))
      }
      return
    case "Csv":
      for await (const { alone, line, text } of cellsOf(name, lines, format)) yield [entry(line, text, alone)]
  }
}

/** A field of that very name, else one within others: `user.id`. */
const fieldOf = (text: string, field: string, where: string): string => {
  const object = Either.getOrUndefined(Either.try(() => JSON.parse(text)))
  if (!isObject(object)) throw new Refused({ message: `${where} is not a JSON object` })
  const path = Object.hasOwn(object, field) ? [field] : field.split(".")
  const value = path.reduce<unknown>(
    (within, name) => (isObject(within) && Object.hasOwn(within, name) ? within[name] : undefined),
    object
  )
  if (value === undefined) throw new Refused({ message: `${where} has no field "${field}"` })
  if (typeof value !== "string") throw new Refused({ message: `${where}: the field "${field}" is not a string` })
  return value
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** The id, if it can be sent and is most likely meant as it stands. `where` is for what is refused. */
export const checked = (id: string, where: string, rules: Rules, found: Place & { escaped: boolean }): string => {
  const refuse = (problem: string, ofFile = "") =>
    new Refused({ message: `${where}: ${problem}${found.argument ? "" : ofFile}` })
  if (id !== "" && id.trim() !== id) throw refuse("the id has blanks around it; remove them", ", or add --trim")
  const unusual = rules.allowUnusual ? undefined : whyUnusual(id, found)
  if (unusual !== undefined) {
    const short = id.length > MAX_SHOWN ? `${id.slice(0, MAX_SHOWN)}…` : id
    throw refuse(`"${short}" ${unusual}. If your ids are like this, add --allow-unusual-ids`)
  }
  // A tab or a lone carriage return says that this is another format; JSON writes them on purpose.
  if (!found.escaped && /\p{Cc}/u.test(id)) {
    throw refuse("the id holds a control character", found.bare ? "; --column and --field read tables" : "")
  }
  const problem = customerIdProblem(id)
  if (problem !== undefined) throw refuse(problem)
  return id
}
