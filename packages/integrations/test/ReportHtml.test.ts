import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import {
  CustomerAlreadyAbsent,
  CustomerDeleted,
  type DeletionOutcome,
  DeletionUnconfirmed,
  RequestFailed,
  UnexpectedResponse
} from "@effect-flowwise/client"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Browser, chromium } from "playwright-core"
import { afterAll, beforeAll } from "vitest"
import { encode } from "../../cli/src/JournalFile.js"
import { install, run, settings, start } from "../../cli/test/Installed.js"

/** `.ci/run` installs the first of them where none is there. */
const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync)

const { bin, folder, remove } = await install()
afterAll(remove)

/** Runs in the page. */
const inspect = readFileSync(new URL("inspectPage.js", import.meta.url), "utf8")
interface Findings {
  readonly contrast: number
  readonly isDark: boolean
  readonly overlaps: ReadonlyArray<string>
  readonly overflow: ReadonlyArray<string>
}

const timeout = 120_000
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

interface Run {
  readonly at: string
  readonly seconds: number
  readonly customers: number
  /** How many it leaves without an outcome. */
  readonly open?: number
  /** Between its halves, in seconds. */
  readonly pause?: number
}

/** A journal that no test has the time for. Every seventh customer was absent, and every eleventh is kept or unknown. */
const journalOf = (name: string, runs: ReadonlyArray<Run>, baseUrl = "https://sandbox.cashfree.com/flowwise") => {
  const ids = runs.reduce((all, { customers }) => all + customers, 1)
  const time = (millis: number) => DateTime.unsafeMake(millis)
  const outcomeOf = (customerId: string, line: number, at: DateTime.Utc): DeletionOutcome => {
    const receipt = { customerId, environment: "sandbox", requestId: Option.some(`req_${line}`) }
    if (line % 77 === 0) {
      const error = new RequestFailed({ message: "a timeout", reason: "Timeout", delivered: "unknown" })
      return new DeletionUnconfirmed({ customerId, error, mayBeDeleted: true })
    }
    if (line % 11 === 0) {
      return new DeletionUnconfirmed({
        customerId,
        error: new UnexpectedResponse({ status: 403 }),
        mayBeDeleted: false
      })
    }
    return line % 7 === 0
      ? new CustomerAlreadyAbsent({ ...receipt, afterAmbiguousAttempt: false, observedAt: at })
      : new CustomerDeleted({ ...receipt, deletedAt: at })
  }
  const header = encode({
    _tag: "Header",
    version: 1,
    environment: "sandbox",
    baseUrl,
    clientIdSha256: sha256("the client id"),
    input: { sha256: sha256(name), format: "Text", ids, duplicates: 3, lastLine: ids },
    at: time(Date.parse(runs[0]!.at))
  })
  let line = 0
  const entries = runs.flatMap(({ at, customers, open = 0, pause = 0, seconds }, index) => {
    const begun = Date.parse(at)
    const resumed = index === 0 ? [] : [encode({ _tag: "Resumed", at: time(begun) })]
    const lines = Array.from({ length: customers }, (_, place) => {
      line++
      // Slower in its second half, so that the bars differ.
      const share = (place / customers) ** 1.4
      const asked = time(begun + Math.round(share * seconds * 1000) + (share > 0.5 ? pause * 1000 : 0))
      const customerId = `cust_${line}`
      const intent = encode({ _tag: "Intent", line, customerId, at: asked })
      const answered = DateTime.add(asked, { millis: 90 })
      const outcome = outcomeOf(customerId, line, answered)
      return place < customers - open
        ? [intent, encode({ _tag: "Outcome", line, host: "sandbox.cashfree.com", outcome, at: answered })]
        : [intent]
    })
    return [...resumed, ...lines.flat()]
  })
  const file = join(folder, `${name}.journal`)
  writeFileSync(file, `${[header, ...entries].join("\n")}\n`)
  return file
}

