// Makes the next release as a dry run, and uses it as a stranger does. A copy of this working tree gets its new versions and
// changelogs, is built, and is published to a registry on loopback; then plain npm installs it into empty projects.
import { deepStrictEqual, match, ok } from "node:assert"
import { spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { isLibrary, published, root, run } from "./workspace.mjs"

const temp = mkdtempSync(join(tmpdir(), "effect-flowwise-"))
const servers = []
process.on("exit", () => {
  for (const server of servers) server.kill()
  rmSync(temp, { recursive: true, force: true, maxRetries: 3 })
})

const require = createRequire(import.meta.url)
const attw = join(dirname(require.resolve("@arethetypeswrong/cli/package.json")), "dist/index.js")
const passed = (what) => console.log(`ok   ${what}`)
const node = (args, options) => run(process.execPath, args, options)
// npm and pnpm are scripts for the shell on Windows.
const windows = process.platform === "win32"
const shell = (command, args, options) =>
  run(command, windows ? args.map((argument) => `"${argument}"`) : args, { ...options, shell: windows })
const text = (...path) => readFileSync(join(...path), "utf8")
const json = (...path) => JSON.parse(text(...path))

/** Starts a program of Node that goes on, and gives what it prints until `isReady`. */
const serve = async (args, isReady, options) => {
  const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"], ...options })
  servers.push(server)
  const lines = []
  for await (const line of createInterface(server.stdout)) {
    lines.push(line)
    if (isReady(lines)) break
  }
  ok(isReady(lines), `${args.join(" ")} ended: ${lines.join("\n")}`)
  return { lines, stop: () => server.kill() }
}

/** What an ES module alone can import. Its `import` and `require` have no files of their own. */
const isEsmOnly = (manifest) => manifest.publishConfig.main === undefined

/** The packages for Effect 4, which don't fit into one project with the others. */
const isForEffect4 = ({ peerDependencies }) => /^catalog:effect4/.test(peerDependencies?.effect)

for (const { folder, manifest } of published) {
  const home = "https://github.com/effect-flowwise/effect-flowwise"
  const directory = `packages/${basename(folder)}`
  const { bugs, description, engines, files, homepage, keywords, license, publishConfig, repository, sideEffects } =
    manifest
  deepStrictEqual(
    { bugs, files, homepage, license, repository, sideEffects },
    {
      bugs: `${home}/issues`,
      files: ["CHANGELOG.md", "dist", "src"],
      homepage: `${home}/tree/main/${directory}#readme`,
      license: "MIT",
      repository: { type: "git", url: `git+${home}.git`, directory },
      sideEffects: false
    }
  )
  match(description, /Flowwise|flowwise/)
  ok(keywords.includes("flowwise") && keywords.includes("effect"), manifest.name)
  deepStrictEqual([publishConfig.access, publishConfig.provenance], ["public", true])
  deepStrictEqual(publishConfig.engines ?? engines, {
    node: isForEffect4(manifest) ? ">=22.19.0" : json(root, "package.json").engines.node
  })
}
passed("each manifest says what npm shows of a package")

// A repository of its own: the changelogs name the commit that a change came with.
const copy = join(temp, "effect-flowwise")
const isSetting = ([name]) => /^(p?npm_|flowwise_)/i.test(name)
const registryInUse = shell("npm", ["config", "get", "registry"]).trim()
// Nothing that the pnpm around this script says to one within.
const plain = { ...Object.fromEntries(Object.entries(process.env).filter((one) => !isSetting(one))), CI: "true" }
const inCopy = { cwd: copy, env: { ...plain, npm_config_registry: registryInUse } }
for (const file of run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0")) {
  if (file !== "" && existsSync(join(root, file))) cpSync(join(root, file), join(copy, file))
}
const commit = () => {
  run("git", ["add", "--all"], inCopy)
  const author = ["-c", "user.name=CI", "-c", "user.email=ci@localhost", "-c", "commit.gpgsign=false"]
  run("git", [...author, "commit", "--quiet", "--allow-empty", "--message", "A release"], inCopy)
}
run("git", ["init", "--quiet", "--initial-branch", "main"], inCopy)
commit()
shell("pnpm", ["install", "-r"], inCopy)
shell("pnpm", ["changeset", "version"], inCopy)
commit()

const { version } = json(copy, "packages/core/package.json")
const released = published.map(({ folder }) => ({
  folder,
  manifest: json(copy, "packages", basename(folder), "package.json")
}))
for (const { folder, manifest } of released) {
  deepStrictEqual(manifest.version, version, manifest.name)
  match(
    text(copy, "packages", basename(folder), "CHANGELOG.md"),
    new RegExp(`^## ${version.replaceAll(".", "\\.")}$`, "m")
  )
}
const isMajor = readdirSync(join(root, ".changeset")).some((file) =>
  /^".+": major$/m.test(text(root, ".changeset", file))
)
const majorOf = (version) => version.split(".")[0]
ok(
  isMajor || majorOf(version) === majorOf(published[0].manifest.version),
  `${version}, and no changeset is a major one`
)
passed(`each package is to be ${version}, and its changelog says so`)

const readme = text(root, "README.md")
const mark = "<!-- run by: .ci/packages.mjs -->\n```sh\n"
/** The blocks of a page with what a reader runs to install something, which are marked as run by this file. */
const installBlocks = (page) => {
  const [, ...blocks] = page.split(mark)
  return blocks.map((block) => block.slice(0, block.indexOf("\n```")).match(/^npm install .+$/gm) ?? [])
}
const installLines = (page) => installBlocks(page).flat()
const [untilTheFirstRelease, theCommandUntilThen, afterIt, theCommand] = installLines(readme)

/** The first program of a page, after `heading`. */
const firstProgram = (page, heading) => /^```ts\n(.+?)^```$/ms.exec(page.slice(page.indexOf(heading)))[1]

// No setting of this user but the registry, and what belongs to our scope is on none but ours.
const home = join(temp, "home")
mkdirSync(join(home, "global/lib"), { recursive: true })
const registry = await serve(
  [join(import.meta.dirname, "registry.mjs"), join(temp, "registry")],
  (lines) => lines.length === 1,
  { stdio: ["ignore", "pipe", "inherit"] }
)
const [ours] = registry.lines
writeFileSync(
  join(home, ".npmrc"),
  `registry=${registryInUse}
@effect-flowwise:registry=${ours}
prefix=${join(home, "global")}
audit=false
fund=false
ignore-scripts=true
prefer-offline=true
update-notifier=false
`
)
const env = { ...plain, HOME: home, USERPROFILE: home }

/** An empty folder beside the copy, where lines of a page are run as they stand there. */
const makeProject = (name, manifest = {}) => {
  const cwd = join(temp, name)
  mkdirSync(cwd)
  const write = (file, content) => writeFileSync(join(cwd, file), content)
  write("package.json", JSON.stringify({ private: true, ...manifest }))
  const line = (command, { status, ...more } = {}) =>
    run(command, [], { cwd, env: { ...env, ...more }, shell: "bash", status })
  return { cwd, env, line, write }
}

// Before the first release: nothing of ours is on the registry yet.
const [packing] = /^npx -y pnpm tarballs\b/m.exec(readme)
run(packing, [], { ...inCopy, shell: "bash" })
const early = makeProject("before-the-release")
early.line(untilTheFirstRelease)
early.line(theCommandUntilThen, { npm_config_prefix: early.cwd })
passed("README.md: before the first release, what is packed in a clone can be installed")

// The release itself, with the scripts of its workflow. A second run, as after one that failed half-way, finds nothing left to publish.
const workflow = text(root, ".github/workflows/release.yml")
for (const script of [/pnpm changeset version$/m, /" build$/m, /" release$/m]) match(workflow, script)
const release = ["release", "--registry", ours, "--no-provenance"]
shell("pnpm", release, inCopy)
const again = shell("pnpm", release, inCopy)
ok(!again.includes("Published package"), again)
for (const { manifest } of released) {
  const tarball = join(temp, "registry", manifest.name, `${manifest.name.split("/")[1]}-${version}.tgz`)
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    strict: true
  })
  deepStrictEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    []
  )
  if (isLibrary({ manifest })) {
    node([attw, tarball, "--profile", isEsmOnly(manifest) ? "esm-only" : "strict"])
  }
  passed(`${manifest.name} is published: publint, and the types fit every way of resolving it (attw)`)
}

