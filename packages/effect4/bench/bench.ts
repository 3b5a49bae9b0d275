// The Effect 4 edition beside undici, and beside the Effect 3 packages on the same Node. Each client and the server have a
// process of their own; rounds take turns, so that the machine's moods meet all alike.
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Name, Result } from "./client.ts"

const ROUNDS = 11
const names: ReadonlyArray<Name> = [
  "undici.request",
  "effect4",
  "effect4, tracing off",
  "effect4 over FetchHttpClient",
  "effect3",
  "effect3, tracing off"
]

/** Lays the built packages out as npm would install them, beside the modules of the package that has their peers. */
const layOut = (home: string, ...packages: ReadonlyArray<string>) => {
  const bench = new URL(`../../${home}/dist/bench/`, import.meta.url)
  rmSync(bench, { recursive: true, force: true })
  for (const name of packages) {
    const source = new URL(`../../${name}/`, import.meta.url)
    const target = new URL(`node_modules/@effect-flowwise/${name}/`, bench)
    cpSync(new URL("dist/esm", source), new URL("dist/esm", target), { recursive: true })
    const manifest = JSON.parse(readFileSync(new URL("package.json", source), "utf8"))
    writeFileSync(new URL("package.json", target), JSON.stringify({ ...manifest, ...manifest.publishConfig }))
  }
}
layOut("effect4", "core", "effect4")
layOut("node", "core", "client", "node")

const start = (file: string, ...args: ReadonlyArray<string>) =>
  fork(fileURLToPath(new URL(file, import.meta.url)), [...args], { execArgv: ["--no-warnings"] })

const ask = async <A>(child: ChildProcess, message: unknown): Promise<A> => {
  child.send(message as object)
  const [answer] = await once(child, "message")
  return answer as A
}

const quantile = (figures: ReadonlyArray<number>, at: number) => {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.round((sorted.length - 1) * at)] ?? Number.NaN
}

const spread = (figures: ReadonlyArray<number>, digits: number) =>
  `${quantile(figures, 0.5).toFixed(digits)} (${quantile(figures, 0.25).toFixed(digits)}–${quantile(figures, 0.75).toFixed(digits)})`

const server = start("server.ts")
const [baseUrl] = (await once(server, "message")) as [string]
const clients = new Map<Name, ChildProcess>()
for (const name of names) {
  const child = start("client.ts", name, baseUrl)
  await once(child, "message")
  clients.set(name, child)
}

const results = new Map<Name, Array<Result>>(names.map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, child] of clients) results.get(name)?.push(await ask<Result>(child, { inFlight: 64 }))
}
for (const child of [...clients.values(), server]) child.kill()

const of = (name: Name) => results.get(name) ?? []
console.log(`Node ${process.version}, ${ROUNDS} rounds, 64 requests in flight\n`)
console.log("| client | requests/s | CPU µs/request | undici.request ÷ it, CPU |\n| --- | --- | --- | --- |")
for (const name of names) {
  const ratios = of(name).map(({ cpu }, round) => (of("undici.request")[round]?.cpu ?? Number.NaN) / cpu)
  const cells = [
    spread(
      of(name).map(({ perSecond }) => perSecond),
      0
    ),
    spread(
      of(name).map(({ cpu }) => cpu),
      1
    ),
    spread(ratios, 2)
  ]
  console.log(`| ${name} | ${cells.join(" | ")} |`)
}
