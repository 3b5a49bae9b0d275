/** Why there is no answer, and whether the request may have reached the server all the same. */
import type { RequestFailed } from "./Outcome.js"

/** Whether any of a request left this machine. `"perhaps"`: the transport can't know, so that the error decides. */
export type Left = "no" | "perhaps" | "yes"

/** Says why there is no answer. Only a short code of the error is kept, since the rest may show headers and the URL. */
export const explain = (error: unknown, left: Left, host: string): RequestFailed => {
  const cause = rootCause(error)
  const { code } = cause
  const suffix = code === "" ? "" : ` (${code})`
  if (left !== "yes" && (INVALID_REQUEST.test(code) || INVALID_REASON.test(text(error, "reason")))) {
    return invalidRequest(`The request can't be sent as it is${suffix}: check the base URL and the credentials`)
  }
  if (left === "no" || (left === "perhaps" && neverConnected(cause))) return notConnected(cause, suffix, host)
  return TIMED_OUT.test(code)
    ? unknown("Timeout", `${host} sent no complete answer in time${suffix}`)
    : unknown("Transport", `The connection to ${host} broke${suffix}`)
}

const notConnected = ({ code, proxy, status }: Cause, suffix: string, host: string): RequestFailed => {
  if (BAD_CERTIFICATE.test(code)) {
    const what = `The certificate of ${proxy ?? host} is not valid${suffix}`
    return unsent("Certificate", what, "Check the base URL, the proxy, and which authorities this machine trusts")
  }
  if (proxy !== undefined) {
    const what = `The proxy ${proxy} opened no tunnel to ${host}${status === undefined ? suffix : `, and answered ${status}`}`
    return unsent("Connection", what, "Check the proxy's address, its credentials and its rules")
  }
  return unsent("Connection", `No connection to ${host}${suffix}`, "Check the base URL and the network, then ask again")
}

const unsent = (reason: RequestFailed["reason"], what: string, advice: string): RequestFailed => ({
  _tag: "RequestFailed",
  message: `${what}: nothing was sent. ${advice}`,
  reason,
  delivered: "no"
})

const unknown = (reason: RequestFailed["reason"], what: string): RequestFailed => ({
  _tag: "RequestFailed",
  message: `${what}: the customer may or may not be deleted. Ask again`,
  reason,
  delivered: "unknown"
})

/** No complete answer before the deadline; `limit` is the time that was given, in words. */
export const timedOut = (host: string, limit: string, left: Left): RequestFailed => {
  const what = `No complete answer from ${host} within ${limit}`
  return left === "no" ? unsent("Timeout", what, "Ask again") : unknown("Timeout", what)
}

/** A request that can't be sent: `problem` says what to correct. */
export const invalidRequest = (problem: string): RequestFailed => ({
  _tag: "RequestFailed",
  message: `${problem}. Nothing was sent`,
  reason: "InvalidRequest",
  delivered: "no"
})

interface Cause {
  /** Empty where there is none that is safe to show. */
  readonly code: string
  readonly message: string
  readonly syscall: string
  /** The proxy that opened no tunnel, and the status of its answer, if there was one. */
  readonly proxy: string | undefined
  readonly status: number | undefined
}

/** The error at the bottom: `fetch` wraps once, the platform once more, and a host of several addresses gathers them. */
const rootCause = (error: unknown, depth = 0): Cause => {
  const inner = property(error, "errors") ?? [property(error, "cause")]
  const next = Array.isArray(inner) ? inner[0] : undefined
  const proxy = text(error, "proxy")
  if (depth < 8 && typeof next === "object" && next !== null && proxy === "") return rootCause(next, depth + 1)
  const status = property(error, "status")
  return {
    code: /^[A-Z][A-Z0-9_]{2,63}$/.exec(text(error, "code"))?.[0] ?? "",
    message: text(error, "message"),
    syscall: text(error, "syscall"),
    proxy: proxy === "" ? undefined : proxy,
    status: typeof status === "number" ? status : undefined
  }
}

const property = (value: unknown, name: string): unknown => {
  try {
    return (value as Record<string, unknown>)[name]
  } catch {
    // Nothing that has properties, or a getter of somebody's own.
    return undefined
  }
}

const text = (value: unknown, name: string): string => {
  const found = property(value, name)
  return typeof found === "string" ? found : ""
}

const INVALID_REQUEST = /^(ERR_INVALID_|ERR_UNESCAPED_|UND_ERR_INVALID_ARG)/
// Of the platform's `RequestError`.
const INVALID_REASON = /^(InvalidUrl|Encode)$/
const TIMED_OUT = /^(UND_ERR_(HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/
const NO_CONNECTION = /^(ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|UND_ERR_CONNECT_TIMEOUT)$/
// Certificates are checked before anything is sent. Other errors of TLS can also come later, so they prove nothing.
const BAD_CERTIFICATE =
  /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/

const neverConnected = ({ code, message, syscall }: Cause): boolean =>
  NO_CONNECTION.test(code) ||
  BAD_CERTIFICATE.test(code) ||
  syscall === "connect" ||
  syscall === "getaddrinfo" ||
  // Its code is that of a broken connection, and only the text tells that TLS had not begun.
  message.startsWith("Client network socket disconnected before secure TLS connection")