// The command is one package, and runs alone. From here on its emulator is the vendor.
const forCommand = makeProject("command")
forCommand.line(theCommand)
const globals = shell("npm", ["root", "--global"], forCommand).trim()
deepStrictEqual([readdirSync(globals), readdirSync(join(globals, "@effect-flowwise"))], [["@effect-flowwise"], ["cli"]])
passed(`${theCommand}: it is one package`)

/** An emulator of the one customer that the pages delete, and the settings that it prints. */
const emulate = async () => {
  forCommand.write("ids.txt", "cust_priya_sharma_2024\n")
  const args = [join(globals, "@effect-flowwise/cli/dist/bin.js"), "emulator", "--customers", "ids.txt"]
  const { lines, stop } = await serve(args, (lines) => lines.length === 3, forCommand)
  const settings = Object.fromEntries(lines.map((line) => /^export (\w+)='?(.+?)'?$/.exec(line).slice(1)))
  return { settings, stop }
}

/** Runs a program of a page as the page says: it deletes the customer, then finds none, then is refused. */
const runTwice = async (project, command, [deleted, absent], more = {}) => {
  const { stop, ...emulator } = await emulate()
  const settings = { ...emulator.settings, ...more }
  match(project.line(command, settings), deleted)
  match(project.line(command, settings), absent)
  project.line(command, { ...settings, FLOWWISE_CLIENT_SECRET: "another", status: 1 })
  stop()
}

