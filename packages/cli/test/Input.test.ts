import { execFileSync } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Effect from "effect/Effect"
import { afterAll } from "vitest"
import { install, run, settings, start } from "./Installed.js"

const { bin, folder, remove } = await install()
afterAll(remove)

const timeout = 120_000

interface Case {
  readonly what: string
  readonly file?: string
  readonly content?: string | Uint8Array
  readonly args?: ReadonlyArray<string>
  /** The one line on stderr, where `FILE` is the file's path. */
  readonly says: string
}

const allow = "If your ids are like this, add --allow-unusual-ids"
const unusual = (id: string, problem: string, line = 1) => `FILE: line ${line}: "${id}" ${problem}. ${allow}`
const table = (id: string, line: number) =>
  unusual(id, "looks like a row of a table; say with --column which column has the ids", line)
const column = ["--column", "customer_id"]

/** What spreadsheets, pastes and exports make of ids. */
const mangled: ReadonlyArray<Case> = [
  ["cust_0002\u200b", "cust_0002\\u{200b}", "holds an invisible character; remove it"],
  ["cust\u00a01", "cust\u00a01", "holds an invisible character; remove it"],
  ["9.87654E+15", undefined, "is a number in scientific notation, which has lost digits; export the column as text"],
  ["1e+21", undefined, "is a number in scientific notation, which has lost digits; export the column as text"],
  ["12345.0", undefined, "is a number with a decimal point; export the column as text"],
  ['="cust_0003"', undefined, "is a formula; export its value"],
  ["'cust_0004", undefined, "begins or ends with a quote; remove it"],
  ['"cust_0005"', undefined, "begins or ends with a quote; remove it"],
  ["\u201ccust_0006\u201d", undefined, "begins or ends with a quote; remove it"],
  ["NULL", undefined, "stands for a missing or a wrong value; remove it"],
  ["#N/A", undefined, "stands for a missing or a wrong value; remove it"],
  ["#DIV/0!", undefined, "stands for a missing or a wrong value; remove it"],
  ["nan", undefined, "stands for a missing or a wrong value; remove it"],
  ["cust_\ufffd", undefined, "holds U+FFFD, which stands for a lost character; export the ids again, as UTF-8"]
].flatMap(([id = "", shown = id, problem = ""]) => [
  { what: `13.2 ${id} in text`, content: `cust_1\n${id}\n`, says: unusual(shown, problem, 2) },
  {
    what: `13.2 ${id} in CSV`,
    content: `customer_id,name\ncust_1,a\n"${id.replaceAll('"', '""')}",b\n`,
    args: column,
    says: unusual(shown, problem, 3)
  }
])

