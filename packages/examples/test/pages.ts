/** The pages of the documentation, and the modules whose docstrings belong to it. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../..", import.meta.url))

export const read = (file: string): string => readFileSync(join(root, file), "utf8")

/** The files below these folders of the repository, as `docs/errors.md`. */
const filesIn = (folders: ReadonlyArray<string>, extension: string): ReadonlyArray<string> =>
  folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file))
    )
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(extension) && !file.includes("node_modules/"))

const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}`)
const readmes = ["README.md", ...packages.map((folder) => `${folder}/README.md`)]

export const pages = [...readmes.filter((file) => existsSync(join(root, file))), ...filesIn(["docs", ".github"], ".md")]

export const sources = filesIn(
  packages.map((folder) => `${folder}/src`),
  ".ts"
)
