/**
 * A report as one page to print and to file: nothing is loaded from elsewhere, no script runs, no customer is named.
 *
 * @since 0.1.0
 */
import { Html, html } from "./Html.js"
import { count, grouped, place } from "./Output.js"
import { duration, perSecond } from "./Progress.js"
import type { Report } from "./Report.js"
import { STYLE } from "./ReportStyle.js"
import type { Stretch } from "./Timeline.js"
import * as TimelineChart from "./TimelineChart.js"

/** Of a longer table of runs nobody reads the beginning. */
const MAX_RUNS = 100
const BAR_WIDTH = 760

export const toHtml = (report: Report, timeline: ReadonlyArray<Stretch>): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Erasure report: ${place(report.baseUrl)}, ${day(report.startedAt)}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${summary(report)}
${outcomes(report)}
${requests(timeline)}
${failures(report)}
${evidence(report)}
</main>
<footer>Made from a journal by flowwise report --html. This page names no customer; the journal does.</footer>
</body>
</html>`.text

const summary = (report: Report): Html => {
  const { environment, input } = report
  const at = place(report.baseUrl)
  const { host } = new URL(report.baseUrl)
  return html`<header><h1>Erasure report</h1>${verdict(report)}</header>
<dl>
<dt>Environment</dt><dd>${environment === host ? at : `${environment} (${at})`}</dd>
<dt>Client id, SHA-256</dt><dd class="hash">${report.clientIdSha256}</dd>
<dt>Customers</dt><dd>${grouped(input.ids)}${input.duplicates > 0 ? ` and ${count(input.duplicates, "duplicate")}, sent once` : ""}</dd>
<dt>First entry</dt><dd>${time(report.startedAt)} UTC</dd>
<dt>Last entry</dt><dd>${time(report.endedAt)} UTC</dd>
${times(report)}
</dl>`
}

const verdict = ({ afterAmbiguousAttempt, alreadyAbsent, deleted, input }: Report): Html => {
  const left = input.ids - deleted - alreadyAbsent
  if (left > 0) {
    return html`<p class="verdict">${grouped(left)} of ${count(input.ids, "customer")} ${left === 1 ? "is" : "are"} not known to be gone.</p>`
  }
  if (input.ids > 1 && deleted + afterAmbiguousAttempt === 0) {
    return html`<p class="verdict">None of the ${count(input.ids, "customer")} was there: check that the input has customer ids, of this environment and account.</p>`
  }
  const all = input.ids === 1 ? "The customer is gone" : `All ${count(input.ids, "customer")} are gone`
  return html`<p class="verdict gone">${all}: ${grouped(deleted)} deleted, ${grouped(alreadyAbsent)} already absent.</p>`
}

const times = ({ activeSeconds, alreadyAbsent, deleted, millisecondsEach: each, notDeleted, runs }: Report): Html => {
  const answered = deleted + alreadyAbsent + notDeleted
  const speed = activeSeconds < 1 ? "" : `, ${perSecond(answered / activeSeconds).replace("/s", "")} answers a second`
  return html`<dt>Time</dt><dd>${duration(Math.max(1, activeSeconds))} in ${count(runs, "run")}${speed}</dd>
${answered === 0 ? html`` : html`<dt>Time for one customer</dt><dd>median ${each.median} ms, 95 % within ${each.p95} ms, longest ${each.max} ms</dd>`}`
}

const outcomes = (report: Report): Html => {
  const kinds = [
    ["deleted", "Deleted", report.deleted, "The vendor answered 204: it deleted the customer."],
    [
      "absent",
      "Already absent",
      report.alreadyAbsent,
      `The vendor answered that there is no such customer. It doesn't say whether there ever was one: a wrong id, or an id of another account, gets the same answer.${before(report.afterAmbiguousAttempt)}`
    ],
    ["kept", "Not deleted", report.notDeleted, "Every answer rules a deletion out."],
    [
      "unknown",
      "Unknown",
      report.unknown,
      "A request may have been sent, and no answer settles whether it deleted the customer. Asking again settles it."
    ],
    ["unasked", "Not asked for yet", report.notAskedFor, "No request was sent."]
  ] as const
  const shown = kinds.filter(([, , number]) => number > 0)
  // A kind that is there can be seen, however few it has.
  const room = BAR_WIDTH - 4 * shown.length
  let x = 0
  const parts = shown.map(([kind, name, number]) => {
    const width = 2 + (number / report.input.ids) * room
    const part = html`<rect class="${kind}" x="${x.toFixed(1)}" width="${width.toFixed(1)}" height="34"><title>${name}: ${grouped(number)}</title></rect>`
    x += width + 2
    return part
  })
  return html`<section><h2>Outcomes</h2>
<svg viewBox="0 0 ${BAR_WIDTH} 34" role="img" aria-label="The table below as a bar">${HATCH}${parts}</svg>
<table class="explained"><thead><tr><th>Outcome</th><th class="number">Customers</th><th class="number">Share</th><th>What it means</th></tr></thead><tbody>
${kinds.map(([kind, name, number, meaning]) => html`<tr><th scope="row" class="kind"><svg class="key" viewBox="0 0 12 12" aria-hidden="true"><rect class="${kind}" width="12" height="12"/></svg>${name}</th><td class="number">${grouped(number)}</td><td class="number">${share(number, report.input.ids)}</td><td>${meaning}</td></tr>`)}
</tbody></table></section>`
}

const before = (number: number) =>
  number === 0
    ? ""
    : ` For ${grouped(number)} of them an earlier request had no answer; most likely it deleted the customer.`

/** Unknown is told from the others without color too. */
const HATCH = html`<defs><pattern id="unknown" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6"/><path d="M1.5 0V6"/></pattern></defs>`

