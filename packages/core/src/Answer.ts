/** What an answer means. Only a 204 is a deletion, and only the vendor's own words make a documented error. */
import { documented, type ErrorResponse, type Failure, type Outcome } from "./Outcome.js"
import { parseRetryAfter } from "./RetryAfter.js"
import { customerIdIn, type Hidden, tidy } from "./ServerText.js"

/** What was asked: for whom, of which host, and with which secret, made by `secretIn`. */
export type Question = { readonly customerId: string; readonly host: string; readonly secret: Hidden }

/** Lower-case names. A header that came more than once has all its values, in a list or joined by `", "`. */
export type Headers = { readonly [name: string]: string | ReadonlyArray<string> | undefined }

/** `body` is `undefined` where it was not read, broke off, or is not UTF-8; not `complete` where we stopped at 64 KiB. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly text: string; readonly complete: boolean } | undefined
}

/** Whether to read the body. A compressed one, which nobody asked for, proves nothing and may be huge. */
export const needsBody = (status: number, headers: Headers): boolean =>
  status !== 204 &&
  status !== 429 &&
  /^\s*(identity)?\s*$/i.test(header(headers, "content-encoding") ?? "") &&
  /^\s*(chunked|identity)?\s*$/i.test(header(headers, "transfer-encoding") ?? "")

/** What an answer means for the customer. `now` is in milliseconds since 1970, for a `retry-after` that is a date. */
export const judge = (question: Question, answer: Answer, now: number): Outcome => {
  const { body, headers, status } = answer
  const sentId = header(headers, "x-request-id")
  const requestId = sentId && tidy(sentId, question.secret)
  if (status === 204) return requestId ? { _tag: "CustomerDeleted", requestId } : { _tag: "CustomerDeleted" }
  const answered = requestId ? { requestId } : {}
  const millis = parseRetryAfter(header(headers, "retry-after"), now)
  const waits = millis === undefined ? {} : { retryAfter: { _tag: "Millis", millis } as const }
  if (status === 429) {
    const message = "Too many requests: nothing was deleted. Send fewer, or wait before the next one"
    return { _tag: "RateLimited", message, ...waits, ...answered }
  }
  const vendor = body?.complete === true ? parseErrorResponse(body.text) : undefined
  const documentedOne = vendor && documentedError(question, status, vendor, answered)
  return (
    documentedOne ?? {
      _tag: "UnexpectedResponse",
      message: `${question.host} answered ${status}${meaning(status)}`,
      status: Number.isSafeInteger(status) && status > 0 ? status : 0,
      ...(vendor && { error: tidied(vendor, question.secret) }),
      body: tidy(body?.text ?? "", question.secret),
      ...waits,
      ...answered
    }
  )
}

const tidied = ({ code, message, type }: ErrorResponse, secret: Hidden): ErrorResponse => ({
  message: tidy(message, secret),
  code: tidy(code, secret),
  type: tidy(type, secret)
})

const header = (headers: Headers, name: string): string | undefined => {
  const value = headers[name]
  return value === undefined || typeof value === "string" ? value : [value].flat().join(", ")
}

const parseErrorResponse = (text: string): ErrorResponse | undefined => {
  try {
    const { code, message, type } = JSON.parse(text)
    return [code, message, type].every((field) => typeof field === "string") ? { message, code, type } : undefined
  } catch {
    return undefined
  }
}

const documentedError = (
  { customerId, secret }: Question,
  status: number,
  vendor: ErrorResponse,
  answered: { readonly requestId?: string }
): Failure | undefined => {
  const page: ErrorResponse | undefined = documented[status as keyof typeof documented]
  if (vendor.code !== page?.code && vendor.type !== page?.type) return undefined
  const fields = {
    ...tidied(vendor, secret),
    message: tidy(vendor.message, secret, customerIdIn(customerId, vendor.message)),
    ...answered
  }
  switch (status) {
    case 400:
      return { _tag: "InvalidCustomerId", customerId, rejectedBy: "server", ...fields }
    case 401:
      return { _tag: "Unauthorized", ...fields }
    case 404:
      return { _tag: "CustomerNotFound", customerId, afterAmbiguousAttempt: false, ...fields }
    default:
      return { _tag: "DeletionFailed", customerId, ...fields }
  }
}

/** What an answer that is not documented most likely means, and what to do about it. */
const meaning = (status: number): string => {
  if (status in documented) {
    return ", but not in the vendor's documented words: a proxy or a wrong base URL is likely. Look at the body, and check the base URL"
  }
  if (status >= 200 && status < 300) {
    return ", and only 204 confirms a deletion: the customer may or may not be deleted. Ask again; a 404 then means gone"
  }
  if (status === 0 || (status >= 300 && status < 400)) {
    return ", a redirect, which is never followed, since it would take the secret along. Check the base URL"
  }
  if (status === 403 || status === 407) {
    return ": access is refused. Check the account's permissions, its allowed addresses, and the proxy"
  }
  if (status === 408 || status === 425 || status >= 500) {
    return ": it can't answer now. The customer may or may not be deleted; ask again later"
  }
  return ", which is not documented for this operation. Look at the body, and check the base URL"
}
