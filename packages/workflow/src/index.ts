/**
 * Durable erasure on Effect's workflow engine.
 *
 * @since 0.1.0
 * @module
 */

export * as EraseCustomer from "./EraseCustomer.js"
export {
  Approval,
  EngineFailed,
  ErasureAttempt,
  ErasureFailed,
  ErasureIdTaken,
  ErasureOutcome,
  ErasureWaiting,
  InvalidErasure,
  StorageUnavailable
} from "./Erasure.js"
export * as ErasureStorage from "./ErasureStorage.js"
export * as SqliteEngine from "./SqliteEngine.js"