/** Rounded, but never to all or nothing. */
const share = (number: number, all: number) => {
  const percent = (number / all) * 100
  if (percent > 0 && percent < 0.1) return "< 0.1 %"
  if (percent < 100 && percent > 99.9) return "> 99.9 %"
  return `${Number(percent.toFixed(1))} %`
}

const requests = (timeline: ReadonlyArray<Stretch>): Html => {
  if (timeline.every(({ asked }) => asked.length === 0)) {
    return html`<section><h2>Requests a minute</h2><p>Nobody was asked for.</p></section>`
  }
  const runs = runsOf(timeline)
  const { chart, step } = TimelineChart.draw(timeline)
  return html`<section><h2>Requests a minute</h2>
<div class="wide" tabindex="0" role="region" aria-label="Time line">${chart}</div>
<p class="note">A bar counts the customers who were asked for in ${TimelineChart.spoken(step)}, as a rate a minute; sending one request again is not counted. ✕ is a kill; the last run may still be going. Hatched is a pause, not to scale, with its length above. Times are UTC.</p>
<div class="wide" tabindex="0" role="region" aria-label="Runs"><table><thead><tr><th class="number">Run</th><th>First entry, UTC</th><th>Last entry, UTC</th><th class="number">Asked for</th><th>End</th></tr></thead><tbody>
${runs.slice(-MAX_RUNS).map(({ asked, end, from, run, to }) => html`<tr><td class="number">${run}</td><td class="time">${time(from)}</td><td class="time">${time(to)}</td><td class="number">${grouped(asked)}</td><td>${end}</td></tr>`)}
</tbody></table></div>
${runs.length > MAX_RUNS ? html`<p class="note">The ${grouped(runs.length - MAX_RUNS)} runs before these are in the journal.</p>` : html``}</section>`
}

const runsOf = (timeline: ReadonlyArray<Stretch>) => {
  const runs = new Map<number, Array<Stretch>>()
  for (const stretch of timeline) runs.set(stretch.run, [...(runs.get(stretch.run) ?? []), stretch])
  return Array.from(runs, ([run, stretches]) => {
    const open = stretches.at(-1)?.open ?? 0
    const pauses = stretches.length - 1
    const last = run === timeline.at(-1)?.run
    const end =
      open === 0
        ? "every request has an outcome"
        : `${last ? "killed, or still going" : "killed"}: ${grouped(open)} without an outcome`
    return {
      run,
      from: Math.min(...stretches.map(({ from }) => from)),
      to: Math.max(...stretches.map(({ to }) => to)),
      asked: stretches.reduce((all, { asked }) => all + asked.length, 0),
      end: pauses === 0 ? end : `${end}; ${count(pauses, "pause")} of a minute or more`
    }
  })
}

const failures = ({ failures, unknownCauses }: Report): Html => {
  const rows = [
    ...Object.entries(failures).map(([cause, number]) => [cause, "not deleted", number] as const),
    ...Object.entries(unknownCauses).map(([cause, number]) => [cause, "unknown", number] as const)
  ].sort((a, b) => b[2] - a[2])
  if (rows.length === 0) return html``
  return html`<section><h2>Failures by cause</h2>
<table class="explained"><thead><tr><th>Last answer</th><th class="number">Customers</th><th>Outcome</th><th>What it means</th></tr></thead><tbody>
${rows.map(([cause, outcome, number]) => html`<tr><th scope="row">${cause}</th><td class="number">${grouped(number)}</td><td>${outcome}</td><td>${meaningOf(cause)}</td></tr>`)}
</tbody></table></section>`
}

const meaningOf = (cause: string): string =>
  [
    ["InvalidCustomerId", "The vendor answered 400: the id is invalid."],
    ["Unauthorized", "The vendor answered 401: the credentials were refused."],
    ["DeletionFailed", "The vendor answered 500: the deletion failed."],
    ["RateLimited", "The vendor answered 429: too many requests."],
    ["UnexpectedResponse", "An answer that is not the vendor's documented one, such as a proxy's page."],
    ["RequestFailed", "No answer came. Delivered “no” means that the request never left."],
    ["no answer on record", "The journal has no answer: the run was killed, or is still going."]
  ].find(([name = ""]) => cause.startsWith(name))?.[1] ?? ""

const evidence = ({ clientIdSha256, input, tornBytes }: Report): Html => {
  const fromArguments = input.format === "arguments"
  return html`<section><h2>Check the hashes</h2>
<p>The SHA-256 of the input shows which ${fromArguments ? "ids these are" : "file this is"}. The SHA-256 of the client id shows which account asked.</p>
<dl>
<dt>Input</dt><dd class="hash">${input.sha256}</dd>
<dt>Check it by</dt><dd><code>${fromArguments ? `printf '%s\\n' ID… | head -c -1 | sha256sum` : "sha256sum FILE"}</code>${fromArguments ? ", the ids in their order, a line feed between two" : html`, on macOS <code>shasum -a 256 FILE</code>, in PowerShell <code>Get-FileHash FILE</code>`}</dd>
<dt>Client id</dt><dd class="hash">${clientIdSha256}</dd>
<dt>Check it by</dt><dd><code>printf %s "$FLOWWISE_CLIENT_ID" | sha256sum</code></dd>
</dl>
${tornBytes > 0 ? html`<p>The last line of the journal is cut off after ${count(tornBytes, "byte")}, by a kill or a full disk. The next run repairs it.</p>` : html``}</section>`
}

const day = (iso: string) => iso.slice(0, 10)
const time = (at: string | number) =>
  new Date(at)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "")
