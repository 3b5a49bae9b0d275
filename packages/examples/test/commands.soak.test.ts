/**
 * Runs the commands of every page as a reader types them, and compares what they print with what the page shows.
 *
 * Each block that is neither TypeScript nor a diagram is run, or a comment right above it says what is done instead:
 *
 * - no comment: `sh` must succeed, and `console` must print what stands below each `$`;
 * - `<!-- file: NAME -->`: the block is a file that later commands read;
 * - `<!-- output of: COMMAND -->`: the block is what this command prints;
 * - `<!-- run by: FILE -->`: that script has the commands in it, or looks for this very comment and runs the block;
 * - `<!-- not run: REASON -->`: the block needs what a test can't have.
 *
 * A page starts in an empty folder, with `flowwise` on the path and no settings. `<!-- first: COMMAND -->` runs a command
 * that readers don't see. `<!-- Ctrl-C at: TEXT -->` interrupts the command of the block as soon as that is printed.
 *
 * A line `…` stands for any number of lines. Times, durations, rates and ports may differ from those of the page; below
 * `<!-- numbers vary -->`, all numbers may. `pnpm docs:outputs` writes what was printed into the pages.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { install } from "../../cli/test/Installed.js"
import { pages, read, root } from "./pages.js"

type Lines = ReadonlyArray<string>

interface Block {
  readonly language: string
  readonly lines: Lines
  /** How many lines of the page stand before the block's own. */
  readonly before: number
  readonly marks: ReadonlyMap<string, string>
}

interface Step {
  readonly command: string
  /** What the page shows of its output. Without it, the command must succeed. */
  readonly shown?: Lines
  readonly before: number
  readonly numbersVary: boolean
  readonly interruptAt: string | undefined
}

const MARK = /^<!-- (file|output of|run by|not run|first|Ctrl-C at|numbers vary)(?:: (.+))? -->$/

/** The blocks of a page that are not for the compiler, and its hidden commands. */
const blocksOf = (page: string): ReadonlyArray<Block> => {
  const lines = page.split("\n")
  const blocks: Array<Block> = []
  let marks = new Map<string, string>()
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ""
    const [, mark, value = ""] = MARK.exec(line) ?? []
    const [, language] = /^ *```(\w*)/.exec(line) ?? []
    if (mark === "first") {
      blocks.push({ language: "sh", lines: [value], before: index, marks: new Map() })
    } else if (mark !== undefined) {
      marks.set(mark, value)
    } else if (language !== undefined) {
      const end = lines.findIndex((line, place) => place > index && /^ *```$/.test(line))
      blocks.push({ language, lines: lines.slice(index + 1, end), before: index + 1, marks })
      index = end
      marks = new Map()
    } else if (line !== "") {
      marks = new Map()
    }
  }
  return blocks.filter(({ language, marks }) => !["ts", "mermaid"].includes(language) || marks.has("file"))
}

/** What a block runs, or what is wrong with it. */
const stepsOf = ({ before, language, lines, marks }: Block): ReadonlyArray<Step> | string => {
  const common = { before, numbersVary: marks.has("numbers vary"), interruptAt: marks.get("Ctrl-C at") }
  const [file, runner] = [marks.get("file"), marks.get("run by")]
  if (file !== undefined) {
    return [{ ...common, command: ["cat > ", file, " <<'END OF FILE'\n", lines.join("\n"), "\nEND OF FILE"].join("") }]
  }
  if (runner !== undefined) return runs(runner, lines) ? [] : `not run by ${runner}`
  if (marks.has("not run")) return marks.get("not run") === "" ? "no reason why it is not run" : []
  const command = marks.get("output of")
  if (command !== undefined) return [{ ...common, command, shown: lines }]
  if (language === "sh") return [{ ...common, command: lines.join("\n") }]
  if (language !== "console") return "neither run nor marked"
  const prompts = lines.flatMap((line, index) => (line.startsWith("$ ") ? [index] : []))
  if (prompts.length === 0) return "no line begins with $"
  return prompts.map((prompt, index) => ({
    ...common,
    command: lines[prompt]?.slice(2) ?? "",
    shown: lines.slice(prompt + 1, prompts[index + 1]),
    before: before + prompt + 1
  }))
}

