#!/usr/bin/env node
import { runMain } from "./Flowwise.js"

runMain(process.argv)
