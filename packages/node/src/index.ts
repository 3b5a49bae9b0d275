/**
 * @since 0.1.0
 */
export * as NodeFlowwise from "./NodeFlowwise.js"
