import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { afterAll, afterEach } from "vitest"

const bin = fileURLToPath(new URL("../src/bin.ts", import.meta.url))
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href
const folder = mkdtempSync(join(tmpdir(), "flowwise-emulator-"))
const started: Array<ChildProcess> = []

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL")
})
afterAll(() => rmSync(folder, { recursive: true }))

const run = (...args: ReadonlyArray<string>) => start(bin, ...args)

const start = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, ["--import", tsx, ...args])
  started.push(child)
  const printed = { stdout: "", stderr: "" }
  child.stdout.on("data", (data) => {
    printed.stdout += String(data)
  })
  child.stderr.on("data", (data) => {
    printed.stderr += String(data)
  })
  return { child, printed }
}

/** Waits until the emulator says that it is ready, and reads the settings that it printed. */
const ready = async ({ child, printed }: ReturnType<typeof run>) => {
  while (!printed.stderr.includes("Ctrl-C")) await once(child.stderr, "data")
  return Object.fromEntries(
    printed.stdout
      .trim()
      .split("\n")
      .map((line) => line.split("=") as [string, string])
  )
}

const timeout = 30_000

describe("flowwise-emulator", () => {
  it("serves any program, with the settings that it prints", { timeout }, async () => {
    const file = join(folder, "customers.txt")
    writeFileSync(file, "\uFEFFcust_1\r\ncust 2\n\n")
    const emulator = run("--customers", file)
    const settings = await ready(emulator)
    assert.include(emulator.printed.stderr, "2 customers")
    const headers = {
      "x-client-id": settings.FLOWWISE_CLIENT_ID!,
      "x-client-secret": settings.FLOWWISE_CLIENT_SECRET!
    }
    const ask = (id: string) =>
      fetch(`${settings.FLOWWISE_BASE_URL}/customer/${encodeURIComponent(id)}`, { method: "DELETE", headers })
    const statuses = [await ask("cust_1"), await ask("cust 2"), await ask("cust_1")].map(({ status }) => status)
    assert.deepStrictEqual(statuses, [204, 204, 404])

    emulator.child.kill("SIGINT")
    await once(emulator.child, "exit")
  })

  it("says in one line why it can't start, and ends with 2", { timeout }, async () => {
    const emulator = run()
    const { port } = new URL((await ready(emulator)).FLOWWISE_BASE_URL!)
    const attempts = [
      { args: ["--port", port], said: /can't listen: .*EADDRINUSE/ },
      { args: ["--port", "abc"], said: /--port takes a number, and not abc/ },
      { args: ["--customers", join(folder, "gone.txt")], said: /--customers takes a file.*no such file/ },
      { args: ["--nonsense"], said: /Unknown option/ }
    ]
    for (const { args, said } of attempts) {
      const { child, printed } = run(...args)
      const [code] = await once(child, "exit")
      assert.match(printed.stderr, said)
      assert.strictEqual(printed.stderr.trim().split("\n").length, 1)
      assert.strictEqual(code, 2)
      assert.strictEqual(printed.stdout, "")
    }
  })

  it("explains itself", { timeout }, async () => {
    const { child, printed } = run("--help")
    const [code] = await once(child, "exit")
    assert.strictEqual(code, 0)
    assert.match(printed.stdout, /^Usage: flowwise-emulator/)
  })
})

describe("an emulator in a plain program", () => {
  it("keeps no process alive, whatever was scripted", { timeout }, async () => {
    const { child, printed } = start(fileURLToPath(new URL("fixtures/program.ts", import.meta.url)))
    const [code] = await once(child, "exit")
    assert.strictEqual(printed.stdout.trim(), "RequestFailed RequestFailed []")
    assert.strictEqual(code, 0)
  })
})
