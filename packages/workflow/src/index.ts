/**
 * @since 0.1.0
 */
export * as EraseCustomer from "./EraseCustomer.js"
export {
  Approval,
  ErasureAttempt,
  ErasureFailed,
  ErasureOutcome,
  ErasureWaiting,
  InvalidErasure,
  RequestIdTaken
} from "./Erasure.js"
