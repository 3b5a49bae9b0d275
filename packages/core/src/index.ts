/** The rules of this one call, without Effect: pure functions over plain data. */
export { type Answer, type Headers, judge, needsBody, type Question } from "./Answer.js"
export { makeBodyReader, type Utf8Decoder } from "./Body.js"
export { History } from "./History.js"
export { explain, invalidRequest, type Left, timedOut } from "./NoAnswer.js"
export { deletions, errorTypeOf, requestDuration, spanAttributes, spanName, statusOf } from "./Observed.js"
export {
  documented,
  type ErrorResponse,
  type Failure,
  type Outcome,
  type RequestFailed,
  unauthorizedInDoubt
} from "./Outcome.js"
export {
  afterStart,
  afterSuccess,
  afterThrottling,
  concurrencyProblem,
  type Pace,
  pace,
  rateLimitProblem,
  waitForStart
} from "./Pace.js"
export { type Backoff, budget, inHindsight, isAmbiguous, isTransient, waitBefore } from "./Policy.js"
export {
  baseUrlProblem,
  customerIdProblem,
  environments,
  headerProblem,
  headersOf,
  pathOf,
  type UrlParts
} from "./Request.js"
export { parseRetryAfter } from "./RetryAfter.js"
export { customerIdIn, type Hidden, secretIn, tidy } from "./ServerText.js"