const tables: ReadonlyArray<Case> = [
  { what: "13.3 CSV as text", content: "customer_id,name\ncust_0001,a\n", says: table("customer_id,name", 1) },
  { what: "13.3 a row as text", content: "cust_1\ncust_2;a\n", says: table("cust_2;a", 2) },
  {
    what: "13.3 a heading as text",
    content: "Customer ID\ncust_0001\n",
    says: unusual("Customer ID", "looks like a heading; remove it, or name it with --column")
  },
  {
    what: "13.3 JSON Lines as text",
    content: '{"id":"a"}\n',
    says: unusual('{"id":"a"}', "looks like JSON; --field reads JSON Lines")
  },
  {
    what: "13.4 UTF-16 without a byte order mark",
    content: Buffer.from("a\nb\n", "utf16le"),
    says: unusual("a\\u{0}", "holds NUL characters, as UTF-16 without a byte order mark does; save the file as UTF-8")
  },
  {
    what: "13.4 half of a UTF-16 surrogate pair",
    content: Buffer.from("\uFEFFa\n\ud800\nb\n", "utf16le"),
    says: "FILE: the file begins as utf-16le, but not all of it is; save it as UTF-8"
  },
  {
    what: "13.4 columns that something else separates",
    content: "customer_id|name\ncust_1|a\n",
    args: column,
    says: 'FILE: line 1: there is no column "customer_id", but customer_id|name; if something else separates the columns, add --delimiter'
  },
  {
    what: "13.4 a quote within a cell",
    content: 'customer_id,name\ncust_0001;"a,b"\n',
    args: column,
    says: 'FILE: line 2 has a quote within a cell; write it twice, or add --delimiter if not "," separates the columns'
  },
  {
    what: "13.4 a quote that is not closed",
    content: 'customer_id,name\n"cust_1,a\n',
    args: column,
    says: "FILE: line 2: the file ends here, and a quote is still open"
  },
  {
    what: "13.4 a row of a table with one column",
    content: "customer_id\ncust_1;a\n",
    args: column,
    says: table("cust_1;a", 2)
  },
  {
    what: "13.4 a delimiter of two characters",
    content: "a\n",
    args: [...column, "--delimiter", "||"],
    says: "--delimiter takes one character that is no quote, or the word tab"
  },
  {
    what: "13.4 a delimiter without a column",
    content: "a\n",
    args: ["--delimiter", ";"],
    says: "--delimiter is for CSV: say with --column which column has the ids"
  },
  {
    what: "13.4 a nested field that isn't there",
    content: '{"user":{"id":"a"}}\n{"user":"b"}\n',
    args: ["--field", "user.id"],
    says: 'FILE: line 2 has no field "user.id"'
  }
]

const refused: ReadonlyArray<Case> = [
  { what: "an empty file", content: "", says: "FILE: there is no customer id in it" },
  { what: "a file of blank lines", content: "\n\r\n\n", says: "FILE: there is no customer id in it" },
  {
    what: "blanks around an id",
    content: "a\n b\nc\n",
    says: "FILE: line 2: the id has blanks around it; remove them, or add --trim"
  },
  {
    what: "invalid UTF-8",
    content: Buffer.from("a\nb\n\xff\n", "latin1"),
    says: "FILE: line 3 is not UTF-8; save the file as UTF-8"
  },
  { what: "a long line", content: `a\n${"b".repeat(70_000)}\n`, says: "FILE: line 2 is longer than 65536 bytes" },
  {
    what: "an id that can't be sent",
    content: "a\n..\n",
    says: "FILE: line 2: The customer id is a dot segment, which URL parsers remove even where it is percent-encoded"
  },
  {
    what: "a table with tabs",
    content: "a\tPriya\n",
    says: table("a\\u{9}Priya", 1)
  },
  {
    what: "CSV without --column",
    file: "a.csv",
    content: "id\na\n",
    says: "FILE: say with --column where the ids are"
  },
  {
    what: "JSON Lines without --field",
    file: "a.jsonl",
    content: "{}",
    says: "FILE: say with --field where the ids are"
  },
  {
    what: "a missing column",
    file: "b.csv",
    content: "id,name\na,b\n",
    args: ["--column", "customer"],
    says: 'FILE: line 1: there is no column "customer", but id, name'
  },
  {
    what: "a column that comes twice",
    file: "c.csv",
    content: "id,id\na,b\n",
    args: ["--column", "id"],
    says: 'FILE: line 1: there is more than one column "id", but id, id'
  },
  {
    what: "an empty cell",
    file: "d.csv",
    content: "id,name\na,b\n,c\n",
    args: ["--column", "id"],
    says: "FILE: line 3: The customer id is empty"
  },
  {
    what: "a row that is too short",
    file: "e.csv",
    content: "id,name\na,b\nc\n",
    args: ["--column", "id"],
    says: "FILE: line 3 has 1 cell, and the heading has 2"
  },
  {
    what: "a line that is no JSON",
    content: '{"id":"a"}\n{"id":\n',
    args: ["--field", "id"],
    says: "FILE: line 2 is not a JSON object"
  },
  {
    what: "a missing field",
    content: '{"id":"a"}\n{}\n',
    args: ["--field", "id"],
    says: 'FILE: line 2 has no field "id"'
  },
  {
    what: "a field that is no string",
    content: '{"id":17}\n',
    args: ["--field", "id"],
    says: 'FILE: line 1: the field "id" is not a string'
  },
  { what: "a file that isn't there", file: "gone/ids.txt", says: "FILE: no such file or directory" },
  { what: "a directory", file: ".", says: "FILE: it is a directory, and not a file with ids" },
  {
    what: "more than --max",
    content: "a\nb\nc\n",
    args: ["--max", "2"],
    says: "FILE: 3 customers, and --max allows 2. Nothing was sent"
  },
  {
    what: "a journal that can't be written",
    content: "a\n",
    args: ["--journal", "no/such/folder/journal"],
    says: "no/such/folder/journal: no such file or directory. Nothing was sent"
  },
  {
    what: "two formats",
    content: "a\n",
    args: ["--column", "a", "--field", "b"],
    says: "--column is for CSV and --field for JSON Lines: give one of them"
  },
  { what: "ids and a file", content: "a\n", args: ["b"], says: "give ids or --file, and not both" },
  {
    what: "a column without its name",
    content: "a\n",
    args: ["--column"],
    says: "--column lacks its value"
  },
  {
    what: "a file and a mistyped option",
    content: "a\n",
    args: ["--dryrun"],
    says: "--dryrun is not an option of delete; did you mean --dry-run?"
  }
]

