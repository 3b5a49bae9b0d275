// What the figures of one run say.
import { type Name, names } from "./competitors.js"
import { inFlight, type Measurements, otherLoads, requestsPerSecond } from "./measure.js"
import { atLeast, atMost, pairedRatio, type Spread, spread, verdict } from "./statistics.js"

export interface Table {
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

const rounded = (figure: number, digits = 3) =>
  figure.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, Math.trunc(figure).toString().length) })
export const around = ({ median, p25, p75 }: Spread) =>
  p25 === p75 ? rounded(median) : `${rounded(median)} (${rounded(p25)}–${rounded(p75)})`
const kilobytes = (bytes: number) => rounded(bytes / 1024)

const perSecond = (measurements: Measurements, name: Name) =>
  measurements.throughput[name].map((round) => round.perSecond)

const ratio = (measurements: Measurements, name: Name, other: Name) =>
  pairedRatio(perSecond(measurements, name), perSecond(measurements, other))

const throughput = (measurements: Measurements): Table => ({
  head: [`${inFlight} in flight`, "requests/s", "CPU µs/request", "server busy"],
  rows: names.map((name) => {
    const rounds = measurements.throughput[name]
    return [
      name,
      around(spread(perSecond(measurements, name))),
      around(spread(rounds.map(({ cpuMicros }) => cpuMicros))),
      `${Math.round(100 * spread(rounds.map(({ serverBusy }) => serverBusy)).median)} %`
    ]
  })
})

/** The client on the pool that it brings along. */
export const ours = ["ours, tracing off", "ours", "ours, OpenTelemetry"] as const

const ratios = (measurements: Measurements): Table => ({
  head: ["requests/s over those of", ...ours],
  rows: names
    .filter((name) => !ours.some((one) => one === name))
    .map((other) => [
      other,
      ...ours.map((name) => {
        const paired = ratio(measurements, name, other)
        return `${around(paired)} ${verdict(paired)}`
      })
    ])
})

const latency = ({ latency }: Measurements): Table => ({
  head: [`${requestsPerSecond} requests/s`, "p50 ms", "p99 ms", "held"],
  rows: names.map((name) => {
    const rounds = latency[name]
    return [
      name,
      around(spread(rounds.map(({ p50 }) => p50))),
      around(spread(rounds.map(({ p99 }) => p99))),
      rounds.every((round) => round.perSecond > 0.95 * requestsPerSecond) ? "yes" : "no"
    ]
  })
})

const growth = (measurements: Measurements): Table => {
  const columns = [
    { load: inFlight as number, rounds: measurements.throughput },
    ...otherLoads.map((load, index) => ({ load, rounds: measurements.growth[index] }))
  ].sort((a, b) => a.load - b.load)
  return {
    head: ["requests/s by requests in flight", ...columns.map(({ load }) => String(load))],
    rows: names.map((name) => [
      name,
      ...columns.map(({ rounds }) => rounded(spread((rounds?.[name] ?? []).map(({ perSecond }) => perSecond)).median))
    ])
  }
}

const memory = ({ allocation, heap }: Measurements): Table => ({
  head: [
    "memory",
    "KiB allocated/request",
    ...(heap === undefined ? [] : [heap.early, heap.late].map((count) => `MiB in use after ${rounded(count)}`))
  ],
  rows: names.map((name) => {
    const inUse = heap?.grown.find((one) => one.name === name)
    const perRequest = allocation[name]
    return [
      name,
      perRequest === undefined ? "collected meanwhile" : kilobytes(perRequest),
      ...(heap === undefined ? [] : [inUse?.early, inUse?.late].map((bytes) => megabytes(bytes)))
    ]
  })
})

const megabytes = (bytes: number | undefined) => (bytes === undefined ? "" : rounded(bytes / 1024 / 1024))

const startUp = ({ startUp }: Measurements): Table => ({
  head: ["a fresh process, ms", "imported and set up", "first answer"],
  rows: names.map((name) => [
    name,
    around(spread(startUp[name].map(({ ready }) => ready))),
    around(spread(startUp[name].map(({ firstAnswer }) => firstAnswer)))
  ])
})

const bundles = ({ bundles }: Measurements): Table => ({
  head: ["bundle, bytes", "minified", "minified and gzipped"],
  rows: Object.entries(bundles).map(([name, size]) => [name, rounded(size.minified), rounded(size.gzipped)])
})

/** A pointer: what even the smallest leak keeps of each request. */
const LEAK = 8

/** KiB for each deletion over a dispatcher in memory; a test holds them with 5 % of room. */
export const allocationBudget = { traced: 14.5, untraced: 11 }

const targets = (measurements: Measurements): Table => {
  const micros = (name: Name) => measurements.throughput[name].map(({ cpuMicros }) => cpuMicros)
  const cpu = (other: Name, name: Name) => pairedRatio(micros(other), micros(name))
  const atLeastTimes = (name: Name, bound: number, other: Name) => {
    const paired = cpu(other, name)
    return [`CPU, ${other} ÷ ${name}: at least ${bound}`, around(paired), atLeast(bound, paired)]
  }
  const ceiling = (other: Name) => [`the ceiling: CPU, ${other} ÷ ${bareFiber}`, around(cpu(other, bareFiber)), ""]
  const size = measurements.bundles["deleteCustomer and its layer, peers external"].gzipped
  const allocated = (which: keyof typeof allocationBudget) => {
    const [kib, most] = [measurements.inMemory[which], allocationBudget[which]]
    return [`allocated in memory, ${which}: at most ${most} KiB`, `${rounded(kib)} KiB`, atMost(most, exact(kib))]
  }
  return {
    head: ["target", "measured", "verdict"],
    rows: [
      atLeastTimes("ours", 0.8, "undici.request"),
      ceiling("undici.request"),
      atLeastTimes("ours, tracing off", 0.58, "undici dispatch"),
      ceiling("undici dispatch"),
      atLeastTimes("ours over NodeHttpClient.layerUndici", 0.143, "undici.request"),
      allocated("traced"),
      allocated("untraced"),
      [
        "bundle with peers external: at most 9.5 KiB gzipped",
        `${kilobytes(size)} KiB`,
        atMost(9.5 * 1024, exact(size))
      ],
      ...heapTargets(measurements)
    ]
  }
}

const bareFiber = "a bare fiber over undici dispatch"

const heapTargets = ({ heap }: Measurements) => {
  if (heap === undefined) {
    return [["flat heap", "not in a quick run", ""]]
  }
  return heap.grown.map(({ early, late, name }) => {
    const perRequest = (late - early) / (heap.late - heap.early)
    return [
      `${name}: heap grows by less than ${LEAK} bytes a request`,
      rounded(perRequest),
      atMost(LEAK, exact(perRequest))
    ]
  })
}

const exact = (figure: number): Spread => ({ median: figure, p25: figure, p75: figure })

/** As Markdown, in columns that a terminal shows too. */
export const render = ({ head, rows }: Table): string => {
  const lines = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)))
  const cells = (line: ReadonlyArray<string>) =>
    widths.map((width, column) =>
      column === 0 ? (line[column] ?? "").padEnd(width) : (line[column] ?? "").padStart(width)
    )
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))
  return [cells(head), rule, ...rows.map(cells)].map((line) => `| ${line.join(" | ")} |`).join("\n")
}

/** By their places in docs/performance.md. */
export const tables = { throughput, ratios, latency, growth, memory, startUp, bundles, targets } satisfies Record<
  string,
  (measurements: Measurements) => Table
>