const pageOf = async (journal: string) => {
  const { code, stderr, stdout } = await run(bin, ["report", journal, "--html"], {})
  assert.deepStrictEqual([code, stderr], [0, ""])
  const file = `${journal}.html`
  writeFileSync(file, stdout)
  return { file, text: stdout }
}

const looks = [
  { name: "light", colorScheme: "light", media: "screen", width: 1000, isDark: false },
  { name: "dark", colorScheme: "dark", media: "screen", width: 1000, isDark: true },
  { name: "phone", colorScheme: "dark", media: "screen", width: 360, isDark: true },
  { name: "print", colorScheme: "dark", media: "print", width: 794, isDark: false }
] as const

describe.skipIf(executablePath === undefined)("13.9 the page of flowwise report --html, in Chromium", () => {
  let browser: Browser
  beforeAll(async () => {
    const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    const quiet = ["--disable-background-networking", "--disable-component-update"]
    browser = await chromium.launch({ executablePath: executablePath!, args: [...args, ...quiet] })
  }, timeout)
  afterAll(() => browser?.close())

  /** Opens a page; whatever it loads, and whatever the browser complains of, is collected. */
  const visit = async (file: string, look: (typeof looks)[number]) => {
    const { colorScheme, media, width } = look
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
    const noise: Array<string> = []
    page.on("console", (message) => noise.push(message.text()))
    page.on("pageerror", (error) => noise.push(error.message))
    page.on("request", (request) => noise.push(request.url()))
    await page.emulateMedia({ media, colorScheme })
    await page.goto(pathToFileURL(file).href)
    // Its own file is all that it asks for.
    assert.strictEqual(noise.shift(), pathToFileURL(file).href)
    return { page, noise }
  }

  const journals = {
    week: () =>
      journalOf("week", [
        { at: "2026-11-24T09:12:07.000Z", seconds: 1500, customers: 900, open: 8 },
        { at: "2026-11-24T09:41:00.000Z", seconds: 2400, customers: 1400, pause: 600 },
        { at: "2026-11-25T08:00:30.000Z", seconds: 900, customers: 900 }
      ]),
    seconds: () => journalOf("seconds", [{ at: "2026-11-24T12:47:05.722Z", seconds: 3, customers: 600 }]),
    "one request": () =>
      journalOf("one request", [{ at: "2026-11-24T23:59:59.990Z", seconds: 0, customers: 1, open: 1 }]),
    "fifty kills": () =>
      journalOf(
        "fifty kills",
        Array.from({ length: 51 }, (_, index) => ({
          at: new Date(Date.UTC(2026, 10, 24, 0, 30 * index)).toISOString(),
          seconds: 40,
          customers: 60,
          open: index < 50 ? 4 : 0
        }))
      )
  }

  it(
    "shows a kill, and a pause, for each that the journal has",
    async () => {
      const drawn = async (journal: string) => {
        const { text } = await pageOf(journal)
        return { kills: text.split('class="kill"').length - 1, gaps: text.split('class="gap"').length - 1, text }
      }
      const week = await drawn(journals.week())
      assert.deepStrictEqual([week.kills, week.gaps], [1, 3])
      assert.include(week.text, "killed: 8 without an outcome")
      assert.include(week.text, "every request has an outcome; 1 pause of a minute or more")
      // Every customer who was asked for is in a bar.
      const bars = Array.from(week.text.matchAll(/<title>([\d,]+) in 1m<\/title>/g), ([, number = ""]) => number)
      assert.strictEqual(
        bars.reduce((all, number) => all + Number(number.replace(",", "")), 0),
        900 + 1400 + 900
      )
      const fifty = await drawn(journals["fifty kills"]())
      assert.deepStrictEqual([fifty.kills, fifty.gaps], [50, 50])
      const seconds = await drawn(journals.seconds())
      assert.deepStrictEqual([seconds.kills, seconds.gaps], [0, 0])
    },
    timeout
  )

  it.live(
    "a run that is killed and run again is filed with its kill, and no customer in it",
    () =>
      Effect.gen(function* () {
        const emulator = yield* FlowwiseEmulator
        const env = yield* settings
        // Under way when the run is killed, for certain.
        yield* emulator.respondWith({ never: true }, { customerId: "cust_9", times: 1 })
        const ids = join(folder, "killed.txt")
        const journal = join(folder, "killed.journal")
        writeFileSync(ids, Array.from({ length: 40 }, (_, index) => `cust_${index}`).join("\n"))
        const args = ["delete", "--file", ids, "--journal", journal, "--concurrency", "4"]
        yield* Effect.promise(async () => {
          const { child, closed, until } = start(bin, args, env)
          await until(({ stdout }) => stdout.includes("cust_30"))
          child.kill("SIGKILL")
          await closed
          assert.strictEqual((await run(bin, args, env)).code, 0)
        })
        const { file, text } = yield* Effect.promise(() => pageOf(journal))
        assert.match(text, /All 40 customers are gone: \d+ deleted, \d already absent\./)
        assert.strictEqual(text.split('class="kill"').length - 1, 1)
        assert.match(text, /<td>killed: \d+ without an outcome<\/td>/)
        // Another run of the same ids, which deletes nobody.
        const again = join(folder, "again.journal")
        yield* Effect.promise(() => run(bin, ["delete", "--file", ids, "--journal", again], env))
        const { text: nobody } = yield* Effect.promise(() => pageOf(again))
        assert.include(nobody, "None of the 40 customers was there: ")
        assert.notInclude(nobody, "are gone")
        assert.include(text, sha256(readFileSync(ids, "utf8")))
        assert.include(text, sha256("emulator-client-id"))
        assert.notInclude(text, "cust_")
        const { noise, page } = yield* Effect.promise(() => visit(file, looks[0]))
        const rows = yield* Effect.promise(() => page.locator("tbody tr").allInnerTexts())
        assert.isTrue(
          rows.some((row) => /^Deleted\s+\d+\s+\d/.test(row.trim())),
          rows.join("; ")
        )
        assert.deepStrictEqual(noise, [])
      }).pipe(
        Effect.provide(FlowwiseEmulator.layer({ customers: Array.from({ length: 40 }, (_, index) => `cust_${index}`) }))
      ),
    timeout
  )

  it("shows what a journal says as text, whatever it looks like", { timeout }, async () => {
    const hostile = `<script>alert(1)</script>"'&<img src=https://evil.example/x onerror=alert(1)>`
    const journal = journalOf("hostile", [{ at: "2026-11-24T12:00:00.000Z", seconds: 1, customers: 3 }])
    const [header = "", ...entries] = readFileSync(journal, "utf8").split("\n")
    const changed = { ...JSON.parse(header), environment: hostile, clientIdSha256: hostile }
    writeFileSync(journal, [JSON.stringify(changed), ...entries].join("\n"))
    const { file } = await pageOf(journal)
    const { noise, page } = await visit(file, looks[0])
    assert.deepStrictEqual(noise, [])
    assert.strictEqual(await page.locator("script, img").count(), 0)
    assert.include(await page.locator("body").textContent(), hostile)
  })

  for (const [name, journal] of Object.entries(journals)) {
    it(`is legible by day, by night, on a phone and on paper: ${name}`, { timeout }, async () => {
      const { file } = await pageOf(journal())
      for (const look of looks) {
        const { noise, page } = await visit(file, look)
        assert.deepStrictEqual(noise, [])
        const { contrast, isDark, overlaps, overflow } = await page.evaluate<Findings>(inspect)
        assert.strictEqual(isDark, look.isDark, look.name)
        assert.deepStrictEqual({ overflow, overlaps }, { overflow: [], overlaps: [] }, look.name)
        assert.isAtLeast(contrast, 4.5, look.name)
        if (look.media === "print") {
          const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true })
          const sheets = pdf.toString("latin1").match(/\/Type \/Page\b/g)?.length ?? 0
          assert.isTrue(sheets >= 1 && sheets <= 4, `${sheets} sheets`)
        }
        await page.close()
      }
    })
  }
})
