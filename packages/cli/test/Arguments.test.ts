import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { afterAll } from "vitest"
import { install, run } from "./Installed.js"

const { bin, folder, remove } = await install()
afterAll(remove)

const timeout = 120_000
const env = { FLOWWISE_BASE_URL: "http://127.0.0.1:1", FLOWWISE_CLIENT_ID: "id", FLOWWISE_CLIENT_SECRET: "secret" }

describe("13.7", () => {
  it("what was meant for something else is refused in one line", { timeout }, async () => {
    const refused: ReadonlyArray<readonly [args: ReadonlyArray<string>, says: string]> = [
      [["dellete"], 'there is no command "dellete"; did you mean delete?'],
      [["--log-level", "debug", "reprot", "F"], 'there is no command "reprot"; did you mean report?'],
      [["dellete", "--help"], 'there is no command "dellete"; did you mean delete?'],
      [["--log-level", "debug", "reprot", "F", "-h"], 'there is no command "reprot"; did you mean report?'],
      [["erase", "cust_1"], 'there is no command "erase"; there are delete, emulator, report; see --help'],
      [["--", "--help"], 'there is no command "--help"; there are delete, emulator, report; see --help'],
      [["help"], 'there is no command "help"; there are delete, emulator, report; see --help'],
      [["--completions", "bash", "--completions", "zsh"], "--completions is given twice"],
      [["delete", "cust_1", "--log-level", "info", "--log-level=info"], "--log-level is given twice"],
      [["delete", "cust_1", "--max", "1", "--dry-run", "--max=2"], "--max is given twice"],
      [[], "give a command: delete, emulator, report; see --help"],
      [
        ["--log-level", "loud", "delete", "cust_1"],
        "--log-level 'loud' is invalid. Allowed choices are all, trace, debug, info, warning, error, fatal, none; see --help"
      ],
      [["delete", "cust_1", "--dryrun"], "--dryrun is not an option of delete; did you mean --dry-run?"],
      [["report", "F", "--markdwon"], "--markdwon is not an option of report; did you mean --markdown?"],
      [["--log-level", "info", "emulator", "--ports"], "--ports is not an option of emulator; did you mean --port?"],
      [["--versoin"], "--versoin is not an option of flowwise; did you mean --version?"],
      [["delete", "cust_1", "--dry-run=true"], '--dry-run is a switch and takes no value; remove "=true" after it'],
      [["delete", "cust_1", "--dry-run=false"], '--dry-run is a switch and takes no value; remove "=false" after it'],
      [["--wizard"], "--wizard is not an option or argument here; see --help"],
      [
        ["delete", "cust_1", "--", "-x"],
        "-x is not an option of delete; an id that begins with a dash has to be in a --file"
      ],
      [
        ["delete", "cust_1", "-x"],
        "-x is not an option of delete; an id that begins with a dash has to be in a --file"
      ],
      [["delete", "cust_1", "--journal", "\u2014dry-run"], "--journal lacks its value"],
      [["delete", "cust_1", "--journal"], "--journal lacks its value"],
      [["delete", "--journal", "-dry-run", "cust_1"], "--journal lacks its value"],
      [["delete", "--journal", "-", "cust_1"], "--journal lacks its value"],
      [["delete", "--journal", "--log-level", "info", "cust_1", "cust_2"], "--journal lacks its value"],
      [["delete", "--confirm=", "cust_1"], "--confirm lacks its value"],
      [["delete", "--file", ""], "--file lacks its value"],
      [
        ["delete", "cust_1", bin],
        `${bin} is a file here: put --file before it, or add --allow-unusual-ids if it is an id. Nothing was sent`
      ],
      [["delete", "cust_1", "help"], "help looks like --help; if it is an id, add --allow-unusual-ids"],
      [
        ["delete", "cust_1", "log-level", "debug"],
        "log-level looks like --log-level; if it is an id, add --allow-unusual-ids"
      ],
      [["delete", "cust_1", "--journal=--dry-run"], "--journal lacks its value"],
      ...[
        "dry-run",
        "dryrun",
        "dry_run:true",
        "/Dry-run",
        "\u2500\u2500dry-run",
        "(--dry-run)",
        "\u207bdry-run=yes"
      ].map(
        (id) =>
          [["delete", "cust_1", id], `${id} looks like --dry-run; if it is an id, add --allow-unusual-ids`] as const
      ),
      [["report", "no\nfile"], "no\\u{a}file: no such file or directory"],
      [["emulator", "--customers", "--port", "1"], "--customers lacks its value"],
      [["report"], "missing required argument 'journal'; see --help"],
      [["report", "F", "G"], "too many arguments for 'report'. Expected 1 argument but got 2; see --help"],
      [
        ["delete", "--trim", "false", "--dry-run", "false", "--json", "false", "cust_0950"],
        '--trim is a switch and takes no value; remove "false" after it'
      ],
      [
        ["delete", "cust_1", "--allow-unusual-ids", "true"],
        '--allow-unusual-ids is a switch and takes no value; remove "true" after it'
      ],
      [
        ["delete", "true"],
        'argument 1: "true" stands for a missing or a wrong value; remove it. If your ids are like this, add --allow-unusual-ids'
      ]
    ]
    for (const [args, says] of refused) {
      const { code, stderr, stdout } = await run(bin, args, env)
      assert.deepStrictEqual([stderr, stdout, code], [`flowwise: ${says}\n`, "", 2])
    }
  })

  it("--log-level is understood before the command and after it", { timeout }, async () => {
    for (const args of [
      ["--log-level", "debug", "delete", "--dry-run", "cust_1"],
      ["delete", "--dry-run", "--log-level", "debug", "cust_1"],
      ["delete", "cust_1", "--log-level=debug", "--dry-run"]
    ]) {
      const { code, stderr, stdout } = await run(bin, args, env)
      assert.deepStrictEqual([code, stdout], [0, "would send  DELETE http://127.0.0.1:1/customer/cust_1\n"], stderr)
    }
  })

  it("what looks like an option is an id or a value where the user says so", { timeout }, async () => {
    writeFileSync(join(folder, "dashed.csv"), "-id\ncust_1\n")
    for (const [args, id] of [
      [["--allow-unusual-ids", "--", "json"], "json"],
      [["--file", join(folder, "dashed.csv"), "--column=-id"], "cust_1"]
    ] as const) {
      const { stderr, stdout } = await run(bin, ["delete", "--dry-run", ...args], env)
      assert.strictEqual(stdout, `would send  DELETE http://127.0.0.1:1/customer/${id}\n`, stderr)
    }
  })

  it("the help shows what there is, of the emulator its own, and how completions are installed", {
    timeout
  }, async () => {
    const help = (await run(bin, ["delete", "--help"], {})).stdout
    assert.notInclude(help, "wizard")
    assert.include(help, "--log-level LEVEL")
    for (const says of [
      /none of them was there \(with two or more customers\)/,
      /FLOWWISE_ALLOW_HTTP=true permits plain http/,
      /per second, minute, hour or day/,
      /up to 1000\. \(default: 16\)/,
      /\(choices: "all",.* default: "info"\)/
    ]) {
      assert.match(help.replaceAll(/\s+/g, " "), says)
    }
    assert.include(help, "flowwise --completions bash > ~/.local/share/bash-completion/completions/flowwise")
    const emulator = (await run(bin, ["emulator", "--help"], {})).stdout
    assert.include(emulator, "flowwise emulator --customers ids.txt")
    assert.include(emulator, "130 stopped by Ctrl-C")
    assert.notInclude(emulator, "flowwise delete")
    assert.notInclude(emulator, "everything is gone")
  })

  it("the completions name no wizard, and offer files only where there is one", { timeout }, async () => {
    for (const [shell, file, number] of [
      ["bash", /--file\|.*\) return/, /--max\|.*\) compopt \+o default/],
      ["zsh", /'--file\[[^\]]*\]:value:_files'/, /'--max\[[^\]]*\]:value:'/],
      ["fish", /-l file .* -r -F$/m, /-l max .* -x$/m]
    ] as const) {
      const { stdout } = await run(bin, ["--completions", shell], {})
      assert.include(stdout, "allow-unusual-ids")
      assert.match(stdout, file)
      assert.match(stdout, number)
      assert.notInclude(stdout, "wizard")
    }
  })

  it.skipIf(spawnSync("bash", ["-c", "true"]).status !== 0)(
    "bash completes commands, options and values",
    {
      timeout
    },
    async () => {
      const script = join(folder, "completions.bash")
      writeFileSync(script, (await run(bin, ["--completions", "bash"], {})).stdout)
      const ask = `compopt() { COMPREPLY=("$@"); }; source "$1"; shift; f=$(complete -p flowwise); f=\${f#*-F }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      "\${f%% *}" flowwise "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"; echo "\${COMPREPLY[@]}"`
      const completed = [
        [["del"], "delete"],
        [[""], "delete report emulator --version --log-level --completions --help"],
        [["--log-level", "de"], "debug"],
        [["--log-level", "debug", "rep"], "report"],
        [["delete", "cust_1", "--d"], "--delimiter --dry-run"],
        [["report", "--m"], "--markdown"],
        // The names of files, which bash finds by itself.
        [["delete", "--file", ""], ""],
        [["report", ""], ""],
        [["emulator", "--port", ""], "+o default"]
      ] as const
      for (const [words, found] of completed) {
        const { stdout } = spawnSync("bash", ["-c", ask, "bash", script, "flowwise", ...words], { encoding: "utf8" })
        assert.strictEqual(stdout.trim(), found)
      }
    }
  )
})
