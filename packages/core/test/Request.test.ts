import {
  baseUrlProblem,
  customerIdProblem,
  headerProblem,
  headersOf,
  pathOf,
  type UrlParts
} from "@effect-flowwise/core"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"

/** A title that stays short. */
const shown = (text: string) => JSON.stringify(text.slice(0, 12)) + (text.length > 12 ? ` (${text.length})` : "")

describe("a customer's id", () => {
  const EMPTY = "The customer id is empty"
  const DOT = "The customer id is a dot segment, which URL parsers remove even where it is percent-encoded"
  const HALF = "The customer id holds half of a surrogate pair, which UTF-8 can't express"
  const LONG = "The customer id is longer than 1024 bytes of UTF-8"
  const emoji = "\u{1f600}"

  const cannot: ReadonlyArray<[string, string]> = [
    ["", EMPTY],
    [".", DOT],
    ["..", DOT],
    ["\ud800", HALF],
    ["a\udfff", HALF],
    ["\udc00\ud800", HALF],
    [`${"x".repeat(1023)}\ud800`, HALF],
    ["x".repeat(1025), LONG],
    [`${"x".repeat(1024)}\ud800`, LONG],
    [emoji.repeat(257), LONG],
    [`${emoji.repeat(256)}x`, LONG],
    [`${"\u20ac".repeat(341)}xx`, LONG],
    [`${"\u00e9".repeat(512)}x`, LONG],
    ["%".repeat(1025), LONG],
    ["x".repeat(1_000_000), LONG]
  ]

  it.each(cannot.map(([id, problem]) => [shown(id), id, problem]))("%s can't be sent", (_, id, problem) => {
    assert.strictEqual(customerIdProblem(id), problem)
  })

  it.each<[unknown, string]>([
    [undefined, "undefined"],
    [null, "object"],
    [5, "number"],
    [["cust_1"], "object"],
    [Symbol("cust_1"), "symbol"]
  ])("that is no string can't be sent", (id, type) => {
    assert.strictEqual(customerIdProblem(id), `A customer id must be a string, and this is of type ${type}`)
  })

  const can = [
    "a",
    " ",
    "...",
    "./",
    "%2e%2e",
    "a/b",
    "../../admin",
    "a\nb",
    "a#b",
    "a?b",
    "a\\b",
    "\u0000",
    "__proto__",
    "e\u0301",
    emoji,
    emoji.repeat(256),
    "x".repeat(341),
    "x".repeat(342),
    "x".repeat(1024),
    "%".repeat(1024),
    `${"\u20ac".repeat(341)}x`,
    "\u00e9".repeat(512)
  ]

  it.each(can.map((id) => [shown(id), id]))("%s can be sent", (_, id) => {
    assert.isUndefined(customerIdProblem(id))
  })

  it("is a problem, or exactly one segment of a URL, byte for byte", () => {
    const utf16 = fc.nat(0xffff).map((unit) => String.fromCharCode(unit))
    const telling = fc.constantFrom(".", "/", "%2e", "\\", "?", "#", "%", "\ud83d", "\ude00", "\t")
    const anything = fc.oneof(
      fc.string({ unit: utf16, maxLength: 20 }),
      fc.string({ unit: telling, maxLength: 6 }),
      // About as long as an id may be.
      fc.integer({ min: 335, max: 1030 }).map((length) => "\u20ac\u00e9x".repeat(length).slice(0, length))
    )
    fc.assert(
      fc.property(anything, (id) => {
        const tooLong = new TextEncoder().encode(id).length > 1024
        const { hash, pathname, search } = new URL(
          `https://host/customer/${encodeURIComponent(id.replace(/\p{Surrogate}/gu, "\ufffd"))}`
        )
        const segment = pathname.startsWith("/customer/") ? pathname.slice("/customer/".length) : ""
        const carried = segment !== "" && !segment.includes("/") && decodeURIComponent(segment) === id
        assert.strictEqual(customerIdProblem(id) === undefined, carried && !tooLong)
        assert.strictEqual(search + hash, "")
      }),
      { examples: [["."], [".."], ["%2e"], [""], ["/"], ["?"]] }
    )
  })
})

