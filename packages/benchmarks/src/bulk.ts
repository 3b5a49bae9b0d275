// Erases customers with the flowwise command, a journal and all, at its own emulator, each a process of its own; prints
// what it took. Without arguments 1,000, 10,000 and 100,000 of them; else as many as the arguments say.
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { text } from "node:stream/consumers"
import { install } from "../../cli/test/Installed.js"
import { machineLine } from "./publish.js"

const CONCURRENCY = 32
/** Makes a process tell at its end how much memory it had at most. */
const TELL_MEMORY =
  "--import=data:text/javascript,process.on('exit',()=>console.error('kilobytes',process.resourceUsage().maxRSS))"

const number = (value: number) => Math.round(value).toLocaleString("en-US")

/** Starts the emulator, and reads the settings that it prints. */
const startEmulator = async (bin: string, customers: string) => {
  const child = spawn(process.execPath, [bin, "emulator", "--customers", customers], {
    stdio: ["ignore", "pipe", "ignore"]
  })
  let printed = ""
  child.stdout.setEncoding("utf8")
  for await (const chunk of child.stdout) {
    printed += chunk
    if (/^FLOWWISE_CLIENT_SECRET=.*\n/m.test(printed)) break
  }
  const settings: Record<string, string> = Object.fromEntries(
    Array.from(printed.matchAll(/^(FLOWWISE_\w+)=(.*)$/gm), ([, name, value]) => [name, value])
  )
  return { child, settings }
}

/** The emulator numbers its requests: one more tells how many there were before. */
const requestsSeen = async (settings: Record<string, string>) => {
  const { headers } = await fetch(`${settings.FLOWWISE_BASE_URL}/customer/nobody`, {
    method: "DELETE",
    headers: {
      "x-client-id": settings.FLOWWISE_CLIENT_ID ?? "",
      "x-client-secret": settings.FLOWWISE_CLIENT_SECRET ?? ""
    }
  })
  return Number(headers.get("x-request-id")?.replace("req_", "")) - 1
}

const stop = async (child: ChildProcess) => {
  child.kill("SIGKILL")
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
}

/** One run, as a row of the table. */
const erase = async (bin: string, folder: string, customers: number) => {
  const file = join(folder, `${customers}.txt`)
  writeFileSync(file, Array.from({ length: customers }, (_, index) => `cust_${index + 1}\n`).join(""))
  const emulator = await startEmulator(bin, file)
  try {
    const journal = join(folder, `${customers}.journal`)
    const args = ["delete", "--file", file, "--journal", journal, "--concurrency", String(CONCURRENCY)]
    const start = performance.now()
    const child = spawn(process.execPath, [bin, ...args], {
      env: { PATH: process.env.PATH, ...emulator.settings, NODE_OPTIONS: TELL_MEMORY },
      stdio: ["ignore", "ignore", "pipe"]
    })
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")])
    const seconds = (performance.now() - start) / 1000
    if (code !== 0) throw new Error(`flowwise delete ended with ${code}: ${said}`)
    const kilobytes = Number(/^kilobytes (\d+)$/m.exec(said)?.[1])
    const requests = await requestsSeen(emulator.settings)
    return [customers, seconds, customers / seconds, requests, kilobytes / 1024]
  } finally {
    await stop(emulator.child)
  }
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 10_000, 100_000]
const { bin, folder, remove } = await install()
try {
  console.log(`${machineLine()}\n`)
  console.log("| customers | seconds | a second | requests | peak RSS, MiB |\n| ---: | ---: | ---: | ---: | ---: |")
  for (const size of sizes) {
    const row = await erase(bin, folder, size)
    console.log(`| ${row.map(number).join(" | ")} |`)
  }
} finally {
  remove()
}
