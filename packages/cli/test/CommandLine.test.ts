import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { commandLine } from "../src/CommandLine.js"

const args = ["delete", "--file", "my ids.txt", "--journal", "it's $HOME.journal", "--rate", "300/minute", "", "*"]

describe("a command line to paste", () => {
  it.skipIf(process.platform === "win32")("gives a POSIX shell the same arguments", () => {
    const line = commandLine(args, "linux")
    assert.match(line, /^flowwise delete --file 'my ids.txt' /)
    const printed = execFileSync("sh", ["-c", `flowwise() { printf '%s\\n' "$@"; }; ${line}`], { encoding: "utf8" })
    assert.deepStrictEqual(printed.split("\n").slice(0, -1), args)
  })

  it.skipIf(process.platform === "win32")(
    "shows what a terminal would hide or obey, and bash takes it as it is",
    () => {
      const hidden = ["\u001b[31mred", "it's\u202e\\x", "\u{e0001}"]
      const line = commandLine(hidden, "linux")
      assert.notMatch(line, /\p{C}/u)
      const environment = { env: { ...process.env, LC_ALL: "C" }, encoding: "utf8" } as const
      const printed = execFileSync("bash", ["-c", `flowwise() { printf '%s\\n' "$@"; }; ${line}`], environment)
      assert.deepStrictEqual(printed.split("\n").slice(0, -1), hidden)
    }
  )

  it("has double quotes on Windows, which cmd and PowerShell both know", () => {
    assert.strictEqual(
      commandLine(["delete", "--file", "C:\\My Files\\ids.txt", "--journal", "C:\\ids.journal"], "win32"),
      'flowwise delete --file "C:\\My Files\\ids.txt" --journal C:\\ids.journal'
    )
  })
})
