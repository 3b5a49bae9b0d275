import {
  type Answer,
  documented,
  type Headers,
  judge,
  needsBody,
  type Outcome,
  type Question,
  secretIn
} from "@effect-flowwise/core"
import { assert, describe, it } from "vitest"

const SECRET = "s3cret-0123456789"
const now = Date.UTC(2026, 0, 31, 10)
const question: Question = { customerId: "cust_1", host: "api.example.com", secret: secretIn(SECRET) }

const answered = (status: number, body?: unknown, headers: Headers = {}): Answer => ({
  status,
  headers,
  body:
    body === undefined ? undefined : { text: typeof body === "string" ? body : JSON.stringify(body), complete: true }
})
const outcome = (...answer: Parameters<typeof answered>): Outcome => judge(question, answered(...answer), now)

const page = (status: keyof typeof documented) => documented[status]
const statuses = [400, 401, 404, 500] as const
const own = {
  400: { _tag: "InvalidCustomerId", customerId: "cust_1", rejectedBy: "server" },
  401: { _tag: "Unauthorized" },
  404: { _tag: "CustomerNotFound", customerId: "cust_1", afterAmbiguousAttempt: false },
  500: { _tag: "DeletionFailed", customerId: "cust_1" }
} as const

const UNDOCUMENTED_WORDS =
  ", but not in the vendor's documented words: a proxy or a wrong base URL is likely. Look at the body, and check the base URL"
const NO_204 =
  ", and only 204 confirms a deletion: the customer may or may not be deleted. Ask again; a 404 then means gone"
const REDIRECT = ", a redirect, which is never followed, since it would take the secret along. Check the base URL"
const REFUSED = ": access is refused. Check the account's permissions, its allowed addresses, and the proxy"
const UNABLE = ": it can't answer now. The customer may or may not be deleted; ask again later"
const OTHER = ", which is not documented for this operation. Look at the body, and check the base URL"
const TOO_MANY = "Too many requests: nothing was deleted. Send fewer, or wait before the next one"

const unexpected = (status: number, meaning: string, body = ""): Extract<Outcome, { _tag: "UnexpectedResponse" }> => ({
  _tag: "UnexpectedResponse",
  message: `api.example.com answered ${status}${meaning}`,
  status,
  body
})

const html = "<html><h1>404 Not Found</h1></html>"

describe("a deletion", () => {
  it.each<[string, unknown, Headers]>([
    ["nothing else", undefined, {}],
    ["a body", "deleted", {}],
    ["an error's body", page(404), {}],
    ["a retry-after", undefined, { "retry-after": "5" }],
    ["an encoded body", "\u001f", { "content-encoding": "gzip" }]
  ])("is a 204 with %s", (_, body, headers) => {
    assert.deepStrictEqual(outcome(204, body, headers), { _tag: "CustomerDeleted" })
  })

  it.each([0, 100, 101, 103, 200, 201, 202, 203, 205, 206, 207, 226, 299, 304])("is no %d", (status) => {
    assert.strictEqual(outcome(status)._tag, "UnexpectedResponse")
  })

  it("keeps the request id", () => {
    assert.deepStrictEqual(outcome(204, undefined, { "x-request-id": "req_1" }), {
      _tag: "CustomerDeleted",
      requestId: "req_1"
    })
  })
})

