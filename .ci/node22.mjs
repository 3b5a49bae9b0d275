// Runs Node with the given arguments: this one where it is new enough for Effect 4, else the one of npm's `node` package.
import { spawnSync } from "node:child_process"

const VERSION = "22.23.3"
const [major, minor] = process.versions.node.split(".").map(Number)
const args = process.argv.slice(2)
const isEnough = major > 22 || (major === 22 && minor >= 19)
const [command, before] = isEnough ? [process.execPath, []] : ["npx", ["--yes", `node@${VERSION}`]]
const { status } = spawnSync(command, [...before, ...args], {
  stdio: "inherit",
  shell: command === "npx" && process.platform === "win32"
})
process.exit(status ?? 1)