const wrongUsage: ReadonlyArray<{ readonly args: ReadonlyArray<string>; readonly says: string }> = [
  { args: [], says: "flowwise: give the ids to delete, or --file" },
  {
    args: ["a", ".."],
    says: "flowwise: argument 2: The customer id is a dot segment, which URL parsers remove even where it is percent-encoded"
  },
  {
    args: ["a", "--nobody"],
    says: "flowwise: --nobody is not an option of delete; an id that begins with a dash has to be in a --file"
  },
  { args: ["a", " b"], says: "flowwise: argument 2: the id has blanks around it; remove them" },
  {
    args: ["a,b"],
    says: `flowwise: argument 1: "a,b" looks like several ids; separate them with spaces. ${allow}`
  },
  {
    args: ['{"id":"a"}'],
    says: `flowwise: argument 1: "{"id":"a"}" looks like JSON; give nothing but the id. ${allow}`
  },
  { args: ["a\tb", "--allow-unusual-ids"], says: "flowwise: argument 1: the id holds a control character" },
  { args: ["a", "--file"], says: "flowwise: --file lacks its value" },
  { args: ["a", "--max", "x"], says: "flowwise: --max takes a whole number from 1" },
  { args: ["a", "--max", "0"], says: "flowwise: --max takes a whole number from 1" },
  { args: ["a", "--concurrency", "1001"], says: "flowwise: --concurrency takes a whole number from 1 to 1000" },
  {
    args: ["a", "--rate", "300"],
    says: "flowwise: --rate takes a number and a time, such as 300/minute, 5/second or 100/30 seconds"
  },
  {
    args: ["a", "--rate", "5/1 nanos"],
    says: "flowwise: --rate takes a number and a time, such as 300/minute, 5/second or 100/30 seconds"
  },
  {
    args: ["a", "--rate", `1/${"9".repeat(400)} weeks`],
    says: "flowwise: --rate takes a number and a time, such as 300/minute, 5/second or 100/30 seconds"
  }
]