describe("a documented error", () => {
  it("is what the vendor's page says", () => {
    assert.deepStrictEqual(documented, {
      400: { message: "Invalid customer ID format provided", code: "invalid_customer_id", type: "validation_error" },
      401: { message: "Invalid API credentials provided", code: "unauthorized", type: "authentication_error" },
      404: {
        message: "Customer not found with the provided customer ID",
        code: "customer_not_found",
        type: "resource_error"
      },
      500: { message: "Customer deletion failed due to server error", code: "deletion_failed", type: "server_error" }
    })
  })

  describe.each(statuses)("of %d", (status) => {
    const { code, type } = page(status)

    it.each([
      ["code and type", { message: "m", code, type }],
      ["the code alone", { message: "m", code, type: "another_error" }],
      ["the type alone", { message: "m", code: "another_code", type }],
      ["an empty message", { message: "", code, type }]
    ])("by %s", (_, body) => {
      assert.deepStrictEqual(outcome(status, body), { ...own[status], ...body })
    })

    it.each<[string, Headers]>([
      ["no content type", {}],
      ["another content type", { "content-type": "text/html" }],
      ["a content type twice", { "content-type": ["application/json", "text/html"] }]
    ])("with %s, more fields and white space", (_, headers) => {
      const body = ` ${JSON.stringify({ ...page(status), help: "https://example.com", more: [1] }, undefined, 2)}\r\n`
      assert.deepStrictEqual(outcome(status, body, headers), { ...own[status], ...page(status) })
    })

    it("keeps the request id, and no retry-after", () => {
      assert.deepStrictEqual(outcome(status, page(status), { "x-request-id": "req_1", "retry-after": "5" }), {
        ...own[status],
        ...page(status),
        requestId: "req_1"
      })
    })

    it.each<[string, string]>([
      ["an empty body", ""],
      ["text", "Not Found"],
      ["HTML", html],
      ["HTML around JSON", `<pre>${JSON.stringify(page(status))}</pre>`],
      ["JSON that is cut", JSON.stringify(page(status)).slice(0, -1)],
      ["JSON twice", JSON.stringify(page(status)).repeat(2)],
      ["null", "null"],
      ["a number", "404"],
      ["a string", JSON.stringify(code)],
      ["an array", JSON.stringify([page(status)])],
      ["JSON in a field", JSON.stringify({ error: page(status) })],
      ["no message", JSON.stringify({ code, type })],
      ["no code", JSON.stringify({ message: "m", type })],
      ["no type", JSON.stringify({ message: "m", code })],
      ["a message that is no string", JSON.stringify({ message: null, code, type })],
      ["a code that is no string", JSON.stringify({ message: "m", code: status, type })],
      ["a type that is no string", JSON.stringify({ message: "m", code, type: [type] })],
      ["the fields in __proto__", `{"__proto__":${JSON.stringify(page(status))}}`],
      ["the fields in constructor", `{"constructor":${JSON.stringify(page(status))}}`]
    ])("is none with %s", (_, body) => {
      assert.deepStrictEqual(outcome(status, body), unexpected(status, UNDOCUMENTED_WORDS, body))
    })

    it.each([
      ["other words", { message: "m", code: "not_found", type: "error" }],
      ["other case", { message: "m", code: code.toUpperCase(), type: type.toUpperCase() }],
      ["code and type changed about", { message: "m", code: type, type: code }],
      ["words of another status", page(status === 404 ? 400 : 404)],
      ["no words", { message: "", code: "", type: "" }]
    ])("is none in %s, which are kept", (_, body) => {
      assert.deepStrictEqual(outcome(status, body), {
        ...unexpected(status, UNDOCUMENTED_WORDS, JSON.stringify(body)),
        error: body
      })
    })

    it("is none where the body was cut off, or not read", () => {
      const text = JSON.stringify(page(status))
      const cut = judge(question, { status, headers: {}, body: { text, complete: false } }, now)
      assert.deepStrictEqual(cut, unexpected(status, UNDOCUMENTED_WORDS, text))
      assert.deepStrictEqual(outcome(status), unexpected(status, UNDOCUMENTED_WORDS))
    })
  })

  it.each([200, 301, 402, 403, 405, 409, 410, 422, 501, 503])("is no %d in a documented error's words", (status) => {
    const { error, _tag } = { error: undefined, ...outcome(status, page(404)) }
    assert.deepStrictEqual({ error, _tag }, { error: page(404), _tag: "UnexpectedResponse" })
  })

  it("is none where brackets go 100,000 deep", () => {
    const body = "[".repeat(100_000)
    assert.deepStrictEqual(outcome(404, body), unexpected(404, UNDOCUMENTED_WORDS, body.slice(0, 1024)))
  })
})

