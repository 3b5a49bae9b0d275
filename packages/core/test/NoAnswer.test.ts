import { explain, invalidRequest, type Left, type RequestFailed, timedOut } from "@effect-flowwise/core"
import { assert, describe, it } from "vitest"

const host = "api.example.com"

const failed = (
  reason: RequestFailed["reason"],
  delivered: RequestFailed["delivered"],
  message: string
): RequestFailed => ({
  _tag: "RequestFailed",
  message,
  reason,
  delivered
})
const connection = (suffix = "") =>
  failed(
    "Connection",
    "no",
    `No connection to ${host}${suffix}: nothing was sent. Check the base URL and the network, then ask again`
  )
const certificate = (code: string, of = host) =>
  failed(
    "Certificate",
    "no",
    `The certificate of ${of} is not valid (${code}): nothing was sent. Check the base URL, the proxy, and which authorities this machine trusts`
  )
const tunnel = (what: string) =>
  failed(
    "Connection",
    "no",
    `The proxy proxy:3128 opened no tunnel to ${host}${what}: nothing was sent. Check the proxy's address, its credentials and its rules`
  )
const invalid = (suffix = "") =>
  failed(
    "InvalidRequest",
    "no",
    `The request can't be sent as it is${suffix}: check the base URL and the credentials. Nothing was sent`
  )
const broke = (suffix = "") =>
  failed(
    "Transport",
    "unknown",
    `The connection to ${host} broke${suffix}: the customer may or may not be deleted. Ask again`
  )
const tooLate = (code: string) =>
  failed(
    "Timeout",
    "unknown",
    `${host} sent no complete answer in time (${code}): the customer may or may not be deleted. Ask again`
  )

const coded = (code: string) => Object.assign(new Error("secret words"), { code })

