import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import { inMemory } from "../src/measure.js"
import { allocationBudget } from "../src/report.js"

const here = fileURLToPath(new URL("..", import.meta.url))

it.effect(
  "a deletion allocates no more than its budget",
  () =>
    Effect.gen(function* () {
      // As a program's bundler compiles it; where it lies, Node finds what is left out.
      const outfile = `${here}/dist/allocation-test.mjs`
      const entryPoints = [`${here}/src/allocation.ts`]
      const options = { bundle: true, format: "esm", platform: "node", target: "node20", packages: "external" } as const
      yield* Effect.promise(() => build({ ...options, entryPoints, outfile, alias: sources }))
      const measured = yield* inMemory(outfile)
      for (const which of ["traced", "untraced"] as const) {
        assert.isAtMost(measured[which], allocationBudget[which], which)
      }
    }),
  60_000
)

/** The packages of the workspace, from their sources. */
const sources = Object.fromEntries(
  ["core", "client", "node"].map((name) => [`@effect-flowwise/${name}`, `${here}/../${name}/src/index.ts`])
)
