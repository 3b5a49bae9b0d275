/** The pages of the documentation, and the modules whose docstrings belong to it. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../..", import.meta.url))

export const read = (file: string): string => readFileSync(join(root, file), "utf8")

/** All files of the repository, as `docs/errors.md`, without what a build writes. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root })
  .toString()
  .split("\n")
  .filter((file) => existsSync(join(root, file)))

export const pages = files.filter((file) => /\.md$/.test(file) && !/^\.changeset\/|CHANGELOG\.md$/.test(file))

export const sources = files.filter((file) => /^packages\/\w+\/src\/.*\.ts$/.test(file))
