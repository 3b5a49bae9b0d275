import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("..", import.meta.url))

/** The packages that are published: folder and manifest of each. */
export const published = readdirSync(join(root, "packages"))
  .map((name) => join(root, "packages", name))
  .filter((folder) => existsSync(join(folder, "package.json")))
  .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) }))
  .filter(({ manifest }) => !manifest.private)

/** What can be imported, and is no command alone. */
export const isLibrary = ({ manifest }) => manifest.publishConfig.exports["."] !== undefined

/** Runs a program to its end and gives what it printed; ends this process where it exits with another status. */
export const run = (command, args, { status: expected = 0, ...options } = {}) => {
  const { error, status, stderr, stdout } = spawnSync(command, args, { cwd: root, encoding: "utf8", ...options })
  if (status !== expected) {
    console.error(`FAILED: ${[command, ...args].join(" ")}\n${error ?? ""}${stdout}${stderr}`)
    process.exit(1)
  }
  return stdout
}
