/** The command as a user has it: compiled, in a folder of its own, started by node. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import ts from "typescript"

const packages = fileURLToPath(new URL("../..", import.meta.url))

/**
 * Lays our packages out as their tarballs do, each module compiled as the build compiles it, with what they depend on in
 * reach. Types are not checked: that is what `check` and `build` are for.
 */
export const install = () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "flowwise-cli-")))
  const modules = join(folder, "node_modules")
  const { config } = ts.readConfigFile(join(packages, "../tsconfig.base.json"), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, packages)

  for (const name of ["core", "client", "node", "testing", "cli"]) {
    const source = join(packages, name)
    const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"))
    const target = join(modules, manifest.name)
    mkdirSync(join(target, "dist/esm"), { recursive: true })
    writeFileSync(join(target, "package.json"), JSON.stringify({ ...manifest, ...manifest.publishConfig }))
    for (const file of readdirSync(join(source, "src"))) {
      const code = ts.transpileModule(readFileSync(join(source, "src", file), "utf8"), {
        fileName: file,
        compilerOptions: { ...options, module: ts.ModuleKind.ES2022, sourceMap: false }
      })
      writeFileSync(join(target, "dist/esm", file.replace(/\.ts$/, ".js")), code.outputText)
    }
    for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      const link = join(modules, dependency)
      if (dependency.startsWith("@effect-flowwise/") || existsSync(link)) continue
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(source, "node_modules", dependency), link, "junction")
    }
  }
  return {
    folder,
    bin: join(modules, "@effect-flowwise/cli/dist/esm/bin.js"),
    remove: () => rmSync(folder, { recursive: true })
  }
}

/** What the command needs to know of the emulator. */
export const settings = Effect.map(FlowwiseEmulator, ({ baseUrl, clientId, clientSecret }) => ({
  FLOWWISE_BASE_URL: baseUrl,
  FLOWWISE_CLIENT_ID: clientId,
  FLOWWISE_CLIENT_SECRET: Redacted.value(clientSecret)
}))

/** Starts the command; what it prints is collected. Its standard input is empty unless told
 * otherwise, and stays open where `input` is null. */
export const start = (
  bin: string,
  args: ReadonlyArray<string>,
  env: Record<string, string>,
  options: {
    readonly input?: string | Uint8Array | null
    readonly through?: ReadonlyArray<string>
    readonly cwd?: string
  } = {}
) => {
  const [file = "", ...rest] = [...(options.through ?? []), process.execPath, bin, ...args]
  const child: ChildProcess = spawn(file, rest, {
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...env },
    cwd: options.cwd,
    stdio: "pipe"
  })
  const printed = { stdout: "", stderr: "" }
  const watchers = new Set<() => void>()
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text) => {
      printed[stream] += text
      for (const look of watchers) look()
    })
  }
  child.stdin?.on("error", () => {}) // it may be refused before it is read
  if (options.input !== null) child.stdin?.end(options.input ?? "")
  const closed = once(child, "close").then(([code, signal]) => ({ code, signal, ...printed }))
  /** Waits until it has printed what is looked for, or its end. */
  const until = (found: (now: typeof printed) => boolean) => {
    const seen = new Promise<void>((resolve) => {
      const look = () => {
        if (!found(printed)) return
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
      look()
    })
    return Promise.race([seen, closed])
  }
  return { child, printed, closed, until }
}

/** Runs the command to its end. */
export const run = (...command: Parameters<typeof start>) => start(...command).closed
