/**
 * What a journal proves, summed up.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type { Header, JournalLine } from "./JournalFile.js"
import * as Ledger from "./Ledger.js"
import { count, grouped, place, visible } from "./Output.js"
import { duration, perSecond } from "./Progress.js"

export interface Report extends Ledger.Totals {
  readonly environment: string
  readonly baseUrl: string
  /** SHA-256, hexadecimal. */
  readonly clientIdSha256: string
  readonly input: Header["input"]
  readonly startedAt: string
  /** Of the last line. */
  readonly endedAt: string
  /** How often it was started. */
  readonly runs: number
  /** For certain, as far as the last word goes. */
  readonly notDeleted: number
  readonly notAskedFor: number
  /** While a run was going on. */
  readonly activeSeconds: number
  /** From the intent to the outcome. */
  readonly millisecondsEach: { readonly median: number; readonly p95: number; readonly max: number }
  /** A line that was cut off at the end, by a kill or a full disk; the next run takes it away. */
  readonly tornBytes: number
}

/** Takes in a journal line by line. */
export const make = () => {
  let header: Header | undefined
  let ledger = Ledger.make(0)
  let runs = 0
  let began = 0
  let last = 0
  let active = 0
  const asked = new Map<number, number>()
  const waits: Array<number> = []

  const begin = (at: number) => {
    active += last - began
    began = at
    runs++
    asked.clear()
  }
  return {
    add: (line: JournalLine) => {
      const at = DateTime.toEpochMillis(line.at)
      switch (line._tag) {
        case "Header":
          header = line
          ledger = Ledger.make(line.input.lastLine)
          began = at
          last = at
          begin(at)
          break
        case "Resumed":
          begin(at)
          break
        case "Intent":
          asked.set(line.line, at)
          break
        case "NotDeleted":
          asked.delete(line.line)
          break
        case "Outcome":
          waits.push(at - (asked.get(line.line) ?? at))
          asked.delete(line.line)
      }
      ledger.add(line)
      last = at
    },
    finish: (tornBytes: number): Report => {
      if (header === undefined) throw new Error("A journal begins with a header")
      const totals = ledger.count()
      const notDeleted = Object.values(totals.failures).reduce((all, one) => all + one, 0)
      const { at, baseUrl, clientIdSha256, environment, input } = header
      const sorted = Float64Array.from(waits).sort()
      const part = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
      return {
        environment,
        baseUrl,
        clientIdSha256,
        input,
        startedAt: DateTime.formatIso(at),
        endedAt: new Date(last).toISOString(),
        runs,
        ...totals,
        notDeleted,
        notAskedFor: input.ids - totals.deleted - totals.alreadyAbsent - notDeleted - totals.unknown,
        activeSeconds: (active + last - began) / 1000,
        millisecondsEach: { median: part(0.5), p95: part(0.95), max: part(1) },
        tornBytes
      }
    }
  }
}

export const toJson = (report: Report): string => JSON.stringify(report, null, 2)

/** Rows of a name and a value; what belongs to the row before is set in. */
const rowsOf = (report: Report): ReadonlyArray<readonly [string, string]> => {
  const { activeSeconds, input, millisecondsEach: each } = report
  const environment = visible(report.environment)
  const at = visible(place(report.baseUrl))
  const answered = report.deleted + report.alreadyAbsent + report.notDeleted
  return [
    ["environment", environment === new URL(report.baseUrl).host ? at : `${environment} (${at})`],
    ["client id, SHA-256", report.clientIdSha256],
    ["input, SHA-256", input.sha256],
    ["started", report.startedAt],
    ["last entry", report.endedAt],
    ["runs", grouped(report.runs)],
    ["customers", `${grouped(input.ids)}${input.duplicates > 0 ? ` and ${count(input.duplicates, "duplicate")}` : ""}`],
    ["  deleted", grouped(report.deleted)],
    ["  already absent", grouped(report.alreadyAbsent)],
    ["    after an ambiguous attempt", grouped(report.afterAmbiguousAttempt)],
    ["  not deleted", grouped(report.notDeleted)],
    ...Object.entries(report.failures).map(([cause, value]) => [`    ${cause}`, grouped(value)] as const),
    ["  unknown, perhaps deleted", grouped(report.unknown)],
    ...Object.entries(report.unknownCauses).map(([cause, value]) => [`    ${cause}`, grouped(value)] as const),
    ["  not asked for yet", grouped(report.notAskedFor)],
    ["time", `${duration(activeSeconds)}, ${perSecond(answered / Math.max(activeSeconds, 0.001))}`],
    ["time each", `median ${each.median} ms, 95 % within ${each.p95} ms, longest ${each.max} ms`],
    ...(report.tornBytes > 0 ? [["cut off at the end", count(report.tornBytes, "byte")] as const] : [])
  ]
}

export const toText = (report: Report): string => {
  const rows = rowsOf(report)
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")
}

export const toMarkdown = (report: Report): string =>
  [
    "# Erasure report",
    "",
    "| what | value |",
    "| --- | --- |",
    ...rowsOf(report).map(([name, value]) => `| ${name.replaceAll("  ", "&emsp;")} | ${value.replaceAll("|", "\\|")} |`)
  ].join("\n")
