import type { Spread } from "./statistics.js"

export interface Bar {
  readonly label: string
  readonly value: Spread
  readonly highlighted: boolean
}

const ROW = 26
const LEFT = 290
const WIDTH = 880
const TOP = 64

/** Horizontal bars, the longest first, each with a line over the middle half of its rounds. */
export const barChart = (title: string, caption: string, bars: ReadonlyArray<Bar>): string => {
  const sorted = [...bars].sort((a, b) => b.value.median - a.value.median)
  const longest = Math.max(...bars.map(({ value }) => value.p75))
  const x = (figure: number) => LEFT + (figure / longest) * (WIDTH - LEFT - 110)
  const row = ({ highlighted, label, value }: Bar, index: number) => {
    const y = TOP + index * ROW
    const middle = y + ROW / 2 - 2
    const fixed = (figure: number) => figure.toFixed(1)
    return `  <text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end"${highlighted ? ` font-weight="bold"` : ""}>${escaped(label)}</text>
  <rect x="${LEFT}" y="${y}" width="${fixed(x(value.median) - LEFT)}" height="${ROW - 6}" class="${highlighted ? "ours" : "other"}"/>
  <path d="M${fixed(x(value.p25))} ${middle}H${fixed(x(value.p75))}" class="range"/>
  <text x="${fixed(x(Math.max(value.median, value.p75)) + 8)}" y="${middle + 4}">${Math.round(value.median).toLocaleString("en")}</text>`
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + bars.length * ROW + 14}" font-family="system-ui, Helvetica, Arial, sans-serif" font-size="13" role="img">
  <title>${escaped(title)}</title>
  <style>
    .page { fill: #ffffff }
    text { fill: #111827 }
    .note { fill: #4b5563 }
    .ours { fill: #2563eb }
    .other { fill: #9ca3af }
    .range { stroke: #111827; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #1b1b1f }
      text { fill: #f3f4f6 }
      .note { fill: #b6bcc6 }
      .ours { fill: #3b82f6 }
      .other { fill: #6b7280 }
      .range { stroke: #f3f4f6 }
    }
  </style>
  <rect class="page" width="100%" height="100%" rx="8"/>
  <text x="16" y="26" font-size="16" font-weight="bold">${escaped(title)}</text>
  <text class="note" x="16" y="46">${escaped(caption)}</text>
${sorted.map(row).join("\n")}
</svg>
`
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
