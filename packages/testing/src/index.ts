/**
 * @since 0.1.0
 */

export type { ScriptedResponse } from "./EmulatorScript.js"
export { FlowwiseApi } from "./FlowwiseApi.js"
export {
  type EmulatedRequest,
  type EmulatorOptions,
  FlowwiseEmulator
} from "./FlowwiseEmulator.js"
export { type ChaosRates, type FakeRequest, FlowwiseTest } from "./FlowwiseTest.js"
export { InvalidScript, type ScriptOptions } from "./Script.js"
