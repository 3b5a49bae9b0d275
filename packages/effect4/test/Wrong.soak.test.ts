/** What a user sees who installs one edition beside the other Effect: real tarballs, plain npm, an empty project. */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const temp = mkdtempSync(join(tmpdir(), "effect-flowwise-editions-"))
afterAll(() => rmSync(temp, { recursive: true, force: true }))

/** Status and everything printed. */
const run = (command: string, args: ReadonlyArray<string>, cwd: string) =>
  new Promise<{ readonly ok: boolean; readonly printed: string }>((resolve) => {
    const shell = process.platform === "win32" && command !== process.execPath
    execFile(command, [...args], { cwd, shell, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ ok: error === null, printed: stdout + stderr })
    )
  })

const must = async (command: string, args: ReadonlyArray<string>, cwd: string) => {
  const { ok, printed } = await run(command, args, cwd)
  assert(ok, `${command} ${args.join(" ")}\n${printed}`)
}

const tarball = (name: string) =>
  join(temp, readdirSync(temp).find((file) => file.startsWith(`effect-flowwise-${name}-`)) ?? name)

beforeAll(async () => {
  for (const name of ["core", "client", "effect4"]) {
    await must("npx", ["--yes", "pnpm", "pack", "--pack-destination", temp], join(root, "packages", name))
  }
}, 300_000)

const wrong = [
  {
    edition: "client",
    others: ["effect@4.1.0", "@effect/platform@0.97.2"],
    entries: [["@effect-flowwise/client", "with-effect-4-install/@effect-flowwise/effect4.js"]]
  },
  {
    edition: "effect4",
    others: ["effect@3.22.4"],
    entries: [
      ["@effect-flowwise/effect4", "with-effect-3-install/@effect-flowwise/client.js"],
      ["@effect-flowwise/effect4/node", "with-effect-3-install/@effect-flowwise/node.js"],
      ["@effect-flowwise/effect4/testing", "with-effect-3-install/@effect-flowwise/testing.js"]
    ]
  }
] as const

describe.each(wrong)("$edition with $others.0", ({ edition, entries, others }) => {
  const project = join(temp, `project-${edition}`)
  const install = (flags: ReadonlyArray<string>, others: ReadonlyArray<string>) =>
    run(
      "npm",
      [
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        ...flags,
        tarball("core"),
        tarball(edition),
        ...others
      ],
      project
    )

  beforeAll(() => {
    mkdirSync(project)
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, name: "project", version: "1.0.0" }))
  })

  it("npm refuses to install it, and names both", { timeout: 120_000 }, async () => {
    const { ok, printed } = await install([], [others[0]])
    assert.isFalse(ok)
    assert.match(printed, /ERESOLVE/)
    assert.include(printed, `@effect-flowwise/${edition}@`)
    assert.include(printed, `Found: ${others[0]}`)
  })

  it("where it was forced, each entry point fails and names the right package", { timeout: 120_000 }, async () => {
    const { ok, printed } = await install(["--legacy-peer-deps"], others)
    assert(ok, printed)
    for (const [entry, named] of entries) {
      for (const load of [`import("${entry}")`, `require("${entry}")`]) {
        const { ok, printed } = await run(process.execPath, ["--input-type=commonjs", "--eval", load], project)
        assert.isFalse(ok, load)
        assert.include(printed.replaceAll("\\", "/"), named, load)
      }
    }
  })
})
