import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const root = fileURLToPath(new URL("..", import.meta.url))
const testTimeout = 30_000 // for a busy machine
const tests = "packages/*/test/**/*.test.ts"
const soak = [
  "packages/*/test/**/*.soak.test.ts",
  // What these need is not installed for the fast tests.
  "packages/{benchmarks,examples,integrations}/test/**/*.test.ts",
  "docs/test/*.test.ts"
]

export default defineConfig({
  test: {
    silent: "passed-only", // what is printed or logged is shown where a test fails
    maxWorkers: "100%", // on two cores, the default is one file after the other
    minWorkers: 1,
    projects: [
      // What a developer runs all day: one case of everything.
      { test: { name: "fast", root, testTimeout, include: [tests], exclude: soak } },
      // What takes long because it repeats, installs or starts much.
      { test: { name: "soak", root, testTimeout, include: soak } }
    ]
  }
})
