import { execFile } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { expect, it } from "vitest"

const require = createRequire(import.meta.url)
const tstyche = join(dirname(require.resolve("tstyche/package.json")), "build/bin.js")

/** Runs `typetest/` on one compiler; rejects with all that was printed where a type test fails. */
const typetest = (compiler: string) =>
  new Promise<string>((resolve, reject) => {
    const env = {
      ...process.env,
      TSTYCHE_NO_COLOR: "true",
      TSTYCHE_TYPESCRIPT_MODULE: pathToFileURL(require.resolve(compiler)).href
    }
    execFile(
      process.execPath,
      [tstyche],
      { cwd: fileURLToPath(new URL("..", import.meta.url)), env },
      (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stdout + stderr)))
    )
  })

// 5.4 is the oldest one that effect 3 supports: its declarations use `NoInfer`.
it.concurrent.each([
  ["5.4", "typescript-5.4"],
  ["5.9", "typescript-5.9"],
  ["6.0", "typescript"]
])("the public types hold under TypeScript %s", { timeout: 180_000 }, async (version, compiler) => {
  const printed = await typetest(compiler)
  expect(printed).toContain(`TypeScript ${version}.`)
  expect(printed).toMatch(/^Assertions: [1-9]\d* passed, \d+ total$/m)
})
