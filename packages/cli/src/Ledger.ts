/**
 * What a journal says of each line of its input, in two bytes a line.
 *
 * @since 0.1.0
 */
import type { DeletionOutcome, DeletionUnconfirmed } from "@effect-flowwise/client"
import type { JournalLine } from "./JournalFile.js"

/** An intent without an outcome so far. */
const PENDING = 0x8000
/** Some request may have deleted the customer without proof. */
const AMBIGUOUS = 0x4000
/** The rest is the last verdict, as its place in the list of verdicts. */
const VERDICT = 0x3fff

const GONE = ["CustomerDeleted", "CustomerAlreadyAbsent", "CustomerAlreadyAbsent, after an ambiguous attempt"]
const FIRST_FAILURE = GONE.length + 1

export interface Ledger {
  readonly add: (line: JournalLine) => void
  readonly isGone: (line: number) => boolean
  /** Whether a 404 now can be the doing of a request before. */
  readonly isAmbiguous: (line: number) => boolean
  readonly count: () => Totals
}

/** How many lines there are of each kind. */
export interface Totals {
  readonly deleted: number
  readonly alreadyAbsent: number
  /** Of those that are already absent: after a request that may have deleted the customer. */
  readonly afterAmbiguousAttempt: number
  /** Known to be kept, by cause. */
  readonly failures: Readonly<Record<string, number>>
  /** Asked for at least once, and perhaps deleted: no later answer tells. */
  readonly unknown: number
  /** The latest word on each of those. */
  readonly unknownCauses: Readonly<Record<string, number>>
}

export const make = (lastLine: number): Ledger => {
  const lines = new Uint16Array(lastLine + 1)
  const verdicts = ["", ...GONE]
  const numbers = new Map(verdicts.map((verdict, number) => [verdict, number]))
  const numberOf = (verdict: string) => {
    const number = numbers.get(verdict) ?? verdicts.push(verdict) - 1
    numbers.set(verdict, number)
    return number
  }
  const stateOf = (line: number) => lines[line] ?? 0
  const isGoneState = (state: number) => (state & VERDICT) > 0 && (state & VERDICT) < FIRST_FAILURE

  return {
    add: (entry) => {
      if (entry._tag === "Header" || entry._tag === "Resumed") return
      const state = stateOf(entry.line)
      switch (entry._tag) {
        case "Intent":
          // The intent before it has no outcome, and never will.
          lines[entry.line] = state | PENDING | ((state & PENDING) >> 1)
          return
        case "NotDeleted":
          lines[entry.line] = state & ~PENDING
          return
        case "Outcome":
          // Gone is gone, though another run on the same journal has asked as well.
          if (isGoneState(state)) return
          lines[entry.line] =
            numberOf(verdictOf(entry.outcome)) | (state & AMBIGUOUS) | (mayBeDeleted(entry.outcome) ? AMBIGUOUS : 0)
      }
    },
    isGone: (line) => isGoneState(stateOf(line)),
    isAmbiguous: (line) => (stateOf(line) & (PENDING | AMBIGUOUS)) !== 0,
    count: () => {
      const found = new Array<number>(verdicts.length).fill(0)
      const open = new Array<number>(verdicts.length).fill(0)
      for (const state of lines) {
        // Also where the latest word is "not sent": a request before that may have deleted the customer.
        const isOpen = !isGoneState(state) && (state & (PENDING | AMBIGUOUS)) !== 0
        const verdict = (state & PENDING) === 0 ? state & VERDICT : 0
        if (isOpen) open[verdict] = (open[verdict] ?? 0) + 1
        else found[state & VERDICT] = (found[state & VERDICT] ?? 0) + 1
      }
      const byCause = (numbers: ReadonlyArray<number>) =>
        Object.fromEntries(
          numbers
            .map((number, verdict) => [verdicts[verdict] || "no answer on record", number] as const)
            .filter(([, number]) => number > 0)
        )
      const [, deleted = 0, absent = 0, ambiguous = 0] = found
      return {
        deleted,
        alreadyAbsent: absent + ambiguous,
        afterAmbiguousAttempt: ambiguous,
        failures: byCause(found.fill(0, 0, FIRST_FAILURE)),
        unknown: open.reduce((all, one) => all + one, 0),
        unknownCauses: byCause(open)
      }
    }
  }
}

const verdictOf = (outcome: DeletionOutcome): string => {
  switch (outcome._tag) {
    case "CustomerDeleted":
      return "CustomerDeleted"
    case "CustomerAlreadyAbsent":
      return outcome.afterAmbiguousAttempt
        ? "CustomerAlreadyAbsent, after an ambiguous attempt"
        : "CustomerAlreadyAbsent"
    case "DeletionUnconfirmed":
      return causeOf(outcome.error)
  }
}

const causeOf = (error: DeletionUnconfirmed["error"]): string => {
  switch (error._tag) {
    case "UnexpectedResponse":
      return `UnexpectedResponse ${error.status}`
    case "RequestFailed":
      return `RequestFailed ${error.reason}, delivered ${error.delivered}`
    default:
      return error._tag
  }
}

/** Asked for, and no answer tells. */
export const mayBeDeleted = (outcome: DeletionOutcome): boolean =>
  outcome._tag === "DeletionUnconfirmed" && outcome.mayBeDeleted