describe("an answer that is not documented", () => {
  it.each<[number, string]>([
    [0, REDIRECT],
    [100, OTHER],
    [101, OTHER],
    [199, OTHER],
    [200, NO_204],
    [201, NO_204],
    [202, NO_204],
    [203, NO_204],
    [205, NO_204],
    [206, NO_204],
    [299, NO_204],
    [300, REDIRECT],
    [301, REDIRECT],
    [302, REDIRECT],
    [303, REDIRECT],
    [304, REDIRECT],
    [307, REDIRECT],
    [308, REDIRECT],
    [399, REDIRECT],
    [400, UNDOCUMENTED_WORDS],
    [401, UNDOCUMENTED_WORDS],
    [402, OTHER],
    [403, REFUSED],
    [404, UNDOCUMENTED_WORDS],
    [405, OTHER],
    [406, OTHER],
    [407, REFUSED],
    [408, UNABLE],
    [409, OTHER],
    [410, OTHER],
    [413, OTHER],
    [422, OTHER],
    [424, OTHER],
    [425, UNABLE],
    [426, OTHER],
    [431, OTHER],
    [451, OTHER],
    [499, OTHER],
    [500, UNDOCUMENTED_WORDS],
    [501, UNABLE],
    [502, UNABLE],
    [503, UNABLE],
    [504, UNABLE],
    [599, UNABLE]
  ])("of %d says what to do", (status, meaning) => {
    assert.deepStrictEqual(outcome(status, html), unexpected(status, meaning, html))
  })

  it.each([Number.NaN, -1, 204.5, 2 ** 53, Number.POSITIVE_INFINITY])(
    "has a status that can be stored, for %d",
    (status) => {
      const { status: kept } = { status: undefined, ...outcome(status) }
      assert.strictEqual(kept, 0)
    }
  )

  it("keeps a retry-after and the request id", () => {
    assert.deepStrictEqual(outcome(503, "", { "retry-after": "7", "x-request-id": "req_1" }), {
      ...unexpected(503, UNABLE),
      retryAfter: { _tag: "Millis", millis: 7000 },
      requestId: "req_1"
    })
  })

  it("keeps what was read of a body that is too long", () => {
    const body = { text: "x".repeat(65_536), complete: false }
    assert.deepStrictEqual(
      judge(question, { status: 502, headers: {}, body }, now),
      unexpected(502, UNABLE, "x".repeat(1024))
    )
  })
})

describe("429", () => {
  it.each<[string, unknown]>([
    ["no body", undefined],
    ["an empty body", ""],
    ["HTML", html],
    ["an error's body", page(404)]
  ])("is RateLimited with %s", (_, body) => {
    assert.deepStrictEqual(outcome(429, body), { _tag: "RateLimited", message: TOO_MANY })
  })

  it.each<[string | ReadonlyArray<string>, number | undefined]>([
    ["0", 0],
    ["120", 120_000],
    ["86401", 86_400_000],
    ["Sat, 31 Jan 2026 10:00:30 GMT", 30_000],
    ["Sat, 31 Jan 2026 09:00:00 GMT", 0],
    [["5", "5"], 5000],
    [["5", "6"], undefined],
    [[], undefined],
    ["1.5", undefined],
    ["-5", undefined],
    ["0x10", undefined],
    ["", undefined],
    ["soon", undefined]
  ])("with retry-after %j waits %s ms", (header, millis) => {
    assert.deepStrictEqual(outcome(429, undefined, { "retry-after": header }), {
      _tag: "RateLimited",
      message: TOO_MANY,
      ...(millis === undefined ? {} : { retryAfter: { _tag: "Millis", millis } })
    })
  })

  it("reads no wait from x-ratelimit headers", () => {
    const headers = { "x-ratelimit-retry": "7", "x-ratelimit-reset": "20" }
    assert.deepStrictEqual(outcome(429, "", headers), { _tag: "RateLimited", message: TOO_MANY })
  })

  it("keeps the request id", () => {
    const { requestId } = { requestId: undefined, ...outcome(429, "", { "x-request-id": "req_1" }) }
    assert.strictEqual(requestId, "req_1")
  })
})

