export { type ChaosRates, type FakeRequest, FlowwiseTest } from "./FlowwiseTest.js"
export { InvalidScript, type ScriptOptions } from "./Script.js"
