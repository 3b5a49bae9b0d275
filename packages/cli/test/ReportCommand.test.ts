import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { afterAll } from "vitest"
import { install, run } from "./Installed.js"

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

const { bin, folder, remove } = await install()
afterAll(remove)

it("13.9 says in one line why there is no page, prints none of it, and ends with 2", { timeout: 120_000 }, async () => {
  const journal = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const attempts = [
    { args: ["--html", "--json", journal("any", "")], said: "give --json or --html, and not both" },
    { args: ["--html", "--markdown", join(folder, "any")], said: "give --markdown or --html, and not both" },
    { args: ["--html", join(folder, "gone")], said: "gone: no such file or directory" },
    { args: ["--html", folder], said: "it is a directory" },
    { args: ["--html", journal("empty", "")], said: "empty: there is nothing in this journal yet" },
    { args: ["--html", journal("damaged", "<script>\n")], said: "damaged: line 1 is not the beginning of a journal" }
  ]
  for (const { args, said } of attempts) {
    const { code, stderr, stdout } = await run(bin, ["report", ...args], {})
    assert.include(stderr, said)
    assert.match(stderr, /^flowwise: .*\n$/)
    assert.deepStrictEqual([code, stdout], [2, ""])
  }
})

it("13.9 calls a hash a hash in the JSON of a report, and prints no control characters of a journal", {
  timeout: 120_000
}, async () => {
  const journal = join(folder, "hashes")
  const header = {
    _tag: "Header",
    version: 1,
    environment: "sandbox",
    baseUrl: "https://flowwise.invalid",
    clientIdSha256: sha256("app_1"),
    input: { sha256: sha256("cust_1\n"), format: "Text", ids: 1, duplicates: 0, lastLine: 1 },
    at: "2026-01-01T00:00:00.000Z"
  }
  writeFileSync(journal, `${JSON.stringify(header)}\n`)
  const hostile = join(folder, "hostile")
  writeFileSync(hostile, `${JSON.stringify({ ...header, environment: "\u001b[31mred" })}\n`)
  for (const format of [[], ["--markdown"]]) {
    const { stdout } = await run(bin, ["report", hostile, ...format], {})
    assert.include(stdout, "\\u{1b}[31mred (flowwise.invalid)")
  }
  const { code, stdout } = await run(bin, ["report", "--json", journal], {})
  const { clientId, clientIdSha256, input } = JSON.parse(stdout)
  assert.deepStrictEqual(
    { code, clientId, clientIdSha256, input },
    { code: 0, clientId: undefined, clientIdSha256: sha256("app_1"), input: header.input }
  )
})
