/** The runtimes of npm's packages, and how each runs a module with `run(baseUrl)`. */
import { execFile, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname } from "node:path"
import { text } from "node:stream/consumers"
import { promisify } from "node:util"
import { nodeOf, nodeVersions } from "../../../.ci/nodes.mjs"
import type { Smoke } from "../src/smoke/smoke.js"

export interface Runtime {
  readonly name: "Node.js" | "Bun" | "Deno" | "workerd"
  readonly version: string
  /** None: npm has no binary for this platform. */
  readonly run: ((module: string, baseUrl: string) => Promise<Smoke>) | undefined
}

const require = createRequire(import.meta.url)
const { arch, platform } = process

const versionOf = (name: string): string => require(`${name}/package.json`).version

/** A file of a package that another one depends on for this platform alone. */
const optional = (name: string, file: string): string | undefined => {
  try {
    return createRequire(require.resolve(`${name}/package.json`)).resolve(file)
  } catch {
    return undefined
  }
}

/** Runs it as a program, which prints the outcomes. */
export const program =
  (command: string, ...args: ReadonlyArray<string>) =>
  async (module: string, baseUrl: string): Promise<Smoke> => {
    const main = `${module}.main.mjs`
    writeFileSync(
      main,
      `import { run } from "./${basename(module)}"\nconsole.log(JSON.stringify(await run("${baseUrl}")))\n`
    )
    const env = { PATH: process.env.PATH, HOME: dirname(module), NO_COLOR: "1" }
    const { stdout } = await promisify(execFile)(command, [...args, main], { env, timeout: 60_000 })
    return JSON.parse(stdout)
  }

/** Runs it as a worker, which answers with the outcomes. */
const worker =
  (command: string) =>
  async (module: string, baseUrl: string): Promise<Smoke> => {
    writeFileSync(
      `${module}.worker.mjs`,
      `import { run } from "smoke"\nexport default { fetch: async () => Response.json(await run("${baseUrl}")) }\n`
    )
    // A worker reaches public addresses only, unless it is told otherwise.
    writeFileSync(
      `${module}.capnp`,
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "smoke", worker = (
      modules = [
        (name = "worker", esModule = embed "${basename(module)}.worker.mjs"),
        (name = "smoke", esModule = embed "${basename(module)}")
      ],
      compatibilityDate = "2026-01-01",
      globalOutbound = "private"
    )),
    (name = "private", network = (allow = ["private"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "smoke")]
);
`
    )
    const child = spawn(command, ["serve", `${module}.capnp`, "--control-fd=3"], {
      cwd: dirname(module),
      stdio: ["ignore", "ignore", "pipe", "pipe"]
    })
    const stderr = text(child.stderr!)
    try {
      // It says on which port it listens.
      const said = await Promise.race([
        new Promise<string>((resolve) => child.stdio[3]?.once("data", (data) => resolve(String(data)))),
        new Promise<never>((_, reject) => child.once("exit", async () => reject(new Error(await stderr))))
      ])
      const { port } = JSON.parse(said.split("\n")[0] ?? "")
      const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(60_000) })
      const body = await response.text()
      if (!response.ok) {
        child.kill()
        throw new Error(`${body}\n${await stderr}`)
      }
      return JSON.parse(body)
    } finally {
      child.kill()
    }
  }

const when = <A>(command: string | undefined, run: (command: string) => A) =>
  command === undefined ? undefined : run(command)

const windows = platform === "win32"
const bun = `@oven/bun-${windows ? "windows" : platform}-${arch === "arm64" ? "aarch64" : arch}/bin/bun${windows ? ".exe" : ""}`
const deno = `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}/deno${windows ? ".exe" : ""}`
const workerd = `@cloudflare/workerd-${windows ? "windows" : platform}-${arch === "x64" ? "64" : arch}/bin/workerd${windows ? ".exe" : ""}`

export const runtimes = (): ReadonlyArray<Runtime> => [
  ...nodeVersions.map((version) => ({ name: "Node.js" as const, version, run: when(nodeOf(version), program) })),
  { name: "Bun", version: versionOf("bun"), run: when(optional("bun", bun), program) },
  {
    name: "Deno",
    version: versionOf("deno"),
    run: when(optional("deno", deno), (command) => program(command, "run", "--no-config", "--allow-net", "--allow-env"))
  },
  { name: "workerd", version: versionOf("workerd"), run: when(optional("workerd", workerd), worker) }
]
