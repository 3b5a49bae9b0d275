// Lays out in `dist` what a user would have installed: the built packages, found by Node's own resolution as what their
// published manifests export, and beside them the programs of this package as plain JavaScript.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import type { Programs } from "./processes.js"
import { clientNames } from "./starts.js"

const here = fileURLToPath(new URL("..", import.meta.url))
const dist = join(here, "dist")

export const programs: Programs = {
  file: (name) => new URL(`../dist/${name}.js`, import.meta.url),
  flags: []
}

export const layOut = async (): Promise<void> => {
  rmSync(dist, { recursive: true, force: true })
  for (const name of ["core", "client", "node"]) {
    const source = join(here, "..", name)
    if (!existsSync(join(source, "dist/esm"))) {
      throw new Error(`packages/${name} is not built: run pnpm bench at the root, which builds first`)
    }
    const installed = join(dist, "node_modules/@effect-flowwise", name)
    mkdirSync(installed, { recursive: true })
    cpSync(join(source, "dist"), join(installed, "dist"), { recursive: true })
    const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"))
    writeFileSync(join(installed, "package.json"), JSON.stringify({ ...manifest, ...manifest.publishConfig }))
  }
  await build({
    absWorkingDir: here,
    entryPoints: ["server", "child", "competitors", "ipc", "statistics", "allocation"].map((name) => `src/${name}.ts`),
    outdir: "dist",
    format: "esm",
    target: "node20"
  })
}

/** The programs of `start.ts`: as installed, where Node looks up every module, and bundled as the documentation says. */
export const layOutStarts = async (): Promise<void> => {
  const names = [...clientNames, "settings"]
  await build({
    absWorkingDir: here,
    entryPoints: names.map((name) => `src/programs/${name}.ts`),
    outdir: "dist/programs/installed",
    format: "esm",
    target: "node20"
  })
  await build({
    absWorkingDir: dist,
    entryPoints: clientNames.map((name) => `programs/installed/${name}.js`),
    outdir: "programs/bundled",
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // What is bundled of CommonJS asks for Node's own modules by `require`.
    banner: { js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);` },
    logLevel: "error"
  })
}

/** Of everything foreign that is measured, as installed. */
export const versions = (): Readonly<Record<string, string>> => {
  const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  const foreign = Object.entries<string>(manifest(here).dependencies).filter(([, range]) =>
    range.startsWith("catalog:")
  )
  return Object.fromEntries(foreign.map(([name]) => [name, String(manifest(join(here, "node_modules", name)).version)]))
}

interface Bundle {
  /** Bytes. */
  readonly minified: number
  readonly gzipped: number
}

const peers = ["effect", "@effect/platform"]

/** What a browser or an edge worker would load for these lines. */
const bundle = async (code: string, external: ReadonlyArray<string> = []) => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: dist,
    stdin: { contents: code, resolveDir: dist },
    external: [...external],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    metafile: true
  })
  const bytes = outputFiles[0]?.contents ?? new Uint8Array()
  const size: Bundle = { minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length }
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path))
  return { size, imports: [...new Set(imports)] }
}

const ours = `import { deleteCustomer, FlowwiseClient } from "@effect-flowwise/client"
export { deleteCustomer }
export const layer = FlowwiseClient.layer`

export const bundles = async () => {
  const client = await bundle(ours, peers)
  return {
    sizes: {
      "deleteCustomer and its layer, peers external": client.size,
      "the same with effect and @effect/platform": (await bundle(ours)).size,
      "openapi-fetch": (await bundle(`export { default } from "openapi-fetch"`)).size,
      ky: (await bundle(`export { default } from "ky"`)).size,
      axios: (await bundle(`export { default } from "axios"`)).size
    },
    /** The modules of its peers that the client imports. */
    peerModules: client.imports
  }
}
