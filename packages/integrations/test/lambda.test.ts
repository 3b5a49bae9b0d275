/** The handler of `docs/other-tools.md`, bundled by the commands of that page, invoked and frozen as Lambda does it. */
import { type ChildProcess, execFileSync, fork } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { afterAll, afterEach, assert, beforeEach, describe, it } from "vitest"

const here = fileURLToPath(new URL("..", import.meta.url))
const page = readFileSync(join(here, "../../docs/other-tools.md"), "utf8")

/** A project with the page's files; `bundle` runs a command of the page, or one like it. */
const project = realpathSync(mkdtempSync(join(tmpdir(), "lambda-")))
for (const file of ["lambda.ts", "httpStatus.ts"]) cpSync(join(here, "src", file), join(project, file))
symlinkSync(join(here, "node_modules"), join(project, "node_modules"))
const bundle = (command: string) => execFileSync("sh", ["-c", command], { cwd: project, stdio: "pipe" })
afterAll(() => rmSync(project, { recursive: true }))

// <!-- run by: packages/integrations/test/lambda.test.ts -->
const [forCommonJs = "", forEsm = ""] = Array.from(
  page.matchAll(/^npx esbuild (?:.*\\\n)*.*/gm),
  ([command]) => command
)

/** Where a bundle has nothing but itself: one instance of a function, which answers one event after the other. */
const start = async (file: string, baseUrl: string) => {
  const folder = mkdtempSync(join(project, "instance-"))
  cpSync(join(project, /bare/.test(file) ? file : `dist/${file}`), join(folder, file))
  writeFileSync(
    join(folder, "instance.mjs"),
    `import { handler } from "./${file}"
    process.on("message", (event) => handler(event).then((answer) => process.send(answer)))
    process.send("ready")`
  )
  const instance = fork(join(folder, "instance.mjs"), {
    env: { FLOWWISE_BASE_URL: baseUrl, FLOWWISE_CLIENT_ID: "id", FLOWWISE_CLIENT_SECRET: "secret" },
    stdio: ["ignore", "ignore", "pipe", "ipc"]
  })
  let printed = ""
  instance.stderr?.on("data", (text) => (printed += text))
  await Promise.race([once(instance, "message"), once(instance, "exit").then(() => Promise.reject(new Error(printed)))])
  return instance
}

const invoke = async (instance: ChildProcess, customerId: string) => {
  const answered = once(instance, "message")
  instance.send({ pathParameters: { customerId } })
  return (await answered)[0]
}

let sockets: Array<Socket>
let requests: Array<string>
const vendor = createServer((socket) => {
  sockets.push(socket.on("error", () => {}))
  let answered = false
  socket.on("data", (chunk) => {
    requests.push(String(chunk).split(" HTTP")[0] ?? "")
    // The second request of a connection gets no answer: to the client it is one that died while the function was frozen.
    if (!answered) socket.write("HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n")
    answered = true
  })
})
const url = () => `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`

beforeEach(async () => {
  sockets = []
  requests = []
  await once(vendor.listen(0, "127.0.0.1"), "listening")
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  vendor.close()
})

describe.skipIf(process.platform === "win32")("Lambda", { timeout: 60_000 }, () => {
  it.each([
    ["CommonJS", forCommonJs],
    ["an ES module", forEsm]
  ])("bundled as %s it answers, and again after a freeze", async (_, command) => {
    bundle(command)
    const instance = await start(/outfile=dist\/(\S+)/.exec(command)![1]!, url())
    assert.deepStrictEqual(await invoke(instance, "cust_1"), { statusCode: 204, headers: {}, body: "" })
    instance.kill("SIGSTOP")
    for (const socket of sockets) socket.destroy()
    instance.kill("SIGCONT")
    assert.deepStrictEqual(await invoke(instance, "cust_2"), { statusCode: 204, headers: {}, body: "" })
    assert.deepStrictEqual(requests, ["DELETE /customer/cust_1", "DELETE /customer/cust_2"])
    assert.lengthOf(sockets, 2)
    instance.kill()
  })

  it("is on the page as it is", () => {
    const [, ...code] = readFileSync(join(here, "src/lambda.ts"), "utf8").split("\n")
    assert.include(page, `\`\`\`ts\n${code.join("\n")}\`\`\`\n`)
  })

  it("bundled as an ES module without the banner it does not start", async () => {
    bundle("npx esbuild lambda.ts --bundle --platform=node --format=esm --outfile=bare.mjs")
    await start("bare.mjs", url()).then(
      () => assert.fail("it started"),
      (error) => assert.include(String(error), "Dynamic require of")
    )
  })
})

describe("a connection that died while nobody used it", () => {
  const twice = (options: NodeFlowwise.Options) =>
    Effect.zipRight(deleteCustomer("cust_1"), deleteCustomer("cust_2")).pipe(
      Effect.merge,
      Effect.provide(NodeFlowwise.layerWith({ timeout: "2 seconds", connections: 1, ...options })),
      Effect.provide(
        Layer.merge(
          Environment.layer(url()),
          Credentials.layer({ clientId: "id", clientSecret: Redacted.make("secret") })
        )
      ),
      Effect.runPromise
    )

  it("leaves the next deletion in doubt", async () => {
    assert.deepInclude(await twice({}), { _tag: "RequestFailed", reason: "Timeout", delivered: "unknown" })
  })

  it("can't, where each request has a connection of its own", async () => {
    assert.strictEqual((await twice({ connectionPerRequest: true }))._tag, "CustomerDeleted")
  })
})
