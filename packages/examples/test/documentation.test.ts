import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import ts from "typescript"
import { assert, describe, it } from "vitest"
import { pages, read, root, sources } from "./pages.js"

const examples = join(root, "packages/examples")
/** Where the modules of Effect 4 are. */
const effect4 = join(root, "packages/effect4")
/** Where other people's frameworks and tools are, and the files that a page shows. */
const integrations = join(root, "packages/integrations/src")

/** The folder whose modules a block can import. */
const homeOf = ({ code }: Block): string => {
  if (code.includes('"@effect-flowwise/effect4')) return effect4
  return /"(\.\/|express|fastify|@nestjs\/|@opentelemetry\/instrumentation|undici)/.test(code) ? integrations : examples
}

interface Block {
  readonly file: string
  /** Of the opening fence, counted from 1. */
  readonly line: number
  readonly code: string
}

/** Every fenced `ts` block of a page, or of the docstrings of a module. */
const blocksOf = (file: string, text: string): ReadonlyArray<Block> => {
  const margin = file.endsWith(".ts") ? "[ \\t]*\\*[ \\t]?" : "[ \\t]*"
  const atMargin = new RegExp(`^${margin}`)
  const fenced = new RegExp(`^${margin}\`\`\`(?:ts|typescript)\\b.*\\r?\\n([^]*?)^${margin}\`\`\``, "gm")
  return Array.from(text.matchAll(fenced), (match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length,
    // A line that has slipped out of its docstring must not compile.
    code: (match[1] ?? "").replaceAll(/.+/g, (line) => (atMargin.test(line) ? line.replace(atMargin, "") : "@@"))
  }))
}

/** What no block changes, parsed once for all programs. */
const parsed = new Map<string, ts.SourceFile | undefined>()

/** Type-checks all blocks in one program, each as a module of the package that has its Effect; nothing is written. */
const failuresOf = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> => {
  const { config } = ts.readConfigFile(join(examples, "tsconfig.json"), ts.sys.readFile)
  const options = {
    ...ts.parseJsonConfigFileContent(config, ts.sys, examples).options,
    noUnusedLocals: false,
    experimentalDecorators: true // for NestJS
  }
  const virtual = new Map(
    blocks.map((block, index) => [join(homeOf(block), `block-${index}.ts`).replaceAll("\\", "/"), block])
  )
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile, readFile } = host
  host.fileExists = (file) => virtual.has(file) || fileExists(file)
  host.readFile = (file) => virtual.get(file)?.code ?? readFile(file)
  host.getSourceFile = (file, ...rest) => {
    if (virtual.has(file)) return getSourceFile(file, ...rest)
    if (!parsed.has(file)) parsed.set(file, getSourceFile(file, ...rest))
    return parsed.get(file)
  }
  const program = ts.createProgram([...virtual.keys()], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText, start }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, "\n")
    const block = file && virtual.get(file.fileName)
    if (file === undefined || block === undefined) return `${file?.fileName ?? "program"} ${message}`
    return `${block.file}:${block.line + 1 + file.getLineAndCharacterOfPosition(start ?? 0).line} ${message}`
  })
}

/** Relative links that lead to no file. */
const deadLinksOf = (file: string, text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)/g), ([, link = ""]) => link)
    .filter((link) => !existsSync(resolve(root, dirname(file), decodeURIComponent(link))))
    .map((link) => `${file} links to ${link}`)

describe("documentation", () => {
  it("every ts block of the pages and the docstrings compiles", { timeout: 180_000 }, () => {
    const blocks = [...pages, ...sources].flatMap((file) => blocksOf(file, read(file)))
    assert.isNotEmpty(blocks)
    assert.deepStrictEqual(failuresOf(blocks), [])
  })

  it("every relative link of the pages leads to a file", () => {
    assert.deepStrictEqual(
      pages.flatMap((file) => deadLinksOf(file, read(file))),
      []
    )
  })

  it("a block that does not compile is reported at its line of the page", { timeout: 180_000 }, () => {
    const page = ["# Page", "", "```ts", "const fine = 1", "const wrong: string = fine", "```", ""].join("\n")
    const docstring = ["/**", " * ```ts", ' * export { gone } from "@effect-flowwise/client"', " * ```", " */"].join(
      "\n"
    )
    const failures = failuresOf([...blocksOf("docs/page.md", page), ...blocksOf("src/Module.ts", docstring)])
    assert.deepStrictEqual(
      failures.map((failure) => failure.split(" ")[0]),
      ["docs/page.md:5", "src/Module.ts:3"]
    )
  })

  it("a link to a file that does not exist is reported", () => {
    const page = "[a](https://example.com) [b](#here) [c](../packages) [d](./gone.md#section)"
    assert.deepStrictEqual(deadLinksOf("docs/page.md", page), ["docs/page.md links to ./gone.md"])
  })
})
