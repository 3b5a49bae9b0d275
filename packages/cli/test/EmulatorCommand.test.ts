import { execFile } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { afterAll } from "vitest"
import { install, run, start } from "./Installed.js"

const { bin, folder, remove } = await install()
afterAll(remove)

const timeout = 120_000

/** Waits until the emulator says that it is ready, and reads the settings that it printed. */
const ready = async ({ printed, until }: ReturnType<typeof start>): Promise<Record<string, string>> => {
  await until(({ stderr }) => stderr.includes("Ctrl-C"))
  return Object.fromEntries(
    printed.stdout
      .trim()
      .split("\n")
      .map((line) => line.replace("export ", "").split("="))
  )
}

describe("flowwise emulator", () => {
  it("serves any program, and flowwise delete, with the settings that it prints", { timeout }, async () => {
    const file = join(folder, "customers.txt")
    writeFileSync(file, "\uFEFFcust_1\r\ncust 2\n\ncust_3")
    const emulator = start(bin, ["emulator", "--customers", file], {})
    const settings = await ready(emulator)
    assert.include(emulator.printed.stderr, "3 customers")
    const headers = {
      "x-client-id": settings.FLOWWISE_CLIENT_ID!,
      "x-client-secret": settings.FLOWWISE_CLIENT_SECRET!
    }
    const ask = (id: string) =>
      fetch(`${settings.FLOWWISE_BASE_URL}/customer/${encodeURIComponent(id)}`, { method: "DELETE", headers })
    const statuses = [await ask("cust_1"), await ask("cust 2"), await ask("cust_1")].map(({ status }) => status)
    assert.deepStrictEqual(statuses, [204, 204, 404])
    assert.include((await run(bin, ["delete", "cust_3"], settings)).stdout, "deleted  cust_3")

    emulator.child.kill("SIGINT")
    await emulator.closed
  })

  // Windows has no shell that is sure to be there.
  it.runIf(process.platform !== "win32")("prints lines that a shell takes as they are", { timeout }, async () => {
    const emulator = start(bin, ["emulator"], {})
    await ready(emulator)
    const through = ["sh", "-c", `${emulator.printed.stdout}exec "$@"`, "sh"]
    const { stdout } = await run(bin, ["delete", "cust_1"], {}, { through })
    assert.strictEqual(stdout, "absent   cust_1  request req_1\n")

    emulator.child.kill("SIGINT")
    await emulator.closed
  })

  it("says in one line why it can't start, and ends with 2", { timeout }, async () => {
    const emulator = start(bin, ["emulator"], {})
    const { port } = new URL((await ready(emulator)).FLOWWISE_BASE_URL!)
    const attempts = [
      {
        args: ["--port", port],
        said: /can't listen on port \d+: another program uses it; end that program, or give another --port$/m
      },
      { args: ["--port", "abc"], said: /^flowwise: --port takes a whole number from 0 to 65535$/m },
      { args: ["--port", "70000"], said: /^flowwise: --port takes a whole number from 0 to 65535$/m },
      { args: ["--customers", join(folder, "gone.txt")], said: /gone.txt: no such file/ },
      { args: ["--nonsense"], said: /^flowwise: --nonsense is not an option or argument here; see --help$/m }
    ]
    for (const { args, said } of attempts) {
      const { code, stderr, stdout } = await run(bin, ["emulator", ...args], {})
      assert.match(stderr, said)
      assert.strictEqual(stderr.trim().split("\n").length, 1)
      assert.deepStrictEqual([code, stdout], [2, ""])
    }
    emulator.child.kill("SIGKILL")
    await emulator.closed
  })
})

const page = readFileSync(new URL("../../../docs/emulator.md", import.meta.url), "utf8")

/** The fenced blocks of the page of one kind. */
const blocks = (kind: string) =>
  Array.from(page.matchAll(new RegExp(`^\`\`\`${kind}\n([^]*?)^\`\`\``, "gm")), ([, text = ""]) => text)

