// Effect 3 has no such module. Node's error then names this file, and with it the package to install.
import "effect/Result"

export { type ChaosRates, type FakeRequest, FlowwiseTest } from "../../FlowwiseTest.js"
export { InvalidScript, type ScriptOptions } from "../../Script.js"
