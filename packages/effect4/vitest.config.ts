import { defineConfig } from "vitest/config"

// Named apart from `*.test.ts`, since they need Node 22: `vitest run` at the root leaves them to `pnpm test:effect4`.
export default defineConfig({ test: { include: ["test/*.node22.ts"] } })
