import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type BuildOptions, build } from "esbuild"
import { type Smoke, script } from "../src/smoke/smoke.js"
import { program, type Runtime, runtimes } from "./Runtimes.js"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "flowwise-runtimes-"))
afterAll(() => rmSync(folder, { recursive: true }))
let onThisNode: Smoke["outcomes"]

const client3 = "packages/integrations/src/smoke"
const client4 = "packages/effect4/test/smoke"

/** For a runtime that has `fetch`, and no more: that anything of Node were imported fails the build. */
const anywhere: BuildOptions = {
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["worker", "browser"]
}
const forNode: BuildOptions = {
  platform: "node",
  banner: { js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);` }
}
const transports = {
  "FetchHttpClient.layer": { source: `${client3}/over-fetch.ts`, options: anywhere },
  "NodeFlowwise.layer": { source: `${client3}/over-undici.ts`, options: forNode },
  "FetchHttpClient.layer, Effect 4": { source: `${client4}/over-fetch.ts`, options: anywhere },
  "NodeFlowwise.layer, Effect 4": { source: `${client4}/over-undici.ts`, options: forNode }
}
type Transport = keyof typeof transports
const names = Object.keys(transports) as ReadonlyArray<Transport>

const moduleOf = (transport: Transport) => join(folder, `${names.indexOf(transport)}.mjs`)

/** What the built packages export, as their published manifests say. */
const published = () =>
  Object.fromEntries(
    ["core", "client", "node", "effect4"].flatMap((name) => {
      const home = join(root, "packages", name)
      const { exports } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")).publishConfig
      return Object.entries<{ default?: string; import?: { default: string } }>(exports).flatMap(([path, target]) => {
        const file = target.import?.default ?? target.default
        return file === undefined ? [] : [[`@effect-flowwise/${name}${path.slice(1)}`, join(home, file)]]
      })
    })
  )

beforeAll(async () => {
  const alias = published()
  for (const name of names) {
    const { options, source } = transports[name]
    await build({
      ...options,
      absWorkingDir: root,
      entryPoints: [source],
      outfile: moduleOf(name),
      alias,
      bundle: true,
      format: "esm",
      target: "es2022",
      logLevel: "error"
    })
  }
  const { outcomes } = await Effect.runPromise(smokeOf(program(process.execPath), "FetchHttpClient.layer"))
  assert.deepStrictEqual(
    outcomes.map((outcome) => "_tag" in outcome && outcome._tag),
    ["CustomerDeleted", "CustomerNotFound", "InvalidCustomerId", "RequestFailed", "CustomerDeleted", "interrupted"]
  )
  onThisNode = outcomes
}, 180_000)

/** undici brings its own HTTP, for which a worker has no sockets of Node's. */
const runsOn = ({ name, version }: Runtime, transport: Transport) =>
  !(transport.startsWith("NodeFlowwise") && name === "workerd") &&
  !(transport.endsWith("Effect 4") && name === "Node.js" && version.startsWith("20."))

const page = readFileSync(join(root, "docs/runtimes.md"), "utf8")
/** How often a request is sent whose answer gets lost: a row for each runtime, a column for each transport. */
const documented = new Map(
  Array.from(page.matchAll(/^\| (\S+ [\d.]+) \| (.+) \|$/gm), ([, runtime, cells]) => [runtime, cells?.split(" | ")])
)
const titleOf = ({ name, version }: Runtime) => `${name} ${version}`
const installed = runtimes()
const rows = installed.flatMap((runtime) =>
  names.filter((name) => runsOn(runtime, name)).map((transport) => ({ runtime, transport }))
)

/** Runs the smoke program against an emulator of its own: what the caller saw, and the targets of all requests. */
const smokeOf = (run: NonNullable<Runtime["run"]>, transport: Transport) =>
  Effect.gen(function* () {
    const emulator = yield* FlowwiseEmulator
    for (const line of script) yield* emulator.script(JSON.stringify(line))
    const smoke = yield* Effect.promise(() => run(moduleOf(transport), emulator.baseUrl))
    const requests = yield* emulator.requests
    const { host } = new URL(emulator.baseUrl)
    return {
      ...(JSON.parse(JSON.stringify(smoke).replaceAll(host, "HOST")) as Smoke),
      sent: requests.map(({ target }) => target.replace("/customer/", "")),
      unanswered: requests.filter(({ status }) => Option.isNone(status)).map(({ target }) => target)
    }
  }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_1", "cust_slow", "cust_dropped"] })))

it("docs/runtimes.md has a row for each runtime, as it is installed, and no other", () => {
  assert.deepStrictEqual([...documented.keys()], installed.map(titleOf))
  for (const runtime of installed) {
    assert.deepStrictEqual(
      documented.get(titleOf(runtime))?.map((cell) => cell !== "–"),
      names.map((name) => runsOn(runtime, name))
    )
  }
})

for (const { runtime, transport } of rows) {
  const title = `${titleOf(runtime)} over ${transport}`
  const { run } = runtime
  if (run === undefined) {
    it.skip(`${title}: npm has no binary of it for ${process.platform} ${process.arch}`, () => {})
    continue
  }
  it.live(
    `${title} ends every call as on this Node, and sends a lost one as often as the page says`,
    () =>
      Effect.gen(function* () {
        const { dropped, outcomes, sent, unanswered } = yield* smokeOf(run, transport)
        assert.deepStrictEqual(outcomes, onThisNode)
        const lost = sent.filter((id) => id === "cust_dropped").length
        assert.strictEqual(lost === 1 ? "once" : "twice", documented.get(titleOf(runtime))?.[names.indexOf(transport)])
        assert.isAtMost(lost, 2)
        // The second request finds nobody any more.
        assert.include(
          dropped,
          lost === 1 ? { _tag: "RequestFailed", delivered: "unknown" } : { _tag: "CustomerNotFound" }
        )
        // Each of the others was sent once, and those that were given up got no answer.
        const once = ["cust_1", "cust_absent", "cust_interrupted", "cust_silent", "cust_slow"]
        assert.sameMembers(
          sent.filter((id) => id !== "cust_dropped"),
          once
        )
        assert.includeMembers(unanswered, ["/customer/cust_silent", "/customer/cust_interrupted"])
      }),
    60_000
  )
}
