/** The command as a user has it: bundled, in a folder of its own, started by node. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { bundleCommand } from "../../../.ci/bundle.mjs"

const source = fileURLToPath(new URL("..", import.meta.url))

/** Bundles the command as the build does, into a folder that has nothing else that it could load. */
export const install = async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "flowwise-cli-")))
  const target = join(folder, "node_modules/@effect-flowwise/cli")
  await bundleCommand(join(target, "dist"))
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"))
  const published = { ...manifest, ...manifest.publishConfig, devDependencies: {} }
  writeFileSync(join(target, "package.json"), JSON.stringify(published))
  return { folder, bin: join(target, published.bin.flowwise), remove: () => rmSync(folder, { recursive: true }) }
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
