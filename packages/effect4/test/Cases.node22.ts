import { testContract, testFakeTimers, testFaults, testPolicies } from "@effect-flowwise/core/cases"
import { edition } from "./adapter.js"

testContract(edition)
testFakeTimers(edition)
await testPolicies(edition)
await testFaults(edition)