const runs = (runner: string, lines: Lines): boolean => {
  const script = existsSync(join(root, runner)) ? read(runner) : ""
  const has = (line: string) => script.includes(line.replace(/ +# .*/, ""))
  return script.includes(`<!-- run by: ${runner} -->`) || lines.every(has)
}

/** What may differ from run to run. */
const settled = (lines: Lines, numbersVary: boolean): Lines =>
  lines.map((line) => {
    const text = line
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|\b\d\d:\d\d:\d\d\.\d{3}\b/g, "TIME")
      .replaceAll(/\b\d[\d.]*(?= ?m?s\b|\/s\b)/g, "N") // 3s, 59 ms, 564/s
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    return numbersVary ? text.replaceAll(/\d[\d,]*/g, "N") : text
  })

/** Whether exactly these lines were printed. */
const matches = (shown: Lines, printed: Lines): boolean => {
  const gap = shown.indexOf("…")
  if (gap === -1) return shown.join("\n") === printed.join("\n")
  if (shown.slice(0, gap).join("\n") !== printed.slice(0, gap).join("\n")) return false
  const [after, rest] = [shown.slice(gap + 1), printed.slice(gap)]
  return rest.some((_, skipped) => matches(after, rest.slice(skipped))) || matches(after, [])
}

/** The same part of what was printed now: as many lines before the first `…` and after the last. */
const renewed = (shown: Lines, printed: Lines): Lines => {
  const [first, last] = [shown.indexOf("…"), shown.lastIndexOf("…")]
  if (first === -1) return printed
  const tail = printed.length - (shown.length - 1 - last)
  return [...printed.slice(0, first), ...shown.slice(first, last + 1), ...printed.slice(tail)]
}

/** A shell where a page starts. */
const openShell = (bin: string) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "effect-flowwise-page-")))
  const tools = mkdtempSync(join(tmpdir(), "effect-flowwise-tools-"))
  const processId = join(tools, "process-id")
  const start = `#!/bin/sh\necho $$ > '${processId}'\nexec '${process.execPath}' '${bin}' "$@"\n`
  writeFileSync(join(tools, "flowwise"), start, { mode: 0o755 })
  // What the pages install: the packages of this workspace.
  symlinkSync(join(root, "packages/examples/node_modules"), join(folder, "node_modules"))
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))

  const shell = spawn("bash", ["--noprofile", "--norc"], {
    cwd: folder,
    env: {
      npm_config_update_notifier: "false",
      PATH: [tools, dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: folder,
      CLONE: root,
      NO_UPDATE_NOTIFIER: "1"
    },
    detached: true, // a process group, so that nothing outlives the page
    stdio: "pipe"
  })
  // An emulator runs in a terminal of its own, on a free port, and the settings that it prints are pasted here.
  shell.stdin.write(`
    flowwise() {
      if [ "$1" != emulator ]; then command flowwise "$@"; return; fi
      exec 3< <(exec flowwise "\${@/#8049/0}" 2> emulator.log)
      for _ in 1 2 3; do read -r setting <&3 && eval "$setting"; done
    }
  `)
  /** The status of its first failure, and what it printed on both streams. */
  const run = ({ command, interruptAt }: Pick<Step, "command" | "interruptAt">) =>
    new Promise<{ readonly status: number; readonly printed: Lines }>((resolve, reject) => {
      let text = ""
      let awaited = interruptAt
      const onData = (chunk: Buffer) => {
        text += chunk
        if (awaited !== undefined && text.includes(awaited)) {
          awaited = undefined
          process.kill(Number(readFileSync(processId, "utf8")), "SIGINT")
        }
        const end = text.lastIndexOf("\n@@ended ")
        if (end === -1 || !text.endsWith("\n")) return
        shell.stdout.removeAllListeners()
        const printed = text.slice(0, end).replace(/\n$/, "")
        resolve({ status: Number(text.slice(end + 9)), printed: printed === "" ? [] : printed.split("\n") })
      }
      shell.stdout.on("data", onData).once("close", () => reject(new Error(`The shell has ended: ${text}`)))
      shell.stdin.write(
        `failed=0; trap 'failed=$?' ERR; {\n${command}\n} < /dev/null 2>&1; trap - ERR; printf '\\n@@ended %s\\n' $failed\n`
      )
    })
  const close = () => {
    if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL")
    for (const each of [folder, tools]) rmSync(each, { recursive: true, force: true })
  }
  return { run, close }
}

