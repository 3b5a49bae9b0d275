export * as NodeFlowwise from "./NodeFlowwise.js"
