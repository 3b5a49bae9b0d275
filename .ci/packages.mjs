// Checks the tarballs that would be published, then uses them as a stranger does: plain npm, an empty project, and
// nothing of this workspace in reach. `pnpm build` comes first.
import { deepStrictEqual, match } from "node:assert"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { isLibrary, published, root, run } from "./workspace.mjs"

const temp = mkdtempSync(join(tmpdir(), "effect-flowwise-"))
process.on("exit", () => rmSync(temp, { recursive: true, force: true }))

const passed = (what) => console.log(`ok   ${what}`)
const read = (file) => readFileSync(join(root, file), "utf8")
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

// A user packs them by a line of the README, into the folder that other lines name.
const [packing] = /^for name in .+ pack .+$/m.exec(read("README.md"))
const clone = join(temp, "effect-flowwise")
mkdirSync(clone)
run("bash", ["-c", `PWD=${JSON.stringify(clone)}; ${packing}`])

const tarballOf = new Map()
for (const { manifest } of published) {
  const filename = join(clone, "tarballs", `${manifest.name.slice(1).replace("/", "-")}-${manifest.version}.tgz`)
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
const examples = createRequire(join(root, "packages/examples/package.json"))
const versions = ["effect", "@effect/platform", "@effect/platform-node", "typescript", "@types/node"].map(
  (name) => `${name}@${JSON.parse(readFileSync(examples.resolve(`${name}/package.json`), "utf8")).version}`
)

// No setting of this user or of pnpm but the registry.
const home = join(temp, "home")
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^p?npm_/i.test(name))),
  HOME: home,
  USERPROFILE: home,
  npm_config_registry: shell("npm", ["config", "get", "registry"]).trim(),
  npm_config_ignore_scripts: "true",
  npm_config_audit: "false",
  npm_config_fund: "false"
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
const mark = "<!-- run by: .ci/packages.mjs -->\n```sh\n"
/** What readers run to install something, page by page: the blocks that are marked as run by this file. */
const installations = [
  "README.md",
  ...readdirSync(join(root, "docs")).flatMap((file) => (file.endsWith(".md") ? [`docs/${file}`] : [])),
  ...published.map(({ folder }) => relative(root, join(folder, "README.md")))
].flatMap((page) => {
  const [, ...blocks] = read(page).split(mark)
  const commands = blocks.map((block) => block.slice(0, block.indexOf("\n```")).split("\n"))
  // A page may have both editions, each for a project of its own.
  const isFor4 = (lines) => lines.some((line) => line.includes(" effect@~4"))
  return [commands.filter((lines) => !isFor4(lines)), commands.filter(isFor4)]
    .filter((chosen) => chosen.length > 0)
    .map((chosen) => ({ page, lines: chosen.flat() }))
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

  shell("npm", ["install", ...tarballs, ...versions], inProject)
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
  shell("npm", ["install", tarball], { cwd: project, env })
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
  shell("npm", ["install", ...tarballsOf(forEffect4), ...others], inProject)
  node([join(project, "node_modules/typescript/bin/tsc")], inProject)
  passed("effect4: npm installs the tarballs, and a program type-checks")
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) {
    deepStrictEqual(node(["main.js"], inProject).trim(), "CustomerDeleted function")
    passed("effect4: the program deletes a customer of the fake")
  }
}

for (const [index, { lines, page }] of installations.entries()) {
  const project = join(temp, `page-${index}`)
  const inProject = { cwd: project, env }
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true }))
  const four = lines.some((line) => line.includes("@effect-flowwise/effect4"))
  for (const line of lines) {
    // Both have been run, the first before this script.
    if (line === "npx -y pnpm build" || line === packing) continue
    // Before the first release the registry lacks ours, so that they come from their tarballs, and not for everybody.
    const asToday = line
      .replaceAll(/ @effect-flowwise\/\w+/g, "")
      .replace(/^npm install(?: --global)?/, ["npm install", ...(four ? tarballsOf(forEffect4) : tarballs)].join(" "))
    run("bash", ["-c", line.includes("../effect-flowwise/") ? line : asToday], inProject)
  }
  const expected = four ? { effect: /^4\.1\./ } : { effect: /^3\./, "@effect/platform": /^0\.97\./ }
  for (const [name, range] of Object.entries(expected)) {
    const { version } = JSON.parse(readFileSync(join(project, "node_modules", name, "package.json"), "utf8"))
    match(version, range, `${page} installs ${name} ${version}`)
  }
  passed(`${page}: what it says to install fits together`)
}
