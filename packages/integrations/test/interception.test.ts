/** Which of the client's transports the tools see that play the vendor in a test, and which requests escape them. */
import { execFile } from "node:child_process"
import { createServer } from "node:http"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { deleteCustomer, Environment, Credentials } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseTest } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { build } from "esbuild"
import { MockAgent } from "undici"
import { afterEach, assert, beforeAll, describe, it, vi } from "vitest"

const here = fileURLToPath(new URL("..", import.meta.url))
const folder = join(here, "node_modules/.interception")

// As a program's own modules are, next to installed packages.
beforeAll(async () => {
  for (const format of ["esm", "cjs"] as const) {
    await build({
      entryPoints: [join(here, "test/fixtures/interception.ts")],
      outfile: join(folder, format === "esm" ? "program.mjs" : "program.cjs"),
      format,
      bundle: true,
      platform: "node",
      external: ["effect", "@effect/*", "undici"]
    })
  }
})

/** Who answers each transport: the newest versions of the tools need a newer Node.js than the client does. */
const answers = async (version: string, mode: "answers" | "refuses", file = "program.mjs") => {
  const node22 = join(here, "../../.ci/node22.mjs")
  const args = [join(folder, file), version, mode]
  const { stdout } = await promisify(execFile)(process.execPath, /-/.test(version) ? args : [node22, ...args])
  return Object.values(JSON.parse(stdout.split("\n").find((line: string) => line.startsWith("{")) ?? "{}"))
}

const VENDOR = "the vendor"
const TOOL = "the tool"

// The order is: NodeFlowwise.layer, NodeHttpClient.layerUndici, NodeHttpClient.layer, FetchHttpClient.layer.
describe.each([
  ["msw", "answers", "program.mjs"],
  ["msw", "answers", "program.cjs"],
  ["msw", "refuses", "program.mjs"],
  ["msw", "refuses", "program.cjs"],
  ["msw-2", "answers", "program.mjs"],
  ["msw-2", "answers", "program.cjs"],
  ["msw-2", "refuses", "program.mjs"],
  ["msw-2", "refuses", "program.cjs"],
  ["nock", "answers", "program.mjs"],
  ["nock", "answers", "program.cjs"],
  ["nock", "refuses", "program.mjs"],
  ["nock", "refuses", "program.cjs"],
  ["nock-14", "answers", "program.mjs"],
  ["nock-14", "answers", "program.cjs"],
  ["nock-14", "refuses", "program.mjs"],
  ["nock-14", "refuses", "program.cjs"],
] as const)("%s %s %s", (v, m, p) => { it("x", async () => { console.error(v, m, p, JSON.stringify(await answers(v, m, p))) }) })
