import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Fault } from "./faults/Fault.js"
import { excuse, faults, type LayerName, layerNames, testFaults, wrongs } from "./faults/testFaults.js"
import * as RawServer from "./RawServer.js"

testFaults(faults, (fault, layerName, verdict) => verdicts.get(fault)!.set(layerName, verdict))

const verdicts = new Map<Fault, Map<LayerName, string>>(faults.map((fault) => [fault, new Map()]))

describe.each(layerNames)("memory over %s", (layerName) => {
  it.scopedLive(
    "never grows by as much as one of the answers that are too large to keep",
    () =>
      Effect.gen(function* () {
        const before = process.memoryUsage.rss()
        let peak = before
        const look = setInterval(() => {
          peak = Math.max(peak, process.memoryUsage.rss())
        }, 5)
        yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(look)))
        for (const fault of faults.filter(isLarge)) yield* wrongs(fault, layerName)
        assert.isBelow(peak - before, RawServer.ENDLESS)
      }),
    60_000
  )
})

const isLarge = (fault: Fault) =>
  fault
    .answers({ own: 0, elsewhere: 0, closed: 0 })
    .some((answer) => answer !== undefined && (answer.endless !== undefined || answer.bytes.length > 1024 * 1024))

afterAll(() => {
  const row = (name: string, cells: ReadonlyArray<string>) =>
    `${name.padEnd(44)}${cells.map((cell) => cell.padEnd(30)).join("")}`.trimEnd()
  const cell = (fault: Fault, layerName: LayerName) => verdicts.get(fault)?.get(layerName) ?? "not run"
  const points = Array.from(new Set(faults.map(({ point }) => point)))
  const counted = points.map((point) => {
    const rows = faults.filter((fault) => fault.point === point)
    const good = layerNames.map((layerName) => rows.filter((fault) => cell(fault, layerName) === "").length)
    return row(
      `point ${point}`,
      good.map((count) => `${count} of ${rows.length}`)
    )
  })
  const others = faults
    .filter((fault) => layerNames.some((layerName) => cell(fault, layerName) !== ""))
    .map((fault) =>
      row(
        `${fault.point}. ${fault.name}`,
        layerNames.map((layerName) => cell(fault, layerName) || "ok")
      )
    )
  const cells = faults.flatMap((fault) =>
    Array.from(verdicts.get(fault)!, ([layerName, verdict]) => ({ verdict, excuse: excuse(fault, layerName) }))
  )
  const count = (condition: (cell: (typeof cells)[number]) => boolean) => cells.filter(condition).length
  const totals = [
    `${faults.length} faults over ${layerNames.length} layers: ${cells.length} runs`,
    `${count(({ verdict }) => verdict === "")} as promised`,
    `${count(({ verdict, excuse }) => verdict !== "" && verdict === excuse)} excused`,
    `${count(({ verdict, excuse }) => verdict !== "" && verdict !== excuse)} wrong`,
    `${count(({ verdict }) => verdict.includes("not ended"))} not ended in time`,
    `${count(({ verdict, excuse }) => /connection/.test(verdict) && verdict !== excuse)} with connections left`
  ]
  console.log(["", row("", layerNames), ...counted, "", ...others, "", totals.join(", ")].join("\n"))
})
