/**
 * How far a run is, on stderr: a bar that stays in its place on a terminal, a line every few seconds elsewhere.
 *
 * @since 0.1.0
 */
import { styleText } from "node:util"
import type { DeletionOutcome } from "@effect-flowwise/client"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { count, grouped } from "./Output.js"

export interface Counts {
  deleted: number
  absent: number
  rejected: number
}

export interface Progress {
  readonly counts: Readonly<Counts>
  readonly add: (outcome: DeletionOutcome) => void
  /** Takes the bar out of the way of what is printed. */
  readonly clear: () => void
}

const ERASE_LINE = "\r\u001B[2K"
const BAR_WIDTH = 24

/** Shows the progress of `total` customers until the scope is closed. */
export const make = (total: number): Effect.Effect<Progress, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { stderr } = process
    // A dumb terminal can't erase a line.
    const terminal = stderr.isTTY === true && process.env.TERM !== "dumb"
    const counts: Counts = { deleted: 0, absent: 0, rejected: 0 }
    const start = yield* Clock.currentTimeMillis
    let shown = false

    const clear = () => {
      if (shown) stderr.write(ERASE_LINE)
      shown = false
    }
    const show = Effect.map(Clock.currentTimeMillis, (now) => {
      if (terminal) {
        stderr.write(ERASE_LINE + fitted(counts, total, now - start, stderr.columns - 1))
        shown = true
      } else {
        stderr.write(`${describe(counts, total, now - start)}\n`)
      }
    })
    yield* Effect.addFinalizer(() => Effect.sync(clear))
    yield* show.pipe(Effect.schedule(Schedule.spaced(terminal ? "100 millis" : "5 seconds")), Effect.forkScoped)
    return {
      counts,
      add: (outcome) => {
        counts[kinds[outcome._tag]]++
      },
      clear
    }
  })

const kinds = {
  CustomerDeleted: "deleted",
  CustomerAlreadyAbsent: "absent",
  DeletionUnconfirmed: "rejected"
} as const satisfies Record<DeletionOutcome["_tag"], keyof Counts>

export const sum = ({ absent, deleted, rejected }: Counts): number => deleted + absent + rejected

const describe = (counts: Counts, total: number, elapsed: number): string => {
  const rate = rateOf(counts, elapsed)
  return `${grouped(sum(counts))} of ${count(total, "customer")}: ${tally(counts)}; ${perSecond(rate)}${timeLeft(counts, total, rate)}`
}

/** As much of it as a line of the terminal has room for: one that is wrapped can't be erased. */
const fitted = (counts: Counts, total: number, elapsed: number, room: number): string => {
  const left = timeLeft(counts, total, rateOf(counts, elapsed))
  const short = `${grouped(sum(counts))} of ${grouped(total)}${left}`
  const text = [describe(counts, total, elapsed), short].find(({ length }) => BAR_WIDTH + 3 + length <= room)
  return text === undefined ? short.slice(0, Math.max(0, room)) : `${bar(sum(counts) / total)} ${text}`
}

const timeLeft = (counts: Counts, total: number, rate: number): string =>
  rate === 0 ? "" : `, ${duration((total - sum(counts)) / rate)} left`

/** Outcomes a second. */
const rateOf = (counts: Counts, elapsed: number): number => (sum(counts) / Math.max(elapsed, 1)) * 1000

/** `3 deleted, 1 already absent, 0 not known to be gone`. */
export const tally = ({ absent, deleted, rejected }: Counts): string =>
  [
    `${grouped(deleted)} deleted`,
    `${grouped(absent)} already absent`,
    `${grouped(rejected)} not known to be gone`
  ].join(", ")

export const perSecond = (rate: number): string => `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`

/** To the second: `1h 2m 5s`. */
export const duration = (seconds: number): string => Duration.format(Duration.seconds(Math.ceil(seconds)))

const bar = (share: number): string => {
  const filled = Math.round(Math.min(1, share) * BAR_WIDTH)
  const full = "#".repeat(filled)
  return `[${process.stderr.hasColors() ? styleText("green", full, { stream: process.stderr }) : full}${".".repeat(BAR_WIDTH - filled)}]`
}
