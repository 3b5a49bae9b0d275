import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const root = fileURLToPath(new URL("..", import.meta.url))
const soak = "packages/*/test/**/*.soak.test.ts"

export default defineConfig({
  test: {
    projects: [
      // What a developer runs all day: one case of everything.
      { test: { name: "fast", root, include: ["packages/*/test/**/*.test.ts"], exclude: [soak] } },
      // What takes long because it repeats, installs or starts much.
      { test: { name: "soak", root, include: [soak] } }
    ]
  }
})
