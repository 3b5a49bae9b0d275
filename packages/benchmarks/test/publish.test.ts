import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { barChart } from "../src/chart.js"
import { filled, machineLine, parts, startParts } from "../src/publish.js"
import { spread } from "../src/statistics.js"

const page = readFileSync(new URL("../../../docs/performance.md", import.meta.url), "utf8")

describe("docs/performance.md", () => {
  it("has one place for each part that a run writes, and no other", () => {
    const places = Array.from(page.matchAll(/<!-- bench: (.+) -->\n[\s\S]*?<!-- end -->/g), ([, name]) => name)
    assert.sameMembers(places, Object.keys({ ...parts, ...startParts }))
    assert.strictEqual(new Set(places).size, places.length)
  })

  it("keeps everything but the part that is written, however often it is", () => {
    const once = filled(page, "ratios", "| a table |")
    assert.strictEqual(filled(filled(page, "ratios", "| another |"), "ratios", "| a table |"), once)
    assert.strictEqual(once.split("| a table |").length, 2)
    assert.strictEqual(
      filled(once, "ratios", "").replaceAll(/\s+/g, ""),
      filled(page, "ratios", "").replaceAll(/\s+/g, "")
    )
    assert.throws(() => filled(page, "weather", "sunny"), "docs/performance.md has no place for weather")
  })
})

describe("what is published", () => {
  it("names the versions of all competitors that are installed, and no path", () => {
    for (const name of ["node", "undici", "axios", "ky", "openapi-fetch", "effect", "@effect/platform-node"]) {
      assert.match(machineLine(), new RegExp(`[;,] ${name} \\d+\\.\\d+\\.\\d+`))
    }
    assert.notInclude(machineLine(), process.cwd())
  })

  it("charts every bar within the picture, the longest first", () => {
    const svg = barChart("Title", "<caption> & more", [
      { label: "short", value: spread([10, 20, 30]), highlighted: true },
      { label: "long", value: spread([1000, 2000, 9000]), highlighted: false }
    ])
    const widths = Array.from(svg.matchAll(/width="([\d.]+)" height/g), ([, width]) => Number(width))
    assert.isAbove(widths[0]!, widths[1]!)
    assert.isTrue(widths.every((width) => width >= 0 && width <= 880))
    assert.include(svg, "&lt;caption> &amp; more")
  })
})
