import { execFile } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

const docs = fileURLToPath(new URL("..", import.meta.url))
const dist = join(docs, ".vitepress/dist")
const base = "/effect-flowwise/"

/** `.ci/run` installs the first of them where none is there. */
const executablePath = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync)

const filesIn = (folder: string, extension: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(extension))

const types: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2"
}
const vitepress = join(docs, "node_modules/vitepress/bin/vitepress.js")

// With a link that leads nowhere, or a public name that has no docstring, this fails.
beforeAll(async () => {
  // Not execFileSync: on a busy machine Vitest gives up on a worker that is silent for a minute.
  const run = promisify(execFile)
  await run(process.execPath, [join(docs, "node_modules/typedoc/bin/typedoc")], { cwd: docs })
  await run(process.execPath, [vitepress, "build"], { cwd: docs })
}, 180_000)

describe("the built site", () => {
  const written = filesIn(docs, ".md").filter((file) => !/^(node_modules|reference|\.vitepress)\//.test(file))

  it("has every page in llms.txt with its first sentence, and its text in llms-full.txt", () => {
    const index = readFileSync(join(dist, "llms.txt"), "utf8")
    const full = readFileSync(join(dist, "llms-full.txt"), "utf8")
    const pages = written.filter((file) => file !== "index.md").map((file) => file.replace("/README", ""))
    assert.deepStrictEqual(
      pages.filter((file) => !index.includes(`${base}${file})`)),
      []
    )
    const undescribed = index.match(/^- .*$/gm)?.filter((line) => !/\): [\w`].{10,}$/.test(line))
    assert.deepStrictEqual(undescribed, [])
    const lastHeading = (file: string) =>
      readFileSync(join(docs, file), "utf8")
        .match(/^#+ .*$/gm)
        ?.at(-1) ?? ""
    assert.deepStrictEqual(
      written.filter((file) => file !== "index.md" && !full.includes(lastHeading(file))),
      []
    )
  })

  it("has every page in the sidebar", () => {
    const home = readFileSync(join(dist, "index.html"), "utf8")
    const pages = written.filter((file) => !/^(index|decisions\/\d.*)\.md$/.test(file))
    assert.deepStrictEqual(
      pages.filter((file) => !home.includes(`href="${base}${file.replace(/(README)?\.md$/, "")}"`)),
      []
    )
  })

  it("offers to edit only pages that are in the repository", () => {
    for (const file of filesIn(dist, ".html")) {
      const [, page] = /href="[^"]*\/edit\/main\/docs\/([^"]*)"/.exec(readFileSync(join(dist, file), "utf8")) ?? []
      if (page !== undefined) assert.include(written, page)
    }
  })

  it("loads nothing from elsewhere", () => {
    const foreign = /<(?:script|link|img|iframe)\b[^>]*(?:src|href)="(?:https?:)?\/\/[^"]*"/g
    for (const file of filesIn(dist, ".html"))
      assert.deepStrictEqual(readFileSync(join(dist, file), "utf8").match(foreign) ?? [], [], file)
  })
})

describe.skipIf(executablePath === undefined)("the site in Chromium", () => {
  const pages = () => filesIn(dist, ".html").map((file) => file.replace(/(^|\/)index\.html$|\.html$/, "$1"))
  let browser: Browser
  let origin: string
  // As GitHub Pages does: a page has no extension in its address.
  const server = createServer(({ url = "/" }, response) => {
    const path = decodeURIComponent(new URL(url, "http://site").pathname).slice(base.length)
    const file = [path, `${path}.html`, join(path, "index.html")].find(
      (name) => extname(name) && existsSync(join(dist, name))
    )
    response.writeHead(file === undefined ? 404 : 200, { "content-type": types[extname(file ?? ".html")] })
    response.end(readFileSync(join(dist, file ?? "404.html")))
  })

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox", "--disable-gpu"] })
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server.close()
  })

  /** A page, and all that goes wrong on it. */
  const open = async (path: string, options: Parameters<Browser["newPage"]>[0] = {}) => {
    const page = await browser.newPage(options)
    const faults: Array<string> = []
    const fault = (what: string) => faults.push(`${new URL(page.url()).pathname} ${what}`)
    page.on("console", (message) => message.type() === "error" && fault(message.text()))
    page.on("pageerror", (error) => fault(error.message))
    page.on("request", (request) => {
      if (!/^(data:|blob:)/.test(request.url()) && !request.url().startsWith(origin)) fault(`asks for ${request.url()}`)
    })
    const go = async (path: string) => {
      await page.goto(`${origin}${base}${path}`, { waitUntil: "load" })
      await page.waitForFunction("document.querySelector('#app').__vue_app__") // it listens to keys and clicks
    }
    await go(path)
    return { faults, go, page }
  }

  const overflow = (page: Page) =>
    page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

  it("opens every page without an error, on a phone too, and every link leads to a heading", {
    timeout: 300_000
  }, async () => {
    const anchors = new Map<string, ReadonlyArray<string>>()
    const links: Array<readonly [from: string, to: string]> = []
    const { faults, go, page } = await open("", { viewport: { width: 390, height: 800 } })
    for (const path of pages().filter((path) => path !== "404")) {
      await go(path)
      const { hrefs, ids } = (await page.evaluate(
        "({ hrefs: [...document.querySelectorAll('main a[href]')].map((a) => a.href), ids: [...document.querySelectorAll('[id]')].map((e) => e.id) })"
      )) as { hrefs: Array<string>; ids: Array<string> }
      anchors.set(`/${path}`, ids)
      for (const href of hrefs.filter((href) => href.startsWith(origin)))
        links.push([path, href.slice(origin.length + base.length - 1)])
      const wide = await overflow(page)
      if (wide !== 0) faults.push(`${path} is ${wide} pixels too wide`)
    }
    await page.close()
    const dead = links.filter(([, to]) => {
      const [page = "", anchor] = to.split("#")
      const ids = anchors.get(page.replace(/\.(md|html)$/, ""))
      return ids === undefined
        ? !existsSync(join(dist, page))
        : anchor !== undefined && !ids.includes(decodeURIComponent(anchor))
    })
    assert.isAbove(anchors.size, 40)
    assert.isAbove(links.length, 200)
    assert.deepStrictEqual({ faults, dead }, { faults: [], dead: [] })
  })

  it("leads to the glossary at the first use of a term", { timeout: 60_000 }, async () => {
    const { page } = await open("durable-erasure")
    const links = page.locator(
      "main p a[href*='/glossary#'], main li a[href*='/glossary#'], main td a[href*='/glossary#']"
    )
    const anchors = await links.evaluateAll((all) => all.map((link) => new URL(String(Reflect.get(link, "href"))).hash))
    assert.includeMembers(anchors, ["#erasure", "#intent", "#round", "#receipt"])
    assert.strictEqual(new Set(anchors).size, anchors.length)
    await page.close()
  })

  it("finds afterAmbiguousAttempt", { timeout: 60_000 }, async () => {
    const { faults, page } = await open("")
    await page.keyboard.press("Control+k")
    await page.locator(".VPLocalSearchBox input").fill("afterAmbiguousAttempt")
    const results = page.locator(".VPLocalSearchBox .result")
    await results.first().waitFor()
    assert.include((await results.allTextContents()).join(), "Errors")
    await results.first().click()
    await page.waitForURL((url) => url.hash !== "" || url.pathname !== base)
    assert.include(await page.locator("main").textContent(), "afterAmbiguousAttempt")
    assert.deepStrictEqual(faults, [])
    await page.close()
  })

  it("follows the system's theme, and remembers the reader's", { timeout: 60_000 }, async () => {
    const { page } = await open("errors", { colorScheme: "dark", viewport: { width: 1440, height: 900 } })
    // It is what the pictures follow, too.
    const scheme = () => page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert.strictEqual(await scheme(), "dark")
    await page.locator(".VPNavBarAppearance button").click()
    assert.strictEqual(await scheme(), "light")
    await page.reload()
    assert.strictEqual(await scheme(), "light")
    await page.close()
  })

  it("copies a block of code", { timeout: 60_000 }, async () => {
    const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] })
    const page = await context.newPage()
    await page.goto(`${origin}${base}`)
    await page.locator("div[class*=language-]").first().hover()
    await page.locator("button.copy").first().click()
    await page.locator("button.copy.copied").waitFor()
    assert.include(await page.evaluate("navigator.clipboard.readText()"), "deleteCustomer(")
    await context.close()
  })
})
