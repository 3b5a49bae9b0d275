// Checks the tarballs that would be published, then uses them as a stranger does: plain npm, an empty project, and
// nothing of this workspace in reach. `pnpm build` comes first.
import { deepStrictEqual, match } from "node:assert"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { isLibrary, published, root, run } from "./workspace.mjs"

const temp = mkdtempSync(join(tmpdir(), "effect-flowwise-"))
process.on("exit", () => rmSync(temp, { recursive: true, force: true }))

const passed = (what) => console.log(`ok   ${what}`)
const node = (args, options) => run(process.execPath, args, options)
// npm and pnpm are scripts for the shell on Windows.
const windows = process.platform === "win32"
const shell = (command, args, options) =>
  run(command, windows ? args.map((argument) => `"${argument}"`) : args, { ...options, shell: windows })

const require = createRequire(import.meta.url)
const attw = join(dirname(require.resolve("@arethetypeswrong/cli/package.json")), "dist/index.js")

/** What an ES module alone can import. Its `import` and `require` have no files of their own. */
const isEsmOnly = (manifest) => manifest.publishConfig.main === undefined

/** The packages for Effect 4, which don't fit into one project with the others. */
const isForEffect4 = ({ peerDependencies }) => /^catalog:effect4/.test(peerDependencies?.effect)

const tarballOf = new Map()
for (const { folder, manifest } of published) {
  const { filename } = JSON.parse(shell("pnpm", ["pack", "--json", "--pack-destination", temp], { cwd: folder }))
  tarballOf.set(manifest.name, filename)
  const tarball = readFileSync(filename)
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true })
  deepStrictEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    []
  )
  passed(`${manifest.name}: publint`)
  if (isLibrary({ manifest })) {
    node([attw, filename, "--profile", isEsmOnly(manifest) ? "esm-only" : "strict"])
    passed(`${manifest.name}: the types fit every way of resolving it (attw)`)
  }
}
const forEffect3 = published.filter(({ manifest }) => !isForEffect4(manifest))
const forEffect4 = published.filter(({ manifest }) => isForEffect4(manifest) || manifest.name.endsWith("/core"))
const tarballsOf = (packages) => packages.map(({ manifest }) => tarballOf.get(manifest.name))
const tarballs = tarballsOf(forEffect3)

// The versions of this workspace, so that what a stranger gets today is what was tested.
const installed = createRequire(join(root, "packages/examples/package.json"))
const versions = ["effect", "@effect/platform", "@effect/platform-node", "typescript", "@types/node"].map(
  (name) => `${name}@${JSON.parse(readFileSync(installed.resolve(`${name}/package.json`), "utf8")).version}`
)

// No setting of this user or of pnpm but the registry.
const home = join(temp, "home")
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^p?npm_/i.test(name))),
  HOME: home,
  USERPROFILE: home,
  npm_config_registry: shell("npm", ["config", "get", "registry"]).trim()
}
mkdirSync(home)

const program = `
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

Effect.gen(function* () {
  const done = yield* deleteCustomer("cust_1")
  console.log(done._tag)
}).pipe(
  Effect.provide(
    NodeFlowwise.layer.pipe(
      Layer.provide([FlowwiseEmulator.layerCredentials, FlowwiseEmulator.layerEnvironment]),
      Layer.provide(FlowwiseEmulator.layer({ customers: ["cust_1"] }))
    )
  ),
  Effect.runPromise
)
`
const program4 = `
import { deleteCustomer } from "@effect-flowwise/effect4"
import { NodeFlowwise } from "@effect-flowwise/effect4/node"
import { FlowwiseTest } from "@effect-flowwise/effect4/testing"
import * as Effect from "effect/Effect"

Effect.gen(function* () {
  const done = yield* deleteCustomer("cust_1")
  console.log(done._tag, typeof NodeFlowwise.layerWith)
}).pipe(Effect.provide(FlowwiseTest.layer({ customers: ["cust_1"] })), Effect.runPromise)
`
/** The packages that the documentation tells a user to install, page by page. */
const installLines = [
  "README.md",
  "docs/getting-started.md",
  "docs/testing.md",
  "docs/durable-erasure.md",
  ...published.map(({ manifest }) => `packages/${manifest.name.split("/")[1]}/README.md`)
].flatMap((page) => {
  const text = readFileSync(join(root, page), "utf8")
  const lines = Array.from(text.matchAll(/^npm install (?:--save-dev |--global )?(.+)$/gm), ([, names]) => names)
  // A page may have both editions, each for a project of its own.
  const isFour = (line) => /effect4|@~4\./.test(line)
  return [lines.filter((line) => !isFour(line)), lines.filter(isFour)]
    .filter((lines) => lines.length > 0)
    .map((lines) => ({ page, names: lines.flatMap((line) => line.split(" ")) }))
})

