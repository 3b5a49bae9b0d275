import { execFile, execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, it } from "@effect/vitest"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import { build } from "esbuild"

const guide = fileURLToPath(new URL("../../../docs/durable-erasure.md", import.meta.url))
const eraser = fileURLToPath(new URL("fixtures/eraser.ts", import.meta.url))
const windows = process.platform === "win32"

/** A machine with Node.js and npm, whose user has no settings and which knows no compiler. */
const bare = (home: string): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^p?npm_/i.test(name))),
  ...(!windows && { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, CC: "false", CXX: "false" }),
  HOME: home,
  USERPROFILE: home,
  npm_config_registry: execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", shell: windows }).trim(),
  npm_config_ignore_scripts: "true"
})

it.scoped(
  "14.4 the install line of the guide works without a compiler and without install scripts, and erases",
  () =>
    Effect.gen(function* () {
      const line = /^npm install (.* libsql@.*)$/m.exec(readFileSync(guide, "utf8"))
      assert.isNotNull(line)
      // Ours come from this workspace: .ci/packages.mjs installs what would be published.
      const names = line![1]!.split(" ").filter((name) => !name.startsWith("@effect-flowwise/"))
      assert.include(names.join(" "), "@effect/cluster@")
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "bare-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const home = join(folder, "home")
      mkdirSync(home)
      writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
      const { baseUrl } = yield* FlowwiseEmulator
      const program = join(folder, "eraser.mjs")
      yield* Effect.promise(() =>
        build({
          entryPoints: [eraser],
          outfile: program,
          bundle: true,
          platform: "node",
          format: "esm",
          external: ["libsql"],
          banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
        })
      )
      const inProject = { cwd: folder, env: bare(home), encoding: "utf8", shell: windows } as const
      execFileSync("npm", ["install", "--no-audit", "--no-fund", ...names], inProject)
      // The emulator answers from this process, which therefore must not block.
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [program, join(folder, "erasures.db"), baseUrl, "0", "1"], {
          cwd: folder
        })
      )
      assert.include(stdout, `"receipt":{`)
      assert.include(stdout, `"_tag":"CustomerDeleted"`)
    }).pipe(Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_0"] }))),
  240_000
)