describe("flowwise emulator --script", () => {
  // The page is for a POSIX shell with curl.
  it.runIf(process.platform !== "win32")(
    "13.8 the page's commands print what the page says: scripted failures from a file and over HTTP, and a rotation",
    { timeout },
    async () => {
      const [customers, script] = [join(folder, "page-ids.txt"), join(folder, "page.jsonl")]
      writeFileSync(customers, blocks("text")[0]!)
      writeFileSync(script, blocks("json")[0]!)
      const emulator = start(bin, ["emulator", "--customers", customers, "--script", script], {})
      const env = { ...(await ready(emulator)), PATH: process.env.PATH }
      const session = blocks("console").join("").trim().split("\n")
      const commands = session.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2))
      const shell = [blocks("sh")[1], ...commands].join("\n")
      // One request after the other, and one of them gives up after half a second.
      const { stdout } = await promisify(execFile)("bash", ["-c", shell], { cwd: folder, env })
      assert.deepStrictEqual(
        stdout.trim().split("\n"),
        session.filter((line) => !line.startsWith("$ "))
      )

      const { printed } = emulator
      const asked = commands.join(";").split("delete ").length - 1
      await emulator.until(() => printed.stderr.includes(`  req_${asked}  `))
      const log = printed.stderr.split("\n").filter((line) => line.includes("  req_"))
      assert.strictEqual(log.length, asked)
      assert.match(log[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}req_1 {2}204 {8}DELETE \/customer\/cust_1$/)
      const withoutAnswer = log.filter((line) => line.includes("  no answer  "))
      assert.deepStrictEqual(withoutAnswer.map((line) => line.split("/customer/")[1]).sort(), ["cust_3", "cust_4"])
      assert.notMatch(printed.stderr, /secret|_emulator/)

      emulator.child.kill("SIGINT")
      await emulator.closed
    }
  )

  it("13.8 says in one line which line of a script can't be used, and why, and ends with 2", { timeout }, async () => {
    const lines: ReadonlyArray<readonly [string | Uint8Array, RegExp]> = [
      ['{"status":42}', /: status must be a whole number from 200 to 599, and is 42$/],
      ['{"clientSecrets":"hunter2"}', /: clientSecrets: give a list of secrets, none of them empty$/],
      ['{"drop":"afterDeletion","\u202E":1}', /: \\u\{202e\}: is unexpected/],
      [`{"status":503,"body":"${"x".repeat(70_000)}"}`, / is longer than 65536 bytes$/],
      [Uint8Array.of(0xff), / is not UTF-8; save the file as UTF-8$/]
    ]
    const file = join(folder, "bad.jsonl")
    for (const [line, said] of lines) {
      writeFileSync(file, Buffer.concat([Buffer.from('{"never":true}\n\n'), Buffer.from(line), Buffer.from("\n")]))
      const { code, stderr, stdout } = await run(bin, ["emulator", "--script", file], {})
      assert.match(stderr.trimEnd(), said)
      assert.include(stderr, `flowwise: ${file}: line 3`)
      assert.notInclude(stderr, "hunter2")
      assert.notMatch(stderr.trimEnd(), /\p{Cc}/u)
      assert.deepStrictEqual([code, stdout], [2, ""])
    }
    const gone = await run(bin, ["emulator", "--script", join(folder, "gone.jsonl")], {})
    assert.match(gone.stderr, /^flowwise: .*gone\.jsonl: no such file or directory\n$/)
    assert.deepStrictEqual([gone.code, gone.stdout], [2, ""])
  })
})

describe("flowwise", () => {
  it("explains itself, in plain text where there is no terminal", { timeout }, async () => {
    const deletion = "flowwise delete --file ids.txt --journal ids.journal"
    for (const [args, example, status] of [
      [["--help"], deletion, "0 everything is gone"],
      [["delete", "--help"], deletion, "0 everything is gone"],
      [["report", "--help"], "flowwise report ids.journal --markdown", "0 the report is printed"]
    ] as const) {
      const { code, stderr, stdout } = await run(bin, args, {})
      assert.include(stdout, example)
      assert.include(stdout, status)
      assert.notInclude(stdout, "\u001B")
      assert.match(stdout, /^Usage: flowwise( delete| report)? \[/)
      assert.isAtMost(Math.max(...stdout.split("\n").map(({ length }) => length)), 91)
      assert.deepStrictEqual([code, stderr], [0, ""])
    }
    assert.match((await run(bin, ["--help"], {})).stdout, /^ {2}delete {2,}Deletes customers, for good\.$/m)
    assert.match((await run(bin, ["--version"], {})).stdout, /^\d+\.\d+\.\d+\s*$/)
    assert.include((await run(bin, ["--completions", "bash"], {})).stdout, "flowwise")
  })
})