it.layer(FlowwiseEmulator.layer({ customers: ["a", "b", "c"] }))("flowwise delete", (it) => {
  it.effect(
    "refuses bad input with 2 and one line that names file and line, and sends nothing",
    () =>
      Effect.gen(function* () {
        const env = yield* settings
        const check = ({ args = [], content, file, says, what }: Case, index: number) =>
          Effect.promise(async () => {
            const path = join(folder, file ?? `ids-${index}.txt`)
            if (content !== undefined) writeFileSync(path, content)
            const { code, stderr, stdout } = await run(bin, ["delete", "--file", path, ...args], env, { cwd: folder })
            const problem = stderr.split("\n").filter((line) => line.startsWith("flowwise: "))
            assert.deepStrictEqual([problem, code, stdout], [[`flowwise: ${says.replace("FILE", path)}`], 2, ""], what)
            assert.notMatch(stderr, /^ +at .*\.js/m, what)
          })
        yield* Effect.forEach([...refused, ...mangled, ...tables], check, { concurrency: 4 })

        yield* Effect.forEach(
          wrongUsage,
          ({ args, says }) =>
            Effect.promise(async () => {
              const { code, stderr, stdout } = await run(bin, ["delete", ...args], env)
              assert.deepStrictEqual([stderr.trim(), code, stdout], [says, 2, ""])
            }),
          { concurrency: 4 }
        )
        const { requests } = yield* FlowwiseEmulator
        assert.deepStrictEqual(yield* requests, [])
      }),
    timeout
  )
})

