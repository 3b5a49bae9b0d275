/** A real Jest, in a CommonJS project that has installed what `pnpm pack` makes of the build. */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const installed = join(root, "packages/integrations/node_modules")
const page = readFileSync(join(root, "docs/other-tools.md"), "utf8")
const run = promisify(execFile)

const project = realpathSync(mkdtempSync(join(tmpdir(), "jest-")))
afterAll(() => rmSync(project, { recursive: true }))

beforeAll(async () => {
  const names = ["core", "client", "node", "testing"]
  for (const name of names) {
    const target = join(project, "node_modules/@effect-flowwise", name)
    mkdirSync(target, { recursive: true })
    await run("npx", ["-y", "pnpm", "pack", "--out", join(project, "%s.tgz")], { cwd: join(root, "packages", name) })
    const tarball = join(project, `effect-flowwise-${name}.tgz`)
    await run("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"])
  }
  mkdirSync(join(project, "node_modules/@effect"))
  for (const name of ["effect", "undici", "@effect/platform", "@effect/platform-node"]) {
    symlinkSync(realpathSync(join(installed, name)), join(project, "node_modules", name), "junction")
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true }))
}, 180_000)

const jest = join(installed, "jest/bin/jest.js")

/** Runs one file of tests; gives the status of each, and what Jest printed. */
const runJest = async (file: string, source: string) => {
  writeFileSync(join(project, file), source)
  const { stderr, stdout } = await run(process.execPath, [jest, "--json", file], { cwd: project }).catch(
    (error) => error
  )
  const { testResults } = JSON.parse(stdout)
  const tests: ReadonlyArray<{ readonly title: string; readonly status: string }> = testResults[0].assertionResults
  return { stderr, tests: tests.map(({ status, title }) => `${title}: ${status}`) }
}

describe.skipIf(process.platform === "win32")("Jest in CommonJS", () => {
  // <!-- run by: packages/integrations/test/jest.test.ts -->
  it("runs the test of the page", { timeout: 60_000 }, async () => {
    const [, source = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? []
    const { stderr, tests } = await runJest("page.test.js", source)
    assert.deepStrictEqual(tests, ["asks again after a lost answer: passed"], stderr)
  })

  it("holds a request back while queueMicrotask is faked", { timeout: 60_000 }, async () => {
    const { stderr, tests } = await runJest("timers.test.js", timers)
    assert.deepStrictEqual(tests, ["queueMicrotask is faked: passed", "queueMicrotask is real: passed"], stderr)
  })
})

const timers = `
const { once } = require("node:events")
const { createServer } = require("node:http")
const { Credentials, deleteCustomer, Environment } = require("@effect-flowwise/client")
const { NodeFlowwise } = require("@effect-flowwise/node")
const Effect = require("effect/Effect")
const Layer = require("effect/Layer")
const Redacted = require("effect/Redacted")

const realSetImmediate = setImmediate
const turns = async (ended) => {
  for (let turn = 0; turn < 500 && !ended(); turn++) await new Promise((resolve) => realSetImmediate(resolve))
}
let server
beforeEach(async () => {
  server = createServer((_, response) => response.writeHead(204).end()).listen(0, "127.0.0.1")
  await once(server, "listening")
})
afterEach(() => {
  jest.useRealTimers()
  server.close()
  server.closeAllConnections()
})

const call = () => {
  let outcome
  const account = Layer.merge(
    Credentials.layer({ clientId: "id", clientSecret: Redacted.make("secret") }),
    Environment.layer("http://127.0.0.1:" + server.address().port)
  )
  const ended = Effect.runPromise(
    Effect.provide(Effect.merge(deleteCustomer("cust_1")), Layer.provide(NodeFlowwise.layer, account))
  ).then(({ _tag }) => (outcome = _tag))
  return { outcome: () => outcome, ended }
}

test("queueMicrotask is faked", async () => {
  jest.useFakeTimers()
  const { ended, outcome } = call()
  await turns(outcome)
  expect(outcome()).toBe(undefined)
  jest.runAllTicks()
  for (let turn = 0; turn < 100 && !outcome(); turn++) {
    await jest.advanceTimersByTimeAsync(10)
    await turns(() => false)
  }
  expect(await ended).toBe("CustomerDeleted")
})

test("queueMicrotask is real", async () => {
  jest.useFakeTimers({ doNotFake: ["queueMicrotask"] })
  const { outcome } = call()
  await turns(outcome)
  expect(outcome()).toBe("CustomerDeleted")
})
`
