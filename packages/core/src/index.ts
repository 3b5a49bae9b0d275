/** The rules of this one call, without Effect: pure functions over plain data. */
export { type Answer, type Headers, judge, needsBody, type Question } from "./Answer.js"
export { explain, invalidRequest, type Left, timedOut } from "./NoAnswer.js"
export { documented, type ErrorResponse, type Failure, type Outcome, type RequestFailed } from "./Outcome.js"
export { afterStart, afterSuccess, afterThrottling, type Pace, pace, waitForStart } from "./Pace.js"
export { type Backoff, budget, inHindsight, isAmbiguous, isTransient, waitBefore } from "./Policy.js"
export { baseUrlProblem, customerIdProblem, headerProblem, type UrlParts } from "./Request.js"
export { parseRetryAfter } from "./RetryAfter.js"
export { customerIdIn, type Hidden, secretIn, tidy } from "./ServerText.js"