// `load` and `resolve` are those of the module format.
const entryPoints = `
const check = async (name, dist) => {
  if (Object.keys(await load(name)).length === 0) throw new Error(name + " exports nothing")
  if (!resolve(name).includes(dist)) throw new Error(name + " is loaded from " + resolve(name))
  const inner = await load(name + "/" + dist + "/index.js").then(() => "loaded", (error) => error.code)
  if (inner !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error("a file inside " + name + ": " + inner)
}
`
const formats = [
  { type: "module", dist: "dist/esm", prelude: "const load = (name) => import(name), resolve = import.meta.resolve" },
  { type: "commonjs", dist: "dist/cjs", prelude: "const load = async (name) => require(name), { resolve } = require" }
]

const compilerOptions = { module: "nodenext", target: "es2022", lib: ["es2022"], types: ["node"], strict: true }

for (const { dist, prelude, type } of formats) {
  const project = join(temp, type)
  const inProject = { cwd: project, env }
  const write = (file, content) => writeFileSync(join(project, file), content)
  mkdirSync(project)
  write("package.json", JSON.stringify({ private: true, type }))
  write("main.ts", program)
  write("tsconfig.json", JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: false } }))

  shell("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballs, ...versions], inProject)
  for (const { manifest } of forEffect3) {
    const files = readdirSync(join(project, "node_modules", manifest.name)).sort()
    deepStrictEqual(files, ["LICENSE", "README.md", "dist", "package.json", "src"], manifest.name)
  }
  passed(`${type}: npm installs the tarballs, which hold what they should`)

  const libraries = forEffect3.filter(isLibrary)
  const checks = libraries.map(({ manifest }) => `check("${manifest.name}", "${dist}")`)
  write("entry-points.js", `${prelude}\n${entryPoints}\nPromise.all([${checks}])`)
  node(["entry-points.js"], inProject)
  passed(`${type}: each package loads from ${dist}, and nothing inside it but what it exports`)

  const dryRun = ["flowwise", "delete", "cust_1", "--dry-run"]
  match(
    shell("npx", dryRun, inProject),
    /would send {2}DELETE https:\/\/sandbox\.flowwise\.com\/router\/customer\/cust_1/
  )
  match(shell("npx", ["flowwise", "--version"], inProject), /^\d+\.\d+\.\d+/)
  passed(`${type}: the flowwise command runs`)

  node([join(project, "node_modules/typescript/bin/tsc")], inProject)
  passed(`${type}: a program type-checks`)

  deepStrictEqual(node(["main.js"], inProject).trim(), "CustomerDeleted")
  passed(`${type}: the program deletes a customer of the emulator`)
}

{
  const project = join(temp, "command-alone")
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true }))
  const tarball = tarballOf.get("@effect-flowwise/cli")
  shell("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", tarball], { cwd: project, env })
  const installed = readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))
  deepStrictEqual(
    [installed, readdirSync(join(project, "node_modules/@effect-flowwise"))],
    [["@effect-flowwise"], ["cli"]]
  )
  match(shell("npx", ["flowwise", "delete", "cust_1", "--dry-run"], { cwd: project, env }), /^would send/)
  passed("the flowwise command is one package, and runs alone")
}

// The Effect 4 edition: every entry point compiles, and runs where this Node is new enough for Effect 4.
{
  const project = join(temp, "effect4")
  const inProject = { cwd: project, env }
  const write = (file, content) => writeFileSync(join(project, file), content)
  const installed4 = createRequire(join(root, "packages/effect4/package.json"))
  const effect = JSON.parse(readFileSync(installed4.resolve("effect/package.json"), "utf8")).version
  mkdirSync(project)
  write("package.json", JSON.stringify({ private: true, type: "module" }))
  write("main.ts", program4)
  write(
    "tsconfig.json",
    JSON.stringify({ compilerOptions: { ...compilerOptions, lib: ["es2022", "dom"], skipLibCheck: true } })
  )
  const others = [`effect@${effect}`, ...versions.filter((name) => /^(typescript|@types\/node)@/.test(name))]
  shell(
    "npm",
    ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballsOf(forEffect4), ...others],
    inProject
  )
  node([join(project, "node_modules/typescript/bin/tsc")], inProject)
  passed("effect4: npm installs the tarballs, and a program type-checks")
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) {
    deepStrictEqual(node(["main.js"], inProject).trim(), "CustomerDeleted function")
    passed("effect4: the program deletes a customer of the fake")
  }
}

for (const [index, { names, page }] of installLines.entries()) {
  const four = names.some((name) => forEffect4.some(({ manifest }) => isForEffect4(manifest) && manifest.name === name))
  const project = join(temp, `page-${index}`)
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true }))
  // Our own are not on the registry before they are published, so that all of them come from their tarballs.
  const isOurs = (name) => name.startsWith("../") || published.some(({ manifest }) => manifest.name === name)
  const foreign = names.filter((name) => !isOurs(name))
  const ours = four ? tarballsOf(forEffect4) : tarballs
  shell("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...ours, ...foreign], { cwd: project, env })
  const expected = four ? { effect: /^4\.1\./ } : { effect: /^3\./, "@effect/platform": /^0\.97\./ }
  for (const [name, range] of Object.entries(expected)) {
    const { version } = JSON.parse(readFileSync(join(project, "node_modules", name, "package.json"), "utf8"))
    match(version, range, `${page} installs ${name} ${version}`)
  }
  passed(`${page}: what it says to install fits together`)
}
