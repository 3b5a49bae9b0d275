// Where a whole run's figures go: docs/benchmarks, and the places for them in docs/performance.md.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import * as Os from "node:os"
import { barChart } from "./chart.js"
import { names } from "./competitors.js"
import { type Effort, inFlight, type Measurements } from "./measure.js"
import { ours, render, tables } from "./report.js"
import { versions } from "./stage.js"
import { startTables, type Times } from "./starts.js"
import { spread } from "./statistics.js"

const machine = () => ({
  processor: Os.cpus()[0]?.model ?? "unknown",
  processors: Os.cpus().length,
  platform: `${process.platform} ${process.arch}`,
  versions: { node: process.versions.node, ...versions() }
})

/** What the figures depend on, in one line. */
export const machineLine = (): string => {
  const { platform, processor, processors, versions } = machine()
  const installed = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${processors} × ${processor}, ${platform}; ${installed.join(", ")}`
}

const docs = new URL("../../../docs/", import.meta.url)
const chartTitle = `Requests a second with ${inFlight} in flight`

/** Each generated part of the page, by the name of its place there. */
export const parts: Readonly<Record<string, (measurements: Measurements) => string>> = {
  machine: machineLine,
  chart: () => `![${chartTitle}](benchmarks/throughput.svg)`,
  ...Object.fromEntries(
    Object.entries(tables).map(([name, table]) => [name, (measurements: Measurements) => render(table(measurements))])
  )
}

/** Those that `pnpm bench:start` writes. */
export const startParts: Readonly<Record<string, (times: Times) => string>> = {
  startMachine: machineLine,
  ...Object.fromEntries(
    Object.entries(startTables).map(([name, table]) => [name, (times: Times) => render(table(times))])
  )
}

/** Puts a part between the markers of its place. */
export const filled = (page: string, name: string, part: string): string => {
  const start = `<!-- bench: ${name} -->`
  const from = page.indexOf(start)
  const to = page.indexOf("<!-- end -->", from)
  if (from < 0 || to < 0) throw new Error(`docs/performance.md has no place for ${name}`)
  return `${page.slice(0, from + start.length)}\n\n${part}\n\n${page.slice(to)}`
}

export const publish = (measurements: Measurements, effort: Effort): void => {
  const folder = new URL("benchmarks/", docs)
  mkdirSync(folder, { recursive: true })
  const sixDigits = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(6)) : value)
  const results = JSON.stringify({ machine: machine(), effort, ...measurements }, sixDigits, 2)
  writeFileSync(new URL("results.json", folder), `${results}\n`)

  const bars = names.map((name) => ({
    label: name,
    value: spread(measurements.throughput[name].map(({ perSecond }) => perSecond)),
    highlighted: ours.some((one) => one === name)
  }))
  const caption = "The median of the rounds; a line spans their middle half"
  writeFileSync(new URL("throughput.svg", folder), barChart(chartTitle, caption, bars))

  fill(parts, measurements)
}

export const publishStarts = (times: Times): void => fill(startParts, times)

const fill = <A>(parts: Readonly<Record<string, (figures: A) => string>>, figures: A) => {
  const page = new URL("performance.md", docs)
  const text = Object.entries(parts).reduce(
    (text, [name, part]) => filled(text, name, part(figures)),
    readFileSync(page, "utf8")
  )
  writeFileSync(page, text)
}
