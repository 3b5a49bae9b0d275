/**
 * A time line as SVG: requests a minute, with the pauses cut short.
 *
 * @since 0.1.0
 */
import { type Html, html } from "./Html.js"
import { grouped } from "./Output.js"
import { duration } from "./Progress.js"
import type { Stretch } from "./Timeline.js"

const WIDTH = 760
const LEFT = 52
const TOP = 40
const BOTTOM = 190
const HEIGHT = 228
const PLOT = WIDTH - LEFT - 8
const MAX_BARS = 90
/** So many on average, since a bar for one customer is no rate. */
const LEAST_IN_A_BAR = 5
const GAP_WIDTH = 44
const LABEL_WIDTH = 64
const DAY = 86_400

/** Seconds that a bar, or the space between two labels, may stand for. */
// biome-ignore format: a number a line is longer than the rest of this module.
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY]
const stepOf = (seconds: number) => STEPS.find((step) => step >= seconds) ?? DAY * Math.ceil(seconds / DAY)

interface Placed extends Stretch {
  readonly x: number
  readonly width: number
}

/** The chart, and how many seconds one of its bars stands for. */
export const draw = (stretches: ReadonlyArray<Stretch>): { readonly chart: Html; readonly step: number } => {
  const seconds = sum(stretches.map(lengthOf))
  const asked = sum(stretches.map(({ asked }) => asked.length))
  const step = stepOf(Math.max(seconds, 1) / Math.min(MAX_BARS, Math.ceil(asked / LEAST_IN_A_BAR)))
  const placed = place(stretches, seconds)
  const bars = placed.flatMap((stretch) => barsOf(stretch, step))
  const top = niceTop(Math.max(...bars.map(({ rate }) => rate)))
  const y = (rate: number) => BOTTOM - (rate / top) * (BOTTOM - TOP)
  const chart = html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Requests a minute over time; the table of runs below has the same.">
<defs><pattern id="pause" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V6" class="hatch"/></pattern></defs>
${[0, top / 2, top].map(
  (rate) =>
    html`<path class="grid" d="M${LEFT} ${n(y(rate))}H${WIDTH - 8}"/><text class="tick" text-anchor="end" x="${LEFT - 8}" y="${n(y(rate) + 4)}">${grouped(rate)}</text>`
)}
${bars.map(({ count, rate, width, x }) => html`<rect class="asked" x="${n(x)}" y="${n(y(rate))}" width="${n(width)}" height="${n(BOTTOM - y(rate))}"><title>${grouped(count)} in ${spoken(step)}</title></rect>`)}
${placed.map((stretch, index) => breakAfter(stretch, placed[index + 1]))}
${labelsOf(placed)}
</svg>`
  return { chart, step }
}

/** Stretches share the width by their length; what lies between them is as wide as its label. */
const place = (stretches: ReadonlyArray<Stretch>, seconds: number): ReadonlyArray<Placed> => {
  const gaps = stretches.length - 1
  const gap = gaps === 0 ? 0 : Math.min(GAP_WIDTH, (0.35 * PLOT) / gaps)
  const least = Math.min(3, (0.2 * PLOT) / stretches.length)
  const room = PLOT - gaps * gap - stretches.length * least
  let x = LEFT
  return stretches.map((stretch) => {
    const width = least + (seconds === 0 ? 1 / stretches.length : lengthOf(stretch) / seconds) * room
    const placed = { ...stretch, x, width }
    x += width + gap
    return placed
  })
}

const barsOf = (stretch: Placed, step: number) => {
  const counts = new Map<number, number>()
  for (const at of stretch.asked) {
    const bar = Math.floor((at - stretch.from) / 1000 / step)
    counts.set(bar, (counts.get(bar) ?? 0) + 1)
  }
  const scale = stretch.width / Math.max(lengthOf(stretch), step)
  return Array.from(counts, ([bar, count]) => {
    // The last one is cut short by the end of the stretch, though never so much that its rate says nothing.
    const seconds = bar === 0 ? step : Math.min(step, Math.max(lengthOf(stretch) - bar * step, step / 4))
    const x = stretch.x + bar * step * scale
    const width = Math.min(step * scale, stretch.x + stretch.width - x)
    return { x, width: Math.max(width - 1, width / 2), count, rate: (count * 60) / seconds }
  })
}

/** What ended a stretch: a kill, or a pause until the next. */
const breakAfter = (stretch: Placed, next: Placed | undefined): Html => {
  const end = stretch.x + stretch.width
  const killed = stretch.open > 0 && next?.run !== stretch.run
  const kill = killed
    ? html`<g class="kill"><path d="M${n(end)} ${TOP - 5}V${BOTTOM}"/><path d="m${n(end - 4)} ${TOP - 14}l8 8m0 -8l-8 8"/><title>Run ${stretch.run} ended with ${grouped(stretch.open)} without an outcome.</title></g>`
    : html``
  if (next === undefined) return kill
  const width = next.x - end
  const length = duration((next.from - stretch.to) / 1000)
  const label =
    width >= GAP_WIDTH - 1
      ? html`<text class="pause" text-anchor="middle" x="${n(end + width / 2)}" y="${TOP - 24}">${shortened(length)}</text>`
      : html``
  return html`<rect class="gap" fill="url(#pause)" x="${n(end)}" y="${TOP}" width="${n(width)}" height="${BOTTOM - TOP}"><title>Nothing for ${length}</title></rect>${label}${kill}`
}

/** A time where there is room for one, with its day below where that is another. */
const labelsOf = (placed: ReadonlyArray<Placed>): ReadonlyArray<Html> => {
  const labels: Array<Html> = []
  let free = 0
  let day = ""
  for (const [index, { from, to, width, x }] of placed.entries()) {
    const end = placed[index + 1]?.x ?? WIDTH
    const seconds = Math.max((to - from) / 1000, 1)
    const step = Math.max(1, stepOf((seconds * LABEL_WIDTH) / width)) * 1000
    for (const at of [from, ...timesWithin(from, to, step)]) {
      const left = x + ((at - from) / 1000 / seconds) * width
      // A beginning may take the room of what follows, and not the other way round.
      if (left < free || left + LABEL_WIDTH > (at === from ? WIDTH + 8 : end)) continue
      free = left + LABEL_WIDTH
      const [date = "", time = ""] = new Date(at).toISOString().split("T")
      labels.push(
        html`<path class="axis" d="M${n(left)} ${BOTTOM}v5"/><text class="tick" x="${n(left)}" y="${BOTTOM + 18}">${time.slice(0, 8)}</text>`
      )
      if (date !== day) labels.push(html`<text class="tick" x="${n(left)}" y="${BOTTOM + 33}">${date}</text>`)
      day = date
    }
  }
  return labels
}

function* timesWithin(from: number, to: number, step: number) {
  for (let at = Math.ceil(from / step) * step; at < to; at += step) if (at > from) yield at
}

/** `1h 2m 5s` as `1h 2m`: there is room for two units. */
const shortened = (length: string) => length.split(" ").slice(0, 2).join(" ")

/** A round number that is not below the highest bar, and can be halved. */
const niceTop = (highest: number) => {
  const unit = 10 ** Math.floor(Math.log10(Math.max(highest, 2)))
  const factor = [1, 2, 4, 6, 8, 10].find((factor) => factor * unit >= highest) ?? 10
  return Math.max(2, factor * unit)
}

/** Of a bar. */
export const spoken = (seconds: number) => (seconds < 1 ? `${seconds * 1000} ms` : duration(seconds))

const lengthOf = ({ from, to }: Stretch) => (to - from) / 1000
const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((all, one) => all + one, 0)
const n = (length: number) => Number(length.toFixed(2))
