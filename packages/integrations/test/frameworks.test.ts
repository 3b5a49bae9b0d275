/** The three servers of `docs/frameworks.md`, over real sockets, with the emulator for a vendor. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { type IncomingMessage, request } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import ts from "typescript"
import { afterEach, assert, beforeEach, describe, expect, it, vi } from "vitest"
import * as Express from "../src/express.js"
import * as Fastify from "../src/fastify.js"
import * as Nest from "../src/nest.js"

const servers = { Express, Fastify, Nest }

let emulator: FlowwiseEmulator["Type"]
let scope: Scope.CloseableScope

beforeEach(async () => {
  scope = Effect.runSync(Scope.make())
  const layer = FlowwiseEmulator.layer({ customers: ["cust_1", "a/b", "long".repeat(100)] })
  emulator = Context.get(await Effect.runPromise(Scope.extend(Layer.build(layer), scope)), FlowwiseEmulator)
  vi.stubEnv("FLOWWISE_BASE_URL", emulator.baseUrl)
  vi.stubEnv("FLOWWISE_CLIENT_ID", emulator.clientId)
  vi.stubEnv("FLOWWISE_CLIENT_SECRET", Redacted.value(emulator.clientSecret))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

type App = Awaited<ReturnType<(typeof servers)["Express"]["serve"]>>

/** Asks one of the servers to erase a customer. */
const ask = (app: App, customerId: string) => askAt((app.server.address() as AddressInfo).port, customerId)

const askAt = (port: number, customerId: string) =>
  request({
    host: "127.0.0.1",
    port,
    method: "DELETE",
    path: `/customers/${encodeURIComponent(customerId)}`,
    agent: false
  }).end()

const answerTo = async (
  asked: ReturnType<typeof ask>
): Promise<{ readonly status: number | undefined; readonly retryAfter?: string; readonly body?: unknown }> => {
  const [response] = (await once(asked, "response")) as [IncomingMessage]
  const text = (await response.setEncoding("utf8").toArray()).join("")
  const after = response.headers["retry-after"]
  return { status: response.statusCode, ...(after && { retryAfter: after }), ...(text && { body: JSON.parse(text) }) }
}

/** The requests that have reached the vendor, as soon as there are any. */
const arrived = () =>
  vi.waitFor(async () => {
    const requests = await Effect.runPromise(emulator.requests)
    assert.isNotEmpty(requests)
    return requests
  })

const vendors: ReadonlyArray<[string, Parameters<typeof emulator.respondWith>[0] | undefined, object]> = [
  ["CustomerNotFound", undefined, { status: 404, body: { error: "CustomerNotFound", mayBeDeleted: false } }],
  [
    "DeletionFailed",
    {
      status: 500,
      body: JSON.stringify({ message: "no", code: "deletion_failed", type: "server_error" })
    },
    { status: 502, body: { error: "DeletionFailed", mayBeDeleted: true } }
  ],
  [
    "RateLimited",
    { status: 429, headers: { "retry-after": "7" } },
    { status: 503, retryAfter: "7", body: { error: "RateLimited", mayBeDeleted: false } }
  ],
  [
    "UnexpectedResponse",
    { status: 404, body: "<h1>Not Found</h1>" },
    { status: 502, body: { error: "UnexpectedResponse", mayBeDeleted: false } }
  ],
  ["RequestFailed", { drop: "afterDeletion" }, { status: 502, body: { error: "RequestFailed", mayBeDeleted: true } }]
]

