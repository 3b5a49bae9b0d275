/**
 * @since 0.1.0
 */
export { FlowwiseApi } from "./FlowwiseApi.js"
export {
  type EmulatedRequest,
  type EmulatorOptions,
  FlowwiseEmulator,
  type ScriptedResponse
} from "./FlowwiseEmulator.js"
export { FlowwiseTest } from "./FlowwiseTest.js"