const invalidRequests = ["ERR_INVALID_URL", "ERR_INVALID_CHAR", "ERR_UNESCAPED_CHARACTERS", "UND_ERR_INVALID_ARG"]
const noConnections = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "UND_ERR_CONNECT_TIMEOUT"]
const badCertificates = [
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE"
]
const timeouts = ["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "ETIMEDOUT"]
const others = [
  "ECONNRESET",
  "EPIPE",
  "UND_ERR_SOCKET",
  "UND_ERR_RESPONSE",
  "HPE_INVALID_CONSTANT",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "EPROTO",
  // Not quite any of those above.
  "ECONNREFUSED_2",
  "XENOTFOUND",
  "XETIMEDOUT",
  "ETIMEDOUT_2",
  "X_CERT_HAS_EXPIRED",
  "UNABLE_TO_CONNECT",
  "INVALID_STATE",
  "X_ERR_INVALID_URL"
]

describe.each<Left>(["no", "perhaps", "yes"])("no answer, and whether anything left: %s", (left) => {
  it.each(invalidRequests)("%s", (code) => {
    assert.deepStrictEqual(
      explain(coded(code), left, host),
      left === "yes" ? broke(` (${code})`) : invalid(` (${code})`)
    )
  })

  it.each(noConnections)("%s", (code) => {
    const outcome = left === "yes" ? broke(` (${code})`) : connection(` (${code})`)
    assert.deepStrictEqual(explain(coded(code), left, host), outcome)
  })

  it.each(badCertificates)("%s", (code) => {
    assert.deepStrictEqual(explain(coded(code), left, host), left === "yes" ? broke(` (${code})`) : certificate(code))
  })

  it.each(timeouts)("%s", (code) => {
    assert.deepStrictEqual(explain(coded(code), left, host), left === "no" ? connection(` (${code})`) : tooLate(code))
  })

  it.each(others)("%s", (code) => {
    const outcome = left === "no" ? connection(` (${code})`) : broke(` (${code})`)
    assert.deepStrictEqual(explain(coded(code), left, host), outcome)
  })

  it.each(["connect", "getaddrinfo"])("a system call %s", (syscall) => {
    const error = Object.assign(coded("ETIMEDOUT"), { syscall })
    assert.deepStrictEqual(
      explain(error, left, host),
      left === "yes" ? tooLate("ETIMEDOUT") : connection(" (ETIMEDOUT)")
    )
  })

  it("a system call that came later", () => {
    const error = Object.assign(coded("ECONNRESET"), { syscall: "read" })
    const outcome = left === "no" ? connection(" (ECONNRESET)") : broke(" (ECONNRESET)")
    assert.deepStrictEqual(explain(error, left, host), outcome)
  })

  it("a socket that closed before TLS", () => {
    const before = "Client network socket disconnected before secure TLS connection was established"
    const error = Object.assign(new Error(before), { code: "ECONNRESET" })
    const outcome = left === "yes" ? broke(" (ECONNRESET)") : connection(" (ECONNRESET)")
    assert.deepStrictEqual(explain(error, left, host), outcome)
    const quoted = Object.assign(new Error(`Not: ${before}`), { code: "ECONNRESET" })
    const unclear = left === "no" ? connection(" (ECONNRESET)") : broke(" (ECONNRESET)")
    assert.deepStrictEqual(explain(quoted, left, host), unclear)
  })

  it.each(["InvalidUrl", "Encode"])("the platform's reason %s", (reason) => {
    assert.deepStrictEqual(explain({ _tag: "RequestError", reason }, left, host), left === "yes" ? broke() : invalid())
  })

  it.each(["Transport", "Decode", "InvalidUrls", "XEncode"])("the platform's reason %s", (reason) => {
    assert.deepStrictEqual(explain({ reason }, left, host), left === "no" ? connection() : broke())
  })

  it.each([undefined, null, "ECONNREFUSED", 5, {}, new Error("secret words")])("%s", (error) => {
    assert.deepStrictEqual(explain(error, left, host), left === "no" ? connection() : broke())
  })
})

describe("a proxy that opened no tunnel", () => {
  it("is named, with its status", () => {
    const error = Object.assign(coded("ERR_PROXY_TUNNEL"), { proxy: "proxy:3128", status: 407 })
    assert.deepStrictEqual(explain(error, "no", host), tunnel(", and answered 407"))
  })

  it("is named, with a code where it answered nothing", () => {
    const error = Object.assign(coded("ECONNREFUSED"), { proxy: "proxy:3128" })
    assert.deepStrictEqual(explain(error, "no", host), tunnel(" (ECONNREFUSED)"))
    assert.deepStrictEqual(explain({ proxy: "proxy:3128", status: "407" }, "no", host), tunnel(""))
  })

  it("may have a bad certificate itself", () => {
    const error = Object.assign(coded("CERT_HAS_EXPIRED"), { proxy: "proxy:3128" })
    assert.deepStrictEqual(explain(error, "no", host), certificate("CERT_HAS_EXPIRED", "proxy:3128"))
  })

  it("is found within other errors, and is not looked into", () => {
    const error = { cause: { proxy: "proxy:3128", status: 503, cause: coded("ECONNRESET") } }
    assert.deepStrictEqual(explain(error, "no", host), tunnel(", and answered 503"))
  })
})

describe("the cause", () => {
  const nested = (depth: number): unknown => (depth === 0 ? coded("ECONNREFUSED") : { cause: nested(depth - 1) })

  it("is the innermost one", () => {
    assert.deepStrictEqual(
      explain({ code: "EPIPE", cause: coded("ECONNREFUSED") }, "perhaps", host),
      connection(" (ECONNREFUSED)")
    )
    assert.deepStrictEqual(explain(nested(8), "perhaps", host), connection(" (ECONNREFUSED)"))
  })

  it("is not looked for without end", () => {
    const endless: { cause?: unknown } = {}
    endless.cause = endless
    assert.deepStrictEqual(explain(endless, "yes", host), broke())
    assert.deepStrictEqual(explain(nested(9), "perhaps", host), broke())
  })

  it("is the first of several", () => {
    const error = new AggregateError([coded("ECONNREFUSED"), coded("EPIPE")])
    assert.deepStrictEqual(explain({ cause: error }, "perhaps", host), connection(" (ECONNREFUSED)"))
    assert.deepStrictEqual(
      explain(Object.assign(new AggregateError([]), { code: "EPIPE" }), "yes", host),
      broke(" (EPIPE)")
    )
  })

  it.each([null, "ENOTFOUND", 5, undefined])("is the error itself where its cause is %s", (cause) => {
    assert.deepStrictEqual(explain({ code: "EPIPE", cause }, "yes", host), broke(" (EPIPE)"))
  })

  it.each(["", "EX", "econnreset", "E CONN", "ECONN\n", "1ABC", "ABC-D", "A".repeat(65), 5])(
    "shows no code %j",
    (code) => {
      assert.deepStrictEqual(explain({ code }, "yes", host), broke())
    }
  )

  it.each(["EXX", "E2_", "A".repeat(64)])("shows the code %j", (code) => {
    assert.deepStrictEqual(explain({ code }, "yes", host), broke(` (${code})`))
  })
})

describe("a time-out", () => {
  it.each<[Left, "no" | "unknown", string]>([
    ["no", "no", "nothing was sent"],
    ["perhaps", "unknown", "the customer may or may not be deleted"],
    ["yes", "unknown", "the customer may or may not be deleted"]
  ])("where %s left is delivered %s", (left, delivered, what) => {
    assert.deepStrictEqual(
      timedOut(host, "30s", left),
      failed("Timeout", delivered, `No complete answer from ${host} within 30s: ${what}. Ask again`)
    )
  })
})

describe("a request that can't be sent", () => {
  it("says what to correct", () => {
    assert.deepStrictEqual(
      invalidRequest("The timeout must be above 0"),
      failed("InvalidRequest", "no", "The timeout must be above 0. Nothing was sent")
    )
  })
})