describe("what is read", () => {
  /** The ids that would be sent, and what is said about them. */
  const dryRun = (name: string, content: string | Uint8Array, ...args: ReadonlyArray<string>) =>
    Effect.promise(async () => {
      const path = join(folder, name)
      writeFileSync(path, content)
      const { code, stderr, stdout } = await run(bin, ["delete", "--dry-run", "--json", "--file", path, ...args], {})
      assert.strictEqual(code, 0, stderr)
      return {
        ids: stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line).customerId),
        stderr
      }
    })

  it.live(
    "a byte order mark, CRLF and a missing last line end are no part of an id",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* dryRun("windows.txt", "\uFEFFcust_1\r\n\r\ncust 2\r\nπ")).ids, [
          "cust_1",
          "cust 2",
          "π"
        ])
        assert.deepStrictEqual((yield* dryRun("trim.txt", " cust_1\t\n  \ncust_2 ", "--trim")).ids, [
          "cust_1",
          "cust_2"
        ])
        const csv = '\uFEFFname,customer id\r\n"a ""b"",\r\nc",cust_1\r\n\r\nd,"cust,2"\r\n'
        assert.deepStrictEqual((yield* dryRun("table.csv", csv, "--column", "customer id")).ids, ["cust_1", "cust,2"])
        const json = '\uFEFF{"id":"a\\tb","n":1}\r\n\r\n{"n":2,"id":"\\ud83d\\ude00"}'
        assert.deepStrictEqual((yield* dryRun("lines.jsonl", json, "--field", "id")).ids, ["a\tb", "😀"])
      }),
    timeout
  )

  it.live(
    "13.2 ids that look unusual are sent with --allow-unusual-ids",
    () =>
      Effect.gen(function* () {
        const ids = ["9.87654E+15", "'cust_0004", "NULL", "a,b", "true", "cust_\u200b"]
        assert.deepStrictEqual((yield* dryRun("unusual.txt", ids.join("\n"), "--allow-unusual-ids")).ids, ids)
      }),
    timeout
  )

  it.live(
    "13.4 what Excel and its cousins write is read, where the file says what it is",
    () =>
      Effect.gen(function* () {
        const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le")
        const cases: ReadonlyArray<readonly [content: string | Uint8Array, ...args: ReadonlyArray<string>]> = [
          [utf16("cust_1\r\nπ\r\n")],
          [utf16("cust_1\r\nπ\r\n").swap16()],
          [utf16("name\tcustomer_id\r\na\tcust_1\r\nb\tπ\r\n"), ...column],
          ["name;customer_id\na,b;cust_1\nb;π\n", ...column],
          ["name\tcustomer_id\na\tcust_1\nb\tπ\n", ...column],
          ['\uFEFFsep=;\r\nname;customer_id\r\n"a;\r\nb";cust_1\r\nb;π\r\n', ...column],
          ["sep=|\nname|customer_id\na|cust_1\nb|π\n", ...column],
          ["name|customer_id\na|cust_1\nb|π\n", ...column, "--delimiter", "|"],
          ["a;customer_id,customer_id;b\n1;cust_1;3\n1;π;3\n", "--column", "customer_id,customer_id"],
          ["a\tcustomer_id\n1;\tcust_1\n,\tπ\n", ...column, "--delimiter", "tab"],
          ["cust_1\rπ\r"],
          ["cust_1\r\rπ"],
          ["name,customer_id\ra,cust_1\rb,π\r", ...column],
          ['{"user":{"id":"cust_1"}}\n{"user":{"id":"π"}}', "--field", "user.id"],
          ['{"user.id":"cust_1","user":{"id":"x"}}\n{"user.id":"π"}', "--field", "user.id"]
        ]
        for (const [index, [content, ...args]] of cases.entries()) {
          const { ids } = yield* dryRun(`cousin-${index}.txt`, content, ...args)
          assert.deepStrictEqual(ids, ["cust_1", "π"], `case ${index}`)
        }
        const named = yield* Effect.promise(async () => {
          const path = join(folder, "sep.csv")
          writeFileSync(path, "sep=;\ncustomer_id;b\ncust_1;c\nNULL;d\n")
          return run(bin, ["delete", "--file", path, ...column], {})
        })
        assert.include(named.stderr, "sep.csv: line 4: ")
      }),
    timeout
  )

  it.live(
    "an id that comes again is counted, and sent once",
    () =>
      Effect.gen(function* () {
        const { ids, stderr } = yield* dryRun("twice.txt", "a\nb\na\na\nc\nb\n")
        assert.deepStrictEqual(ids, ["a", "b", "c"])
        assert.include(stderr, "3 customers (and 3 duplicates, sent once)")
      }),
    timeout
  )

  it.live(
    "standard input is read like a file, and leaves nothing behind",
    () =>
      Effect.promise(async () => {
        const temporary = join(folder, "temporary")
        mkdirSync(temporary)
        const env = { TMPDIR: temporary, TEMP: temporary }
        const { code, stderr, stdout } = await run(bin, ["delete", "--dry-run", "--file", "-"], env, {
          input: "a\nb\n"
        })
        assert.strictEqual(code, 0, stderr)
        assert.deepStrictEqual(
          stdout
            .trim()
            .split("\n")
            .map((line) => line.slice(-2)),
          ["/a", "/b"]
        )
        const bad = await run(bin, ["delete", "--dry-run", "--file", "-"], env, { input: "a\n b\n" })
        assert.include(bad.stderr, "standard input: line 2: the id has blanks")
        assert.strictEqual(bad.code, 2)
        assert.deepStrictEqual(readdirSync(temporary), [])
      }),
    timeout
  )

  it.skipIf(process.platform === "win32")("a named pipe is read like a file", { timeout }, async () => {
    const pipe = join(folder, "pipe")
    execFileSync("mkfifo", [pipe])
    const reading = run(bin, ["delete", "--dry-run", "--json", "--file", pipe], {})
    await writeFile(pipe, "a\nb\na\n")
    const { code, stderr, stdout } = await reading
    assert.strictEqual(code, 0, stderr)
    assert.include(stderr, `Would delete 2 customers (and 1 duplicate, sent once) from ${pipe}`)
    assert.deepStrictEqual(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).customerId),
      ["a", "b"]
    )
  })
})

