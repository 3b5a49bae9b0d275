// Compiles each published package, or those that are named, with declarations and source maps: to ES modules, and to CommonJS
// as well unless its manifest has no `main`. The command is bundled instead.
import { rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, join } from "node:path"
import { bundleCommand } from "./bundle.mjs"
import { isLibrary, published, run } from "./workspace.mjs"

const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc")
const tsc = (...args) => run(process.execPath, [compiler, ...args])
const names = process.argv.slice(2)
const chosen = published.filter(({ folder }) => names.length === 0 || names.includes(basename(folder)))
const libraries = chosen.filter(isLibrary)
const configs = libraries.map(({ folder }) => join(folder, "tsconfig.build.json"))
const asCommonJs =
  "--composite false --declaration --module commonjs --moduleResolution bundler --verbatimModuleSyntax false".split(" ")

for (const { folder } of chosen) rmSync(join(folder, "dist"), { recursive: true, force: true })

// Build mode follows the references, so that every package is compiled against the declarations of the others.
tsc("-b", ...configs)

for (const { folder, manifest } of libraries) {
  rmSync(join(folder, "dist/tsconfig.build.tsbuildinfo"), { force: true }) // not for the tarball
  if (manifest.publishConfig.main !== undefined) {
    const cjs = join(folder, "dist/cjs")
    tsc("-p", join(folder, "tsconfig.build.json"), "--outDir", cjs, ...asCommonJs)
    writeFileSync(join(cjs, "package.json"), `{ "type": "commonjs" }\n`)
  }
  console.log(`built ${manifest.name}`)
}

for (const { folder, manifest } of chosen.filter((one) => !isLibrary(one))) {
  await bundleCommand(join(folder, "dist"))
  console.log(`bundled ${manifest.name}`)
}
