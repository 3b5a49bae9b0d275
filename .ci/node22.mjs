// Runs Node with the given arguments: this one where it is new enough for Effect 4, else one of npm's.
import { spawnSync } from "node:child_process"
import { nodeOf, nodeVersions } from "./nodes.mjs"

const [major, minor] = process.versions.node.split(".").map(Number)
const isEnough = major > 22 || (major === 22 && minor >= 19)
const node = isEnough ? process.execPath : nodeOf(nodeVersions.find((version) => version.startsWith("22.")))
if (node === undefined) throw new Error("npm has no Node 22 for this platform: install it by hand")
const { status } = spawnSync(node, process.argv.slice(2), { stdio: "inherit" })
process.exit(status ?? 1)
