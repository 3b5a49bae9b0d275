// What is started, and what the times say.
import { around, type Table } from "./report.js"
import { atMost, pairedRatio, spread } from "./statistics.js"

/** By the files of their programs. */
const clients = {
  fetch: "fetch",
  undici: "undici.request",
  axios: "axios",
  "plain-effect": "a plain Effect client over NodeHttpClient.layerUndici",
  ours: "ours",
  "ours-over-fetch": "ours over FetchHttpClient.layer"
}
type Client = keyof typeof clients
const ways = ["installed", "bundled"] as const
const commands = ["flowwise --version", "flowwise delete x --dry-run"] as const
const nothing = "node -e 0"

export const clientNames = Object.keys(clients) as ReadonlyArray<Client>

export type Program = `${Client}, ${(typeof ways)[number]}`
export type Command = (typeof commands)[number] | typeof nothing
type Start = Program | Command

export const isCommand = (name: Start): name is Command => name === nothing || commands.some((one) => one === name)

export const startNames: ReadonlyArray<Start> = [
  nothing,
  ...commands,
  ...clientNames.flatMap((name) => ways.map((way) => `${name}, ${way}` as const))
]

/** Milliseconds, round by round: of a clock for the programs, of a processor for the commands. */
export type Times = Readonly<Record<string, ReadonlyArray<number>>>

const ratio = (times: Times, name: Start, other: Start) => pairedRatio(times[name] ?? [], times[other] ?? [])

const target = (times: Times, name: Start, bound: number, other: Start) => {
  const paired = ratio(times, name, other)
  return [`${name} ÷ ${other}: at most ${bound}`, around(paired), atMost(bound, paired)]
}

export const startTables = {
  firstAnswer: (times: Times): Table => ({
    head: ["from the start of the process to the first answer, ms", ...ways],
    rows: clientNames.map((name) => [
      clients[name],
      ...ways.map((way) => around(spread(times[`${name}, ${way}`] ?? [])))
    ])
  }),
  command: (times: Times): Table => ({
    head: ["processor time of a whole run", "ms", "÷ node -e 0"],
    rows: ([nothing, ...commands] as const).map((name) => [
      name,
      around(spread(times[name] ?? [])),
      around(ratio(times, name, nothing))
    ])
  }),
  startTargets: (times: Times): Table => ({
    head: ["target", "measured", "verdict"],
    rows: [
      target(times, "ours, bundled", 1.5, "axios, bundled"),
      ...commands.map((name) => target(times, name, 5, nothing))
    ]
  })
}
