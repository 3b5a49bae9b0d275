import { readdirSync, readFileSync } from "node:fs"
import { assert, it } from "vitest"

const folder = new URL("../src/", import.meta.url)
const files = readdirSync(folder)

// Imports are the linter's affair, and what ECMAScript itself has not, timers and console, the compiler's.
it.each(files)("%s asks neither the clock nor chance", (file) => {
  const source = readFileSync(new URL(file, folder), "utf8")
  assert.notMatch(source, /\bDate\.now\b|\bDate\(\s*\)|\bnew Date\b(?!\()|\bMath\.random\b|\bglobalThis\b/)
})
