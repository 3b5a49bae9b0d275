import { existsSync, readdirSync, readFileSync } from "node:fs"
import { posix } from "node:path"
import { fileURLToPath } from "node:url"
import { slug } from "github-slugger"
import { type DefaultTheme, defineConfig, type MarkdownOptions } from "vitepress"
import llmstxt from "vitepress-plugin-llms"

const repository = "https://github.com/effect-flowwise/effect-flowwise"
/** Where GitHub Pages serves it. */
const domain = "https://effect-flowwise.github.io"
const base = "/effect-flowwise/"
const description =
  "A client for Effect of one irreversible call: DELETE /customer/{customer_id} of Cashfree's Flowwise Native API."

/** On GitHub, a page links to files beside `docs`; on the site, these links lead to GitHub. */
const linkToRepository: MarkdownOptions["config"] = (markdown) => {
  markdown.core.ruler.push("link-to-repository", ({ env, tokens }) => {
    for (const link of tokens.flatMap((token) => token.children ?? []).filter(({ type }) => type === "link_open")) {
      const href = link.attrGet("href") ?? ""
      const file = posix.join("docs", posix.dirname(env.relativePath), href)
      if (!/^(\w+:|#|\/)/.test(href) && !file.startsWith("docs/"))
        link.attrSet("href", `${repository}/blob/main/${file}`)
    }
  })
}

/** The file's first heading. */
const titleOf = (page: string) =>
  /^# (.*)$/m.exec(readFileSync(fileURLToPath(new URL(`../${page}.md`, import.meta.url)), "utf8"))?.[1]?.replaceAll("`", "")

const section = (text: string, pages: ReadonlyArray<string>, collapsed = false): DefaultTheme.SidebarItem => ({
  text,
  collapsed,
  items: pages.map((page) => ({ text: titleOf(page) ?? page, link: `/${page.replace(/README$/, "")}` }))
})

const decisions = readdirSync(fileURLToPath(new URL("../decisions", import.meta.url)))
  .filter((file) => /^\d/.test(file))
  .map((file) => `decisions/${file.replace(".md", "")}`)
  .sort()

/** TypeDoc writes it, before the site is built. */
const reference = fileURLToPath(new URL("../reference/typedoc-sidebar.json", import.meta.url))

export default defineConfig({
  title: "Effect Flowwise",
  description,
  lang: "en",
  base,
  cleanUrls: true,
  rewrites: { "decisions/README.md": "decisions/index.md" },
  // A link to a heading leads there on GitHub and on the site.
  markdown: { anchor: { slugify: (heading) => slug(heading) }, config: linkToRepository },
  vite: { plugins: [llmstxt({ domain, description, ignoreFiles: ["reference/**"] })] },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    editLink: { pattern: `${repository}/edit/main/docs/:path` },
    socialLinks: [{ icon: "github", link: repository }],
    nav: [
      { text: "Guide", link: "/getting-started" },
      { text: "Reference", link: "/reference/" }
    ],
    sidebar: [
      section("Start", ["getting-started", "errors", "policies", "layers", "testing", "effect-4"]),
      section("Operate", ["bulk-erasure", "durable-erasure", "observability", "security", "reliability", "emulator"]),
      {
        text: "Reference",
        link: "/reference/",
        collapsed: true,
        items: existsSync(reference) ? JSON.parse(readFileSync(reference, "utf8")) : []
      },
      section("Project", ["architecture", "performance"]),
      section("Decisions", ["decisions/README", ...decisions], true)
    ]
  }
})
