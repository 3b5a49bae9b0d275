#!/usr/bin/env node
import { keepSmall } from "./Memory.js"

keepSmall()
const { runMain } = await import("./Flowwise.js")
runMain(process.argv)
