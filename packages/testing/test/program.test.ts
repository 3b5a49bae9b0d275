import { spawn } from "node:child_process"
import { once } from "node:events"
import { createRequire } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"
import { assert, it } from "@effect/vitest"

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href
const program = fileURLToPath(new URL("fixtures/program.ts", import.meta.url))

it("an emulator keeps no plain program alive, whatever was scripted", { timeout: 30_000 }, async () => {
  const child = spawn(process.execPath, ["--import", tsx, program], { timeout: 30_000 })
  let printed = ""
  child.stdout.on("data", (data) => {
    printed += String(data)
  })
  const [code] = await once(child, "close")
  assert.strictEqual(printed.trim(), "RequestFailed RequestFailed []")
  assert.strictEqual(code, 0)
})
