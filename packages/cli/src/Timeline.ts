/**
 * When the requests of a journal were sent, with the kills and pauses between them.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type { JournalLine } from "./JournalFile.js"

/** A run that writes nothing for so long is drawn as a pause. */
const PAUSE_MILLIS = 60_000

/** A time without a pause. All times are in milliseconds since 1970. */
export interface Stretch {
  /** Counted from 1. */
  readonly run: number
  readonly from: number
  readonly to: number
  /** When customers were asked for. */
  readonly asked: ReadonlyArray<number>
  /** Requests without an outcome at its end: after the last stretch of a run they tell of a kill. */
  readonly open: number
}

/** Takes in a journal line by line. */
export const make = () => {
  const stretches: Array<Stretch & { to: number; open: number; readonly asked: Array<number> }> = []
  const open = new Set<number>()
  let run = 0

  const begin = (from: number) => {
    const stretch = { run, from, to: from, asked: [], open: 0 }
    stretches.push(stretch)
    return stretch
  }
  return {
    add: (line: JournalLine): void => {
      const at = DateTime.toEpochMillis(line.at)
      let stretch = stretches.at(-1)
      if (stretch === undefined || line._tag === "Header" || line._tag === "Resumed") {
        run++
        open.clear()
        begin(at)
        return
      }
      if (at - stretch.to >= PAUSE_MILLIS) stretch = begin(at)
      // A clock that was set back must not turn the time line around.
      stretch.to = Math.max(stretch.to, at)
      if (line._tag === "Intent") {
        stretch.asked.push(Math.max(stretch.from, at))
        open.add(line.line)
      } else {
        open.delete(line.line)
      }
      stretch.open = open.size
    },
    finish: (): ReadonlyArray<Stretch> => stretches
  }
}
