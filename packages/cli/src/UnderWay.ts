/**
 * The lines of the input whose ids are taken up and have no outcome yet.
 *
 * @since 0.1.0
 */
import type { Entry } from "./Format.js"

interface Taken {
  readonly line: number
  asked: boolean
  /** A request of a run before may have deleted the customer. */
  ambiguous: boolean
}

/** Knows the lines by id: an id can come twice at once, in two lines. */
export const make = () => {
  const taken = new Map<string, Array<Taken>>()
  const linesOf = (id: string) => taken.get(id) ?? []
  return {
    take: ({ id, line }: Entry) => {
      taken.set(id, [...linesOf(id), { line, asked: false, ambiguous: false }])
      return id
    },
    /** The next line of the id that has no intent, if there is one. */
    ask: (id: string) => {
      const next = linesOf(id).find(({ asked }) => !asked)
      if (next !== undefined) next.asked = true
      return next
    },
    end: (id: string): Taken => {
      const [first, ...others] = linesOf(id)
      if (first === undefined) throw new Error("An outcome has an id that was taken")
      if (others.length === 0) taken.delete(id)
      else taken.set(id, others)
      return first
    },
    asked: () =>
      Array.from(taken.values()).flatMap((lines) => lines.filter(({ asked }) => asked).map(({ line }) => line))
  }
}
