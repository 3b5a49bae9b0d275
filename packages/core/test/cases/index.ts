/** What both editions of the client must do: the same cases, run by an adapter of each. For this repository alone. */
export { makeCertificates } from "./certificates.js"
export { BROKEN, clientId, documented, type Fault, type Outcome, secret, summary } from "./Fault.js"
export { type Call, type Policy, policies } from "./policies.js"
export { type Answer, ENDLESS, http, json, listen } from "./RawServer.js"
export {
  type Edition,
  type Ended,
  excuse,
  faults,
  makeWorld,
  report,
  type TransportName,
  transportNames,
  wrongs
} from "./run.js"
export { runPolicy } from "./runPolicy.js"