describe("a base URL", () => {
  const BLANK = "must be an absolute https URL, and is blank"
  const ABSOLUTE = "must be an absolute https URL, such as https://flowwise.example.com/router"
  const USER = "must not hold a user name or password"
  const QUERY = "must not hold a query or a fragment"
  const HTTPS =
    "must be https, since plain http would show the client secret on the network (FLOWWISE_ALLOW_HTTP=true or allowHttp permits it)"

  const parsed = (baseUrl: unknown): UrlParts | undefined =>
    URL.canParse(String(baseUrl)) ? new URL(String(baseUrl)) : undefined
  const problem = (baseUrl: unknown, allowHttp = false) => baseUrlProblem(baseUrl, parsed(baseUrl), allowHttp)

  it.each<[unknown, string]>([
    [undefined, BLANK],
    [5, BLANK],
    ["", BLANK],
    [" \n", BLANK],
    ["api.example.com", ABSOLUTE],
    ["/router", ABSOLUTE],
    ["ftp://api.example.com", ABSOLUTE],
    ["file:///etc/passwd", ABSOLUTE],
    ["xhttps://api.example.com", ABSOLUTE],
    ["https:api.example.com", ABSOLUTE],
    ["https:/api.example.com", ABSOLUTE],
    ["https:///api.example.com", ABSOLUTE],
    ["https://", ABSOLUTE],
    ["https:\\\\api.example.com", ABSOLUTE],
    ["https://\\api.example.com", ABSOLUTE],
    ["https://api.example.com\\router", ABSOLUTE],
    ["https://api.example.com/rou\nter", ABSOLUTE],
    ["https://api.example.com/rou ter", ABSOLUTE],
    ["https://api.example.com:99999", ABSOLUTE],
    ["https://user@api.example.com", USER],
    ["https://user:password@api.example.com", USER],
    ["https://:password@api.example.com", USER],
    ["https://api.example.com?", QUERY],
    ["https://api.example.com/router?a=b", QUERY],
    ["https://api.example.com/router#a", QUERY],
    ["http://api.example.com", HTTPS],
    ["HTTP://api.example.com", HTTPS],
    ["http://localhost.example.com", HTTPS],
    ["http://xlocalhost", HTTPS],
    ["http://127.0.0.1.example.com", HTTPS],
    ["http://128.0.0.1", HTTPS],
    ["http://1.127.0.0", HTTPS],
    ["http://0.0.0.0", HTTPS],
    ["http://[::2]", HTTPS],
    ["http://[::1:1]", HTTPS]
  ])("%j %s", (baseUrl, what) => {
    assert.strictEqual(problem(baseUrl), what)
  })

  it.each([
    "https://api.example.com",
    "https://api.example.com:8443/router//",
    "HTTPS://API.example.com",
    " https://api.example.com\n",
    "https://a",
    "http://localhost:8080",
    "http://api.localhost",
    "http://127.0.0.1",
    "http://127.255.12.34:1",
    "http://127.1",
    "http://2130706433",
    "http://[::1]:8080/router",
    "http://[0:0:0:0:0:0:0:1]"
  ])("%j can be used", (baseUrl) => {
    assert.isUndefined(problem(baseUrl))
  })

  it("may be plain http to another machine only where that is allowed", () => {
    assert.isUndefined(problem("http://api.example.com", true))
    assert.strictEqual(problem("ftp://api.example.com", true), ABSOLUTE)
    assert.strictEqual(problem("http://user@api.example.com", true), USER)
  })
})

describe("a header's value", () => {
  it.each<[unknown, string]>([
    [undefined, "must be a string or a Redacted string"],
    [5, "must be a string or a Redacted string"],
    ["", "must not be empty"],
    ["x".repeat(1025), "must not be longer than 1024 characters"],
    ["a\nb", "must be printable ASCII in one line, since it is sent as a header"],
    ["a\n", "must be printable ASCII in one line, since it is sent as a header"],
    ["\u001f", "must be printable ASCII in one line, since it is sent as a header"],
    ["\u007f", "must be printable ASCII in one line, since it is sent as a header"],
    ["\u00e9", "must be printable ASCII in one line, since it is sent as a header"]
  ])("%j %s", (value, problem) => {
    assert.strictEqual(headerProblem(value), problem)
  })

  it.each([" ", "~", "a b", "x".repeat(1024)])("%j can be sent", (value) => {
    assert.isUndefined(headerProblem(value))
  })
})

describe("a request", () => {
  it.each([
    ["", "cust_1", "/customer/cust_1"],
    ["/router", "a/b?c#d%2F e", "/router/customer/a%2Fb%3Fc%23d%252F%20e"]
  ])("below %j for %j goes to %s", (basePath, customerId, path) => {
    assert.strictEqual(pathOf(basePath, customerId), path)
  })

  it("has both keys, and asks for JSON that is not compressed", () => {
    assert.deepStrictEqual(headersOf("app_1", "a secret"), {
      "x-client-id": "app_1",
      "x-client-secret": "a secret",
      accept: "application/json",
      "accept-encoding": "identity"
    })
  })
})