describe("x-request-id", () => {
  it.each<[string | ReadonlyArray<string> | undefined, string | undefined]>([
    [undefined, undefined],
    ["", undefined],
    [[], undefined],
    ["req_1", "req_1"],
    [["req_1"], "req_1"],
    [["req_1", "req_2"], "req_1, req_2"],
    ["\u001b[31mreq\u001b[0m\u202e", "req"],
    ["\u0000", undefined],
    [`req ${SECRET}`, "req <redacted>"],
    ["x".repeat(2000), "x".repeat(1024)]
  ])("%j is kept as %j", (header, requestId) => {
    assert.deepStrictEqual(outcome(204, undefined, { "x-request-id": header }), {
      _tag: "CustomerDeleted",
      ...(requestId === undefined ? {} : { requestId })
    })
  })
})

describe("what is kept of the server's words", () => {
  const dirty = `\u001b[31mno\u001b[0m\n${SECRET} for cust_1\u202e`

  it.each(statuses)("is clean in a documented %d, whose message names no customer", (status) => {
    const { code, type } = page(status)
    assert.deepStrictEqual(outcome(status, { message: dirty, code, type: dirty }), {
      ...own[status],
      message: "no <redacted> for {customer_id}",
      code,
      type: "no <redacted> for cust_1"
    })
    assert.deepStrictEqual(outcome(status, { message: "x".repeat(2000), code: dirty, type }), {
      ...own[status],
      message: "x".repeat(1024),
      code: "no <redacted> for cust_1",
      type
    })
  })

  it("is clean in any other answer", () => {
    assert.deepStrictEqual(outcome(503, dirty), unexpected(503, UNABLE, "no <redacted> for cust_1"))
    assert.deepStrictEqual(outcome(503, { message: dirty, code: dirty, type: dirty }), {
      ...unexpected(503, UNABLE),
      error: {
        message: "no <redacted> for cust_1",
        code: "no <redacted> for cust_1",
        type: "no <redacted> for cust_1"
      },
      body: JSON.stringify({ message: dirty, code: dirty, type: dirty })
        .replaceAll(SECRET, "<redacted>")
        .replaceAll("\u202e", "")
    })
  })
})

describe("a body", () => {
  it.each([204, 429])("is of no interest for %d", (status) => {
    assert.isFalse(needsBody(status, {}))
  })

  it.each([200, 203, 205, 301, 400, 401, 404, 428, 430, 500, 503])("is of interest for %d", (status) => {
    assert.isTrue(needsBody(status, {}))
  })

  it.each<[string, string | ReadonlyArray<string>, boolean]>([
    ["content-encoding", "", true],
    ["content-encoding", [], true],
    ["content-encoding", " ", true],
    ["content-encoding", "identity", true],
    ["content-encoding", " Identity ", true],
    ["content-encoding", "gzip", false],
    ["content-encoding", "x-identity", false],
    ["content-encoding", "identity-x", false],
    ["content-encoding", "identity, gzip", false],
    ["content-encoding", ["identity", "gzip"], false],
    ["content-encoding", "chunked", false],
    ["content-encoding", "br", false],
    ["transfer-encoding", "", true],
    ["transfer-encoding", " ", true],
    ["transfer-encoding", "chunked", true],
    ["transfer-encoding", " Chunked ", true],
    ["transfer-encoding", "identity", true],
    ["transfer-encoding", "gzip, chunked", false],
    ["transfer-encoding", ["gzip", "chunked"], false],
    ["transfer-encoding", "chunked, chunked", false],
    ["transfer-encoding", "x-chunked", false]
  ])("with %s %j is readable: %s", (name, value, readable) => {
    assert.strictEqual(needsBody(404, { [name]: value }), readable)
  })
})