describe("a line of a gigabyte", () => {
  const GIGABYTE = 2 ** 30
  // Tells at its end how much memory it has had.
  const env = {
    NODE_OPTIONS:
      "--import=data:text/javascript,process.on('exit',()=>console.error('kilobytes',process.resourceUsage().maxRSS))"
  }
  const assertRefused = ({ code, stderr }: { readonly code: number | null; readonly stderr: string }, name: string) => {
    assert.include(stderr, `flowwise: ${name}: line 2 is longer than 65536 bytes\n`)
    assert.strictEqual(code, 2)
    assert.isBelow(Number(/kilobytes (\d+)/.exec(stderr)?.[1]), 300 * 1024)
  }

  it("in a file is refused with little memory, and in little time", { timeout: 30_000 }, async () => {
    const path = join(folder, "gigabyte.txt")
    writeFileSync(path, "a\n")
    truncateSync(path, GIGABYTE) // without blocks on the disk
    assertRefused(await run(bin, ["delete", "--file", path], env), path)
  })

  it("on standard input is refused before it has come to its end", { timeout: 30_000 }, async () => {
    const { child, closed } = start(bin, ["delete", "--file", "-"], env, { input: null })
    child.stdin?.write("a\n")
    const zeros = Buffer.alloc(2 ** 20)
    let written = 0
    const feed = () => {
      while (written < GIGABYTE) {
        written += zeros.length
        if (!child.stdin?.write(zeros)) return
      }
      child.stdin?.end()
    }
    child.stdin?.on("drain", feed)
    feed()
    assertRefused(await closed, "standard input")
    assert.isBelow(written, GIGABYTE / 2)
  })
})

const changes: Record<string, (path: string) => void> = {
  "has got another line": (path) => appendFileSync(path, "\none_more"),
  "has got another id, and its old time": (path) => {
    const { atime, mtime, size } = statSync(path)
    const file = openSync(path, "r+")
    writeSync(file, "z", size - 1)
    closeSync(file)
    utimesSync(path, atime, mtime)
  }
}

it.live.each(Object.keys(changes))(
  "a file that %s while it is read stops the run with 1, after what is under way",
  (change) =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      yield* emulator.delay("20 millis")
      // Long, so that the file has several parts.
      const ids = Array.from({ length: 150 }, (_, index) => `${index}_`.padEnd(1_000, "x"))
      const path = join(folder, "changed.txt")
      const journal = join(folder, `${change}.journal`)
      writeFileSync(path, ids.join("\n"))
      const { code, stderr, stdout } = yield* Effect.promise(async () => {
        const { closed, until } = start(bin, ["delete", "--file", path, "--journal", journal], env)
        await until(({ stdout }) => stdout !== "")
        changes[change]?.(path)
        return closed
      })
      assert.include(
        stderr,
        `the ids can't be read any more, so the run stopped: ${path}: it was changed while it was read\n`
      )
      assert.strictEqual(code, 1)
      const requests = (yield* emulator.requests).length
      assert.isBelow(requests, ids.length)
      assert.strictEqual(stdout.trim().split("\n").length, requests)
      const report = yield* Effect.promise(() => run(bin, ["report", journal, "--json"], {}))
      const { alreadyAbsent, notAskedFor, unknown } = JSON.parse(report.stdout)
      assert.deepStrictEqual([alreadyAbsent, notAskedFor, unknown], [requests, ids.length - requests, 0])
    }).pipe(Effect.provide(FlowwiseEmulator.layer())),
  timeout
)

it.live(
  "a file that gets another name or other rights while it is read is still the same",
  () =>
    Effect.gen(function* () {
      const emulator = yield* FlowwiseEmulator
      const env = yield* settings
      yield* emulator.delay("20 millis")
      const path = join(folder, "moved.txt")
      writeFileSync(path, Array.from({ length: 70 }, (_, index) => `moved_${index}`.padEnd(1_000, "x")).join("\n"))
      const { code, stderr } = yield* Effect.promise(async () => {
        const { closed, until } = start(bin, ["delete", "--file", path, "--allow-unusual-ids"], env)
        await until(({ stdout }) => stdout !== "")
        chmodSync(path, 0o400)
        renameSync(path, `${path}.done`)
        return closed
      })
      assert.notInclude(stderr, "changed")
      assert.include(stderr, "70 already absent")
      assert.strictEqual(code, 1)
    }).pipe(Effect.provide(FlowwiseEmulator.layer())),
  timeout
)
