import { oneOfEach, testContract, testFakeTimers, testFaults, testPolicies } from "@effect-flowwise/core/cases"
import { edition } from "./edition.js"

testContract(edition)
testFakeTimers(edition)
await testPolicies(edition)
// `Faults.soak.test.ts` has all rows.
await testFaults(edition, oneOfEach)
