/** On a pseudo-terminal: node-pty's prebuilt binaries give one on Linux, macOS and Windows. */
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { spawn } from "@lydell/node-pty"
import { afterAll, beforeAll } from "vitest"
import { tally } from "../src/Progress.js"
import { install } from "./Installed.js"

const { bin, folder, remove } = await install()

let server: Server
let requests: Array<string> = []
beforeAll(async () => {
  // Slow enough that the bar is drawn more than once.
  server = createServer(({ url = "" }, response) => {
    requests.push(url)
    setTimeout(() => response.writeHead(204).end(), 30)
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
})
afterAll(async () => {
  server.closeAllConnections()
  await once(server.close(), "close")
  remove()
})

const timeout = 60_000
const port = () => (server.address() as AddressInfo).port

/** Runs the command on a terminal, and types each answer when its prompt is there. */
const onTerminal = async (
  args: ReadonlyArray<string>,
  env: Record<string, string>,
  answers: ReadonlyArray<readonly [prompt: string, answer: string]> = [],
  command: ReadonlyArray<string> = [process.execPath, bin],
  cols = 120
) => {
  requests = []
  const [file = "", ...rest] = [...command, ...args]
  const terminal = spawn(file, rest, {
    cols,
    rows: 30,
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      FLOWWISE_CLIENT_ID: "id",
      FLOWWISE_CLIENT_SECRET: "secret",
      TERM: "xterm-256color",
      ...env
    }
  })
  let screen = ""
  const left = [...answers]
  terminal.onData((text) => {
    screen += text
    const [next] = left
    if (next !== undefined && screen.includes(next[0])) {
      left.shift()
      terminal.write(next[1])
    }
  })
  const code = await new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  return { code, screen }
}

// This machine, by a name that doesn't say so: the command has to take it for somebody's environment.
const elsewhere = () => ({
  name: `[::ffff:7f00:1]:${port()}`,
  env: { FLOWWISE_BASE_URL: `http://[::ffff:127.0.0.1]:${port()}`, FLOWWISE_ALLOW_HTTP: "true" }
})

describe("the prompt", () => {
  it("deletes only where the environment's name is typed", { timeout }, async () => {
    const { env, name } = elsewhere()
    const prompt = `Type ${name} to delete 1 customer: `
    const yes = await onTerminal(["delete", "cust_1"], env, [[prompt, "yes\r"]])
    assert.include(yes.screen, `not confirmed, because the environment is ${name}. Nothing was sent`)
    assert.strictEqual(yes.code, 2)
    const nothing = await onTerminal(["delete", "cust_1"], env, [[prompt, "\u0004"]])
    assert.strictEqual(nothing.code, 2)
    const interrupted = await onTerminal(["delete", "cust_1"], env, [[prompt, "\u0003"]])
    assert.strictEqual(interrupted.code, 130)
    assert.deepStrictEqual(requests, [])

    const named = await onTerminal(["delete", "cust_1"], env, [[prompt, `${name}\r`]])
    assert.include(named.screen, "deleted  cust_1")
    assert.strictEqual(named.code, 0)
    assert.deepStrictEqual(requests, ["/customer/cust_1"])
  })

  it("is for production too, and a wrong answer sends nothing", { timeout }, async () => {
    const { code, screen } = await onTerminal(["delete", "cust_1"], { FLOWWISE_ENVIRONMENT: "production" }, [
      ["Type production to delete 1 customer at app.flowwise.com/router: ", "Production\r"]
    ])
    assert.include(screen, "at     app.flowwise.com/router (production)")
    assert.include(screen, "Nothing was sent")
    assert.strictEqual(code, 2)
  })
})

describe("what is counted", () => {
  it("has its digits grouped", () => {
    const said = tally({ deleted: 1198, absent: 2, rejected: 1000 })
    assert.strictEqual(said, "1,198 deleted, 2 already absent, 1,000 not known to be gone")
  })
})

describe("the bar", () => {
  const ids = Array.from({ length: 100 }, (_, index) => `cust_${index}`)
  const bar =
    /\[#*\.*\] [\d,]+ of 100 customers: \d+ deleted, 0 already absent, 0 not known to be gone; [\d.]+\/s, \S+.* left/g
  const barsOn = (screen: string) =>
    Array.from(screen.replaceAll("\u001B[32m", "").replaceAll("\u001B[39m", "").matchAll(bar)).length

  it("shows how far the run is, and stays out of the outcomes", { timeout }, async () => {
    writeFileSync(join(folder, "ids.txt"), ids.join("\n"))
    const env = { FLOWWISE_BASE_URL: `http://127.0.0.1:${port()}` }
    const command = ["bash", "-c", `exec "$@" > out.txt`, "bash", process.execPath, bin]
    const { code, screen } = await onTerminal(["delete", "--file", "ids.txt", "--concurrency", "4"], env, [], command)
    assert.strictEqual(code, 0, screen)
    assert.isAbove(barsOn(screen), 2)
    assert.include(screen, "\u001B[32m#")
    // It is gone at the end, and the last word stands alone.
    const lastWord = "\u001B[2K100 customers: 100 deleted, 0 already absent, 0 not known to be gone\r\n"
    assert.strictEqual(screen.slice(-lastWord.length), lastWord)
    const lines = readFileSync(join(folder, "out.txt"), "utf8").split("\n").slice(0, -1)
    assert.deepStrictEqual(lines.map((line) => line.replace(/^deleted {2}/, "")).sort(), [...ids].sort())
  })

  it("has no colors where NO_COLOR is set, and makes room for each outcome", { timeout }, async () => {
    const env = { FLOWWISE_BASE_URL: `http://127.0.0.1:${port()}`, NO_COLOR: "1" }
    const { code, screen } = await onTerminal(["delete", "--file", "ids.txt", "--concurrency", "4"], env)
    assert.strictEqual(code, 0, screen)
    assert.isAbove(barsOn(screen), 2)
    assert.notInclude(screen, "\u001B[3")
    // What is left on the screen, line by line, when each erased line is taken away.
    const left = screen.split("\r\n").map((line) => line.split("\u001B[2K").at(-1))
    assert.strictEqual(left.filter((line) => /^deleted {2}cust_\d+$/.test(line ?? "")).length, 100)
  })

  it("isn't drawn on a dumb terminal, which can't erase it", { timeout }, async () => {
    writeFileSync(join(folder, "ids.txt"), ids.join("\n"))
    const env = { FLOWWISE_BASE_URL: `http://127.0.0.1:${port()}`, TERM: "dumb" }
    const { code, screen } = await onTerminal(["delete", "--file", "ids.txt", "--concurrency", "4"], env)
    assert.strictEqual(code, 0, screen)
    assert.notInclude(screen, "\u001B")
    assert.include(screen, "100 customers: 100 deleted")
  })

  it.each([
    [79, /^\[#*\.*\] \d+ of 100, \S+.* left$/],
    [40, /^\d+ of 100, \S+.* left$/],
    [12, /^\d+ of 100/]
  ])("fits a terminal of %i columns", { timeout }, async (columns, shown) => {
    const env = { FLOWWISE_BASE_URL: `http://127.0.0.1:${port()}`, NO_COLOR: "1" }
    const command = ["bash", "-c", `exec "$@" > out.txt`, "bash", process.execPath, bin]
    const args = ["delete", "--file", "ids.txt", "--concurrency", "4"]
    const { code, screen } = await onTerminal(args, env, [], command, columns)
    assert.strictEqual(code, 0, screen)
    const bars = screen
      .split("\u001B[2K")
      .slice(1, -1)
      .map((bar) => bar.replace(/\r$/, ""))
    assert.isAbove(bars.length, 2)
    assert.isBelow(Math.max(...bars.map(({ length }) => length)), columns)
    assert.isTrue(
      bars.some((bar) => shown.test(bar)),
      screen
    )
  })
})