const user = makeProject("user")
user.line(afterIt)
user.write("forget.mjs", firstProgram(readme, "## Use it"))
await runTwice(user, "node forget.mjs", [/Deleted in /, /There is no such customer/])
passed(`README.md: ${afterIt}`)
passed("README.md: node forget.mjs deletes the customer, finds none the second time, and exits 1 where it is refused")

// All of the others beside it, in both formats.
const libraries = released.filter(({ manifest }) => isLibrary({ manifest }) && !isForEffect4(manifest))
const names = released.filter(({ manifest }) => !isForEffect4(manifest)).map(({ manifest }) => manifest.name)
const installed = createRequire(join(root, "packages/examples/package.json"))
const compilers = ["typescript", "@types/node"].map(
  (name) => `${name}@${json(installed.resolve(`${name}/package.json`)).version}`
)
shell("npm", ["install", ...names, ...compilers], user)
for (const name of names) {
  const files = readdirSync(join(user.cwd, "node_modules", name)).sort()
  deepStrictEqual(files, ["CHANGELOG.md", "LICENSE", "README.md", "dist", "package.json", "src"], name)
}
passed("each package holds its changelog and licence, and what else it should")

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
const compile = (project, options) => {
  project.write(
    "tsconfig.json",
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...options }, files: ["main.ts"] })
  )
  node([join(user.cwd, "node_modules/typescript/bin/tsc")], project)
}

for (const { dist, prelude, type } of formats) {
  user.write("package.json", JSON.stringify({ ...json(user.cwd, "package.json"), type }))
  const checks = libraries.map(({ manifest }) => `check("${manifest.name}", "${dist}")`)
  user.write("entry-points.js", `${prelude}\n${entryPoints}\nPromise.all([${checks}])`)
  node(["entry-points.js"], user)
  passed(`${type}: each package loads from ${dist}, and nothing inside it but what it exports`)

  user.write("main.ts", `import "@effect-flowwise/testing"\n${firstProgram(readme, "## Use it")}`)
  compile(user, { skipLibCheck: false })
  await runTwice(user, "node main.js", [/Deleted in /, /There is no such customer/])
  passed(`${type}: the program type-checks, and does the same`)
}

// The Effect 4 edition, on a Node.js that is new enough for it.
{
  const project = makeProject("effect4", { type: "module" })
  const page = text(root, "packages/effect4/README.md")
  for (const line of installLines(page)) project.line(line)
  const program = firstProgram(page, "# @effect-flowwise/effect4")
  project.write("main.ts", `import "@effect-flowwise/effect4/testing"\n${program}`)
  compile(project, { lib: ["es2022", "dom"], skipLibCheck: true, types: [] })
  project.write("forget.mjs", program)
  const node22 = `"${process.execPath}" "${join(import.meta.dirname, "node22.mjs")}" forget.mjs`
  const { HOME, USERPROFILE } = process.env // where npm keeps that Node.js, which an install script fetches
  await runTwice(project, node22, [/Deleted in /, /There was nothing to delete/], { HOME, USERPROFILE })
  passed("packages/effect4/README.md: its program type-checks, and does the same with Effect 4")
}

// What each other page says to install fits together. npm only resolves it, and checks the peers.
const pages = ["docs", ...published.map(({ folder }) => `packages/${basename(folder)}`)].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `${folder}/${file}`)
)
const resolved = new Set([untilTheFirstRelease, afterIt, theCommand])
const isFor4 = (lines) => lines.some((line) => line.includes("effect4"))
const chosen = pages.flatMap((page) => {
  const blocks = installBlocks(text(root, page))
  // A page may have both editions, each for a project of its own.
  return [blocks.filter((lines) => !isFor4(lines)), blocks.filter(isFor4)].map((lines) => [page, lines.flat()])
})
for (const [index, [page, lines]] of chosen.entries()) {
  if (resolved.has(lines.join("\n")) || lines.length === 0) continue
  resolved.add(lines.join("\n"))
  const project = makeProject(`page-${index}`)
  for (const line of lines) project.line(line, { npm_config_package_lock_only: "true" })
  const { packages } = json(project.cwd, "package-lock.json")
  const expected = isFor4(lines) ? { effect: /^4\.1\./ } : { effect: /^3\./ }
  for (const [name, range] of Object.entries({ ...expected, "@effect/platform": /^0\.97\./ })) {
    const { version } = packages[`node_modules/${name}`] ?? {}
    if (version !== undefined) match(version, range, `${page} installs ${name} ${version}`)
  }
  passed(`${page}: what it says to install fits together`)
}
process.exit() // and so end the registry
