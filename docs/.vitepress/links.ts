/** Links of the site that the pages don't have, or have for GitHub. */
import { readFileSync } from "node:fs"
import { posix } from "node:path"
import { slug } from "github-slugger"
import type { MarkdownRenderer } from "vitepress"

export const repository = "https://github.com/effect-flowwise/effect-flowwise"

/** A link out of `docs` leads to the file on GitHub. */
export const linkToRepository = (markdown: MarkdownRenderer) => {
  markdown.core.ruler.push("link-to-repository", ({ env, tokens }) => {
    for (const link of tokens.flatMap((token) => token.children ?? []).filter(({ type }) => type === "link_open")) {
      const href = link.attrGet("href") ?? ""
      const file = posix.join("docs", posix.dirname(env.relativePath), href)
      if (!/^(\w+:|#|\/)/.test(href) && !file.startsWith("docs/"))
        link.attrSet("href", `${repository}/blob/main/${file}`)
    }
  })
}

const glossary = readFileSync(new URL("../glossary.md", import.meta.url), "utf8")
const terms = new Map(Array.from(glossary.matchAll(/^## (.*)$/gm), ([, term = ""]) => [term.toLowerCase(), slug(term)]))
const anyTerm = new RegExp(`\\b(${[...terms.keys()].join("|")})s?\\b`, "gi")

/** The first use of a term on a page leads to the glossary. */
export const linkToGlossary = (markdown: MarkdownRenderer) => {
  markdown.core.ruler.push("link-to-glossary", ({ Token, env, tokens }) => {
    // A round of the benchmarks is another one.
    if (/^(glossary|performance|reference\/.*)\.md$/.test(env.relativePath)) return
    const linked = new Set<string>()
    const text = (content: string) => Object.assign(new Token("text", "", 0), { content })

    for (const [place, block] of tokens.entries()) {
      if (block.type !== "inline" || /^(heading|th)_open$/.test(tokens[place - 1]?.type ?? "")) continue
      let inLink = false
      block.children = (block.children ?? []).flatMap((child) => {
        if (child.type === "link_open" || child.type === "link_close") inLink = child.type === "link_open"
        if (child.type !== "text" || inLink) return [child]
        const pieces = []
        let end = 0
        for (const { 0: word, 1: term = "", index } of child.content.matchAll(anyTerm)) {
          const anchor = terms.get(term.toLowerCase())
          if (anchor === undefined || linked.has(anchor)) continue
          linked.add(anchor)
          const open = Object.assign(new Token("link_open", "a", 1), { attrs: [["href", `/glossary#${anchor}`]] })
          pieces.push(text(child.content.slice(end, index)), open, text(word), new Token("link_close", "a", -1))
          end = index + word.length
        }
        return [...pieces, text(child.content.slice(end))]
      })
    }
  })
}
