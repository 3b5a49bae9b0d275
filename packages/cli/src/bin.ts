#!/usr/bin/env node
import { keepSmall } from "./Memory.js"
import { version } from "./Version.js"

const args = process.argv.slice(2)
if (args.length === 1 && args[0] === "--version") {
  // Before the parser is loaded, since scripts ask this of a command often.
  console.log(version)
} else {
  await keepSmall()
  const { runMain } = await import("./Flowwise.js")
  runMain(args)
}
