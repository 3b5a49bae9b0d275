import { execFile } from "node:child_process"
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

const here = fileURLToPath(new URL("..", import.meta.url))
const require = createRequire(import.meta.url)
const tsc = require.resolve("typescript/bin/tsc")

/** A library of somebody else's, under pnpm: it has its own dependencies and no others, so that undici is not among them. */
const library = async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "library-")))
  const modules = join(folder, "node_modules")
  await mkdir(join(modules, "@effect"), { recursive: true })
  await mkdir(join(modules, "@effect-flowwise"))
  const link = async (name: string, target: string) => symlink(await realpath(target), join(modules, name), "junction")
  await link("effect", join(here, "node_modules/effect"))
  await link("@effect/platform", join(here, "node_modules/@effect/platform"))
  await link("@effect-flowwise/client", join(here, "node_modules/@effect-flowwise/client"))
  await link("@effect-flowwise/node", here)
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "library", type: "module" }))
  await writeFile(join(folder, "index.ts"), source)
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: "dist",
    module: "nodenext",
    target: "ES2022",
    types: ["node"],
    typeRoots: [dirname(dirname(require.resolve("@types/node/package.json")))],
    skipLibCheck: true
  }
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts"] }))
  return folder
}

// All types of what is exported are inferred.
const source = `
import { Credentials, Environment, FlowwiseClient, Retry } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Layer from "effect/Layer"

export const withDefaults = (options: NodeFlowwise.Options) => ({ connections: 4, ...options })

export const layerWith = (options: NodeFlowwise.Options) =>
  NodeFlowwise.layerWith(withDefaults(options)).pipe(Layer.provide([Credentials.layerConfig, Environment.layerConfig]))

export const layerTransportWith = ({ dispatcher, ...options }: NodeFlowwise.TransportOptions) =>
  dispatcher === undefined ? NodeFlowwise.layerTransportWith(options) : NodeFlowwise.layerTransportWith({ dispatcher })

export const dispatcherOf = ({ dispatcher }: NodeFlowwise.Options) => dispatcher

export const client = (timeout?: "5 seconds") => Layer.effect(FlowwiseClient, FlowwiseClient.make({ timeout }))

export const patiently = (options: Retry.TransientOptions) => Retry.transient({ times: 10, ...options })
`

const run = (folder: string) =>
  new Promise<string>((resolve) => {
    execFile(process.execPath, [tsc, "-p", folder], { cwd: folder }, (_, stdout, stderr) => resolve(stdout + stderr))
  })

it("a library without undici of its own can spread our options and export what is inferred", {
  timeout: 120_000
}, async () => {
  const folder = await library()
  try {
    expect(await run(folder)).toBe("")
  } finally {
    await rm(folder, { recursive: true })
  }
})