describe.each(Object.entries(servers))("%s", (name, { serve }) => {
  it.each([
    ["a plain id", "cust_1"],
    ["an id with a slash", "a/b"],
    ["a long id", "long".repeat(100)]
  ])("answers 204 to the deletion of %s", async (_, customerId) => {
    const app = await serve(0, "127.0.0.1")
    assert.deepStrictEqual(await answerTo(ask(app, customerId)), { status: 204 })
    assert.notInclude(await Effect.runPromise(emulator.customers), customerId)
    await app.close()
  })

  it.each(vendors)("answers %s with a status of its own", async (_, response, answer) => {
    const app = await serve(0, "127.0.0.1")
    if (response !== undefined) await Effect.runPromise(emulator.respondWith(response))
    assert.deepStrictEqual(await answerTo(ask(app, "cust_2")), answer)
    await app.close()
  })

  it("answers 400 to an id that can't be sent, and sends nothing", async () => {
    const app = await serve(0, "127.0.0.1")
    assert.deepStrictEqual(await answerTo(ask(app, "x".repeat(1025))), {
      status: 400,
      body: { error: "InvalidCustomerId", mayBeDeleted: false }
    })
    assert.isEmpty(await Effect.runPromise(emulator.requests))
    await app.close()
  })

  it("answers 500 where our own keys are wrong, not a 401", async () => {
    vi.stubEnv("FLOWWISE_CLIENT_SECRET", "another")
    const app = await serve(0, "127.0.0.1")
    assert.deepStrictEqual(await answerTo(ask(app, "cust_1")), {
      status: 500,
      body: { error: "Unauthorized", mayBeDeleted: false }
    })
    await app.close()
  })

  it("does not start without its settings", async () => {
    vi.stubEnv("FLOWWISE_CLIENT_SECRET", undefined)
    await expect(serve(0, "127.0.0.1")).rejects.toThrow("FLOWWISE_CLIENT_SECRET")
  })

  it("finishes the request in flight when it closes", async () => {
    const app = await serve(0, "127.0.0.1")
    await Effect.runPromise(emulator.delay("300 millis"))
    const answer = answerTo(ask(app, "cust_1"))
    await arrived()
    await app.close()
    assert.deepStrictEqual(await answer, { status: 204 })
    assert.isFalse(app.server.listening)
  })

  it.skipIf(process.platform === "win32")("finishes the request in flight when its process gets SIGTERM", async () => {
    const program = fileURLToPath(new URL("fixtures/serve.ts", import.meta.url))
    const server = spawn(process.execPath, ["--import", "tsx", program, name], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"]
    })
    const [printed] = await once(server.stdout, "data")
    await Effect.runPromise(emulator.delay("300 millis"))
    const answer = answerTo(askAt(Number(printed), "cust_1"))
    await arrived()
    const ended = once(server, "exit")
    server.kill("SIGTERM")
    assert.deepStrictEqual(await answer, { status: 204 })
    await ended
  })

  it("goes on with the deletion where the caller hangs up", async () => {
    const app = await serve(0, "127.0.0.1")
    await Effect.runPromise(emulator.delay("300 millis"))
    const asked = ask(app, "cust_1").on("error", () => {})
    await arrived()
    asked.destroy()
    await vi.waitFor(async () => {
      const [first] = await arrived()
      assert.strictEqual(Option.getOrUndefined(first!.status), 204)
    })
    assert.notInclude(await Effect.runPromise(emulator.customers), "cust_1")
    await app.close()
  })
})

describe("docs/frameworks.md", () => {
  const folder = fileURLToPath(new URL("../src", import.meta.url))
  const page = readFileSync(join(folder, "../../../docs/frameworks.md"), "utf8")

  it.each(["promises.ts", "httpStatus.ts", "express.ts", "fastify.ts", "nest.ts"])("shows %s as it is", (file) => {
    const [, ...code] = readFileSync(join(folder, file), "utf8").split("\n")
    assert.include(page, `\`\`\`ts\n${code.join("\n")}\`\`\`\n`)
  })

  // The block below `<!-- run by: packages/integrations/test/frameworks.test.ts -->`.
  it("shows what a server answers", async () => {
    const app = await Express.serve(0, "127.0.0.1")
    const shown = async (customerId: string) => {
      const { body, retryAfter, status } = await answerTo(ask(app, customerId))
      return [status, body && JSON.stringify(body), retryAfter && `retry-after: ${retryAfter}`]
        .filter(Boolean)
        .join(" ")
    }
    const lines = [await shown("cust_1"), await shown("x".repeat(1025)), await shown("cust_2")]
    await Effect.runPromise(emulator.acceptSecrets(["another"]))
    lines.push(await shown("cust_2"))
    await Effect.runPromise(emulator.respondWith({ drop: "afterDeletion" }, { times: 1 }))
    lines.push(await shown("cust_2"))
    await Effect.runPromise(emulator.respondWith({ status: 429, headers: { "retry-after": "7" } }, { times: 1 }))
    lines.push(await shown("cust_2"))
    assert.include(page, `\`\`\`text\n${lines.join("\n")}\n\`\`\`\n`)
    await app.close()
  })

  it("says that httpStatus.ts does not compile where a tag has no status", { timeout: 60_000 }, () => {
    const file = join(folder, "httpStatus.ts")
    const { config } = ts.readConfigFile(join(folder, "../tsconfig.json"), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(folder, ".."))
    const source = readFileSync(file, "utf8")
    const without = source.replace(/^ *RateLimited: .*\n/m, "")
    assert.notStrictEqual(without, source)
    const host = ts.createCompilerHost(options)
    const { getSourceFile } = host
    host.getSourceFile = (name, ...rest) =>
      name === file ? ts.createSourceFile(name, without, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest)
    const problems = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))
    assert.match(JSON.stringify(problems.map(({ messageText }) => messageText)), /'RateLimited' is missing/)
  })
})
