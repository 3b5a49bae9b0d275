import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { slug } from "github-slugger"
import { type DefaultTheme, defineConfig } from "vitepress"
import llmstxt from "vitepress-plugin-llms"
import { linkToGlossary, linkToRepository, repository } from "./links.js"

/** Where GitHub Pages serves it. */
const domain = "https://effect-flowwise.github.io"
const base = "/effect-flowwise/"
const description =
  "A client for Effect of one irreversible call: DELETE /customer/{customer_id} of Cashfree's Flowwise Native API."

const read = (page: string) => readFileSync(fileURLToPath(new URL(`../${page}.md`, import.meta.url)), "utf8")

/** The page's first heading. */
const titleOf = (page: string) => /^# (.*)$/m.exec(read(page))?.[1]?.replaceAll("`", "")

/** Its first sentence, as plain text. */
const summaryOf = (page: string) => {
  const paragraph = /^# .*\n\n(.+(?:\n.+)*)/m.exec(read(page))?.[1] ?? ""
  const text = paragraph.replaceAll("\n", " ").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
  return text.replaceAll("**", "").replace(/\.(?: .*|$)/, "")
}

const section = (text: string, pages: ReadonlyArray<string>, collapsed = false): DefaultTheme.SidebarItem => ({
  text,
  collapsed,
  items: pages.map((page) => ({ text: titleOf(page) ?? page, link: `/${page.replace(/README$/, "")}` }))
})

const decisions = readdirSync(fileURLToPath(new URL("../decisions", import.meta.url)))
  .filter((file) => /^\d/.test(file))
  .map((file) => `decisions/${file.replace(".md", "")}`)
  .sort()

const sections = {
  Start: [
    "getting-started",
    "errors",
    "policies",
    "many-customers",
    "layers",
    "testing",
    "frameworks",
    "other-tools",
    "runtimes",
    "effect-4"
  ],
  Operate: ["bulk-erasure", "durable-erasure", "observability", "security", "reliability", "emulator"],
  Project: ["glossary", "agents", "releases", "architecture", "performance"],
  Decisions: ["decisions/README", ...decisions]
}

/** The pages in llms.txt. The plugin reads their descriptions from frontmatter, which GitHub would show as a table. */
const toc = Object.entries(sections)
  .map(([text, pages]) => {
    const url = (page: string) => `${domain}${base}${page.replace("/README", "")}.md`
    const lines = pages.map((page) => `- [${titleOf(page)}](${url(page)}): ${summaryOf(page)}`)
    return [`### ${text}\n`, ...lines].join("\n")
  })
  .join("\n\n")

/** TypeDoc writes its part of the sidebar before the site is built. */
const sidebarFile = fileURLToPath(new URL("../reference/typedoc-sidebar.json", import.meta.url))
const reference = existsSync(sidebarFile) ? readFileSync(sidebarFile, "utf8") : "[]"

export default defineConfig({
  title: "Effect Flowwise",
  description,
  lang: "en",
  base,
  cleanUrls: true,
  // A picture follows the theme that the reader chose, and not that of the system.
  head: [["style", {}, "html:not(.dark) { color-scheme: light }"]],
  // No file of the repository is behind a page of the reference.
  transformPageData: ({ frontmatter, relativePath }) => {
    if (relativePath.startsWith("reference/")) frontmatter.editLink = false
  },
  rewrites: { "decisions/README.md": "decisions/index.md" },
  // A link to a heading leads there on GitHub and on the site.
  markdown: {
    anchor: { slugify: (heading) => slug(heading) },
    config: (markdown) => markdown.use(linkToRepository).use(linkToGlossary)
  },
  // The plugin is typed for another version of vite.
  vite: { plugins: [llmstxt({ domain, description, toc, ignoreFiles: ["reference/**"] }) as never] },
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
      section("Start", sections.Start),
      section("Operate", sections.Operate),
      {
        text: "Reference",
        link: "/reference/",
        collapsed: true,
        items: JSON.parse(reference.replaceAll('"text":"@effect-flowwise/', '"text":"'))
      },
      section("Project", sections.Project),
      section("Decisions", sections.Decisions, true)
    ]
  }
})
