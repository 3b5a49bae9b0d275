import { readFileSync } from "node:fs"
import * as OpenApi from "@effect/platform/OpenApi"
import { assert, describe, it } from "@effect/vitest"
import { FlowwiseApi } from "@effect-flowwise/testing"
import { parse } from "yaml"

const vendor = parse(readFileSync(new URL("fixtures/delete-customer.openapi.yaml", import.meta.url), "utf8"))
const ours = JSON.parse(JSON.stringify(OpenApi.fromApi(FlowwiseApi)))

/** Every leaf of a document with the path to it; references to shared parts are followed. */
const leaves = (document: unknown, root: unknown, path = ""): ReadonlyArray<readonly [string, unknown]> => {
  if (typeof document !== "object" || document === null) {
    return [[path, typeof document === "string" ? document.trim() : document]]
  }
  if ("$ref" in document) {
    const target = String(document.$ref).slice(2).split("/")
    return leaves(
      target.reduce((part, key) => (part as Record<string, unknown>)[key], root),
      root,
      path
    )
  }
  const entries = Object.entries(document)
  return entries.length === 0
    ? [[path, document]]
    : entries.flatMap(([key, part]) => leaves(part, root, `${path}/${key}`))
}

describe("FlowwiseApi", () => {
  const said = new Map(leaves(ours, ours))

  it.each(leaves(vendor, vendor).filter(([path]) => path !== "/openapi" && !path.startsWith("/components/parameters")))(
    "says %s as the vendor's document does",
    (path, value) => {
      assert.deepStrictEqual(said.get(path), value)
    }
  )

  it("documents nothing that the vendor doesn't", () => {
    const paths = new Set(leaves(vendor, vendor).map(([path]) => path))
    const extra = [...said.keys()].filter((path) => !paths.has(path))
    // What `HttpApi` can't be without: names for the operation and its group.
    assert.deepStrictEqual(extra, [
      "/paths//customer/{customer_id}/delete/tags/0",
      "/paths//customer/{customer_id}/delete/operationId",
      "/tags/0/name"
    ])
  })
})