const stepsIn = (page: string): ReadonlyArray<Step> =>
  blocksOf(page).flatMap((block) => {
    const steps = stepsOf(block)
    return typeof steps === "string" ? [] : steps
  })

const problemsOf = (file: string, page: string) =>
  blocksOf(page).flatMap((block) => {
    const steps = stepsOf(block)
    return typeof steps === "string" ? [`${file}:${block.before} ${steps}`] : []
  })

/** Runs a page from its first command to its last; gives what differs from the page, and the page with its outputs. */
const runPage = async (bin: string, page: string) => {
  const shell = openShell(bin)
  const differences: Array<{ readonly line: number; readonly command: string; readonly printed: Lines }> = []
  const lines = page.split("\n")
  let moved = 0
  try {
    for (const step of stepsIn(page)) {
      const { before, command, numbersVary, shown } = step
      const { printed, status } = await shell.run(step)
      const same = shown && matches(settled(shown, numbersVary), settled(printed, numbersVary))
      if (same ?? status === 0) continue
      differences.push({
        line: before,
        command,
        printed: same === undefined ? [`status ${status}`, ...printed] : printed
      })
      if (shown === undefined) continue
      const now = renewed(
        shown,
        printed.map((line) => line.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:8049"))
      )
      lines.splice(before + moved, shown.length, ...now)
      moved += now.length - shown.length
    }
  } finally {
    shell.close()
  }
  return { differences, page: lines.join("\n") }
}

describe("the commands of the pages", () => {
  it("every block is run, or says why not", () => {
    assert.deepStrictEqual(
      pages.flatMap((file) => problemsOf(file, read(file))),
      []
    )
  })

  it("a block that is neither is reported at its line", () => {
    const page = ["# Page", "```text", "a drawing", "```", "<!-- run by: .ci/run -->", "```sh", "pnpm no-such", "```"]
    assert.deepStrictEqual(problemsOf("docs/page.md", page.join("\n")), [
      "docs/page.md:2 neither run nor marked",
      "docs/page.md:6 not run by .ci/run"
    ])
  })

  const missing = ["bash", "curl", "gzip", "seq"].filter((tool) => spawnSync(tool, ["--version"]).error !== undefined)
  // On Windows the pages say bash, and these are not its tools.
  describe.skipIf(process.platform === "win32" || missing.length > 0)("print what the page shows", async () => {
    const { bin, remove } = await install()
    afterAll(remove)
    const hasSteps = (file: string) => stepsIn(read(file)).length > 0

    it("what the page shows is compared, and replaced", async () => {
      const page = [
        "```console",
        "$ seq 4",
        "1",
        "…",
        "5",
        "$ echo took 5 ms",
        "took 7 ms",
        "```",
        "```sh",
        "false",
        "```"
      ]
      const { differences, page: renewed } = await runPage(bin, page.join("\n"))
      assert.deepStrictEqual(
        differences.map(({ command }) => command),
        ["seq 4", "false"]
      )
      assert.deepStrictEqual(renewed.split("\n"), [...page.slice(0, 4), "4", ...page.slice(5)])
    })

    it.each(pages.filter(hasSteps))("%s", { timeout: 120_000 }, async (file) => {
      const { differences, page } = await runPage(bin, read(file))
      if (process.env.DOCS_OUTPUTS === "write") writeFileSync(join(root, file), page)
      else assert.deepStrictEqual(differences, [])
    })
  })
})
