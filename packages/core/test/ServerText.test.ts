import { customerIdIn, secretIn, tidy } from "@effect-flowwise/core"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"

const json = (text: string) => JSON.stringify(text).slice(1, -1)
const php = (text: string) => json(text).replaceAll("/", "\\/")
const go = (text: string) => json(text).replace(/[<>&]/g, unicode)
const unicode = (text: string) =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")
const percent = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")

/** How servers write down a text. Each writes a character in the same way whatever is around it. */
const spellings: ReadonlyArray<readonly [string, (text: string) => string]> = [
  ["plain", (text) => text],
  ["percent-encoded", encodeURIComponent],
  ["percent-encoded as in a form", (text) => encodeURIComponent(text).replaceAll("%20", "+")],
  ["percent-encoded in every byte", percent],
  ["percent-encoded in upper case", (text) => percent(text).toUpperCase()],
  ["JSON", json],
  ["JSON in JSON", (text) => json(json(text))],
  ["JSON of PHP", php],
  ["JSON of PHP in itself", (text) => php(php(text))],
  ["JSON of Go", go],
  ["JSON of Go in itself", (text) => go(go(text))],
  ["JSON with every quote escaped by its code", (text) => json(text).replaceAll('\\"', "\\u0022")]
]

const printable = fc.nat(0x7e - 0x20).map((code) => String.fromCharCode(0x20 + code))
const tricky = fc.constantFrom("\\", '"', "/", "%", "+", " ", "<", "u", "0", "a", ".", "(", "]")
/** Any secret that is not so short that it may be there by chance. */
const secret = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: printable, minLength: 8, maxLength: 80 }) },
  { weight: 6, arbitrary: fc.string({ unit: tricky, minLength: 8, maxLength: 20 }) },
  // As long as one may be.
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "\\".repeat(1024),
      Array.from({ length: 1024 }, (_, at) => String.fromCharCode(0x20 + (at % 95))).join("")
    )
  }
)
const spelling = fc.constantFrom(...spellings)
const utf16 = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 20 })
const controls = fc.string({
  unit: fc.constantFrom("\u001b", "[", "]", "3", "m", "\u0007", "\n", "\u0000", "\ud800", "\u202e", "\\")
})
const around = fc.oneof(utf16, controls, fc.string())
/** Letters that are in no spelling of a printable secret. */
const plainText = (maxLength: number) => fc.nat(maxLength).map((length) => "\u0436".repeat(length))

/** Whether only such letters, and what stands for a secret, are left. */
const isClean = (text: string) => ["", "<redacted>"].includes(text.replaceAll("\u0436", "")) || isCut(text)
const isCut = (text: string) => text.length === 1024 && /^\u0436*<[redacted]*$/.test(text)

describe("a secret", () => {
  it("is replaced in every spelling, and nothing around it", () => {
    fc.assert(
      fc.property(secret, spelling, plainText(1100), plainText(50), (hidden, [, spell], before, after) => {
        const expected = `${before}<redacted>${after}`.slice(0, 1024)
        assert.strictEqual(tidy(before + spell(hidden) + after, secretIn(hidden)), expected)
      }),
      { numRuns: 60 }
    )
  })

  it("is gone in every spelling, whatever is around it", () => {
    fc.assert(
      fc.property(secret, spelling, around, around, (hidden, [, spell], before, after) => {
        const kept = tidy(before + spell(hidden) + after, secretIn(hidden))
        // Nor may an escape sequence before it leave all but its beginning.
        assert.notInclude(kept, spell(hidden).slice(1))
      }),
      { numRuns: 60 }
    )
  })

  it("is gone in every spelling where the scan ends within it, before or after", () => {
    fc.assert(
      fc.property(
        secret,
        spelling,
        fc.nat(8192),
        fc.constantFrom("\u0436", "\u0000"),
        (hidden, [, spell], from, filler) => {
          const kept = tidy(filler.repeat(10_000 + from) + spell(hidden) + "\u0436".repeat(20_000), secretIn(hidden))
          assert.isTrue(isClean(kept), kept)
        }
      )
    )
  })

  it.each(["base64", "base64url"] as const)("is gone in %s, at any offset", (encoding) => {
    const bytes = fc.uint8Array({ maxLength: 12 })
    fc.assert(
      fc.property(secret, bytes, bytes, plainText(1100), (hidden, before, after, text) => {
        const echo = Buffer.concat([before, Buffer.from(hidden), after]).toString(encoding)
        // What the secret alone decides.
        const core = echo.slice(
          Math.ceil((before.length * 8) / 6),
          Math.floor(((before.length + hidden.length) * 8) / 6)
        )
        const kept = tidy(text + echo, secretIn(hidden))
        assert.notInclude(kept, core)
        assert.notInclude(kept, core.slice(1, 9))
        const cut = tidy("\u0000".repeat(16_384 - (echo.length >> 1)) + echo, secretIn(hidden))
        assert.strictEqual(cut, "")
      }),
      { numRuns: 30 }
    )
  })

  it("is gone to its last backslash", () => {
    const ends = `abcdefgh${"\\".repeat(9)}`
    assert.strictEqual(tidy(ends, secretIn(ends)), "<redacted>")
  })

  it("is gone in any case, and as often as it is there", () => {
    const hidden = secretIn("Secret.1/x")
    assert.strictEqual(tidy("sECRET.1%2fX, secret.1/x; Secret-1/x", hidden), "<redacted>, <redacted>; Secret-1/x")
  })

  it.each<[string, string]>([
    ["an escape sequence", "sec\u001b[1mret.1/x"],
    ["a control character", "sec\u0000ret.1/x"],
    ["a bidirectional override", "sec\u202eret.1/x"],
    ["half a surrogate pair", "sec\ud800ret.1/x"]
  ])("is gone where %s breaks it up", (_, echo) => {
    assert.strictEqual(tidy(echo, secretIn("secret.1/x")), "<redacted>")
  })

  it("is gone where it is cut off after 64 characters or more, or goes on in another way", () => {
    const hidden = secretIn("0123456789".repeat(10))
    const begun = (length: number) => `a ${"0123456789".repeat(10).slice(0, length)}-`
    assert.deepStrictEqual(
      [63, 64, 65, 99, 100].map((length) => tidy(begun(length), hidden)),
      [begun(63), "a <redacted>-", "a <redacted>-", "a <redacted>-", "a <redacted>-"]
    )
  })

  it("that is short is found in base64 only where it makes eight characters", () => {
    const base64 = (text: string) => Buffer.from(text).toString("base64")
    assert.strictEqual(tidy(base64("abcde"), secretIn("abcde")), base64("abcde"))
    assert.strictEqual(tidy(base64("abcdef"), secretIn("abcdef")), "<redacted>")
    assert.strictEqual(tidy(base64("-abcdef"), secretIn("abcdef")), base64("-abcdef"))
    assert.strictEqual(tidy(base64("-abcdefg"), secretIn("abcdefg")), `${base64("-abcdefg").slice(0, 2)}<redacted>c=`)
    assert.strictEqual(tidy(base64("--abcdef"), secretIn("abcdef")), base64("--abcdef"))
    assert.strictEqual(tidy(base64("--abcdefg"), secretIn("abcdefg")), `${base64("--abcdefg").slice(0, 3)}<redacted>`)
  })

  it.each(Array.from("$()*+.?[]^{|}\\-/"))("is taken by the letter, also %s", (char) => {
    assert.strictEqual(tidy(`a${char}b-axb-ab-aab`, secretIn(`a${char}b`)), "<redacted>-axb-ab-aab")
  })
})

describe("time", () => {
  const MAX = 16 * 1024
  const alike = `${"a".repeat(1023)}b`
  const quoted = '\\"'.repeat(400)
  const random = Array.from({ length: 1024 }, (_, at) => String.fromCharCode(33 + ((at * at * 31 + at * 7) % 94))).join(
    ""
  )
  const fill = (text: string) => text.repeat(MAX / text.length + 1).slice(0, MAX)

  it.each<[string, string, string]>([
    ["almost the secret, again and again", random, fill(random.slice(0, -1))],
    ["the secret's one letter", alike, fill("a")],
    ["backslashes", "\\".repeat(1024), fill("\\")],
    ["backslashes, and one too few", `${"\\".repeat(500)}x`, fill(`${"\\".repeat(499)}y`)],
    ["quotes that are escaped twice, and none too many", quoted, fill(`${'\\\\\\"'.repeat(399)}x`)],
    ["codes that are escaped twice", "\\<".repeat(400), fill(`${"\\\\\\u003c".repeat(399)}x`)],
    ["percent signs", "%25".repeat(40), fill("%25")],
    ["escape sequences that never end", random, fill("\u001b")],
    ["parameters that never end", random, fill(`\u001b${";".repeat(64)}`)],
    ["titles that never end", random, fill("\u009b]")]
  ])("is short for 16 KB of %s", (_, hidden, text) => {
    const began = performance.now()
    tidy(text, secretIn(hidden), customerIdIn(hidden, text))
    // Milliseconds; what takes exponentially many steps takes minutes.
    assert.isBelow(performance.now() - began, 3000)
  })

  it("is short for a megabyte", () => {
    const began = performance.now()
    tidy("\u001b[".repeat(500_000), secretIn(random))
    assert.isBelow(performance.now() - began, 1000)
  })
})

describe("what is kept", () => {
  it.each<[string, string]>([
    ["", ""],
    ["plain text, \u00e9 \u{1f600} \u0436 \u200d", "plain text, \u00e9 \u{1f600} \u0436 \u200d"],
    ["a\tb\nc\vd\fe\rf\u0085g\u2028h\u2029i", "a b c d e f g h i"],
    ["a\r\n\t\nb", "a b"],
    ["a\u0000b\u0008c\u001fd\u007fe\u0080f\u009fg", "abcdefg"],
    ["a\u061cb\u200ec\u200fd\u202ae\u202bf\u202cg\u202dh\u202ei", "abcdefghi"],
    ["a\u2066b\u2067c\u2068d\u2069e", "abcde"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u009b1;31mred\u009bm", "red"],
    ["\u001b[?25lx", "x"],
    ["\u001b[[Ax", "x"],
    ["\u001b[ qx", "x"],
    ["\u001b(Bx", "x"],
    ["\u001bMx", "x"],
    ["\u001b@x", "x"],
    ["\u001b~x", "x"],
    ["\u001b]0;title\u0007x", "x"],
    ["\u001b]8;;https://example.com\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["a\u001b]0;title\u001b[0mb", "ab"],
    ["a\u001b]0;title", "a"],
    ["\u009b]0;title\u0007x", "x"],
    ["x\u001b", "x"],
    ["\u001b\u00e9", "\u00e9"],
    [`\u001b${";".repeat(64)}mx`, "x"],
    [`\u001b${";".repeat(65)}mx`, `${";".repeat(65)}mx`],
    ["\ud800a\udc00b\ud83d", "ab"],
    ["\udc00\ud800", ""]
  ])("of %j is %j", (text, kept) => {
    assert.strictEqual(tidy(text), kept)
  })

  it("is at most 1,024 characters, and no half of one", () => {
    assert.strictEqual(tidy("x".repeat(1024)), "x".repeat(1024))
    assert.strictEqual(tidy("x".repeat(1025)), "x".repeat(1024))
    assert.strictEqual(tidy(`${"x".repeat(1022)}\u{1f600}`), `${"x".repeat(1022)}\u{1f600}`)
    assert.strictEqual(tidy(`${"x".repeat(1023)}\u{1f600}`), "x".repeat(1023))
  })

  it("comes from the first 16,384, and where there are more not from the last 7,168 of them", () => {
    const zeros = (length: number) => "\u0000".repeat(length)
    assert.strictEqual(tidy(`${zeros(16_383)}x`), "x")
    assert.strictEqual(tidy(`${zeros(16_384)}x`), "")
    assert.strictEqual(tidy(`${zeros(16_384 - 7168)}${"x".repeat(7169)}`), "")
    assert.strictEqual(tidy(`${zeros(16_384 - 7169)}${"x".repeat(7170)}`), "x")
    assert.strictEqual(tidy(`${zeros(16_384 - 7168)}${"x".repeat(7168)}`), "x".repeat(1024))
  })

  it("is one clean line, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(around), (texts) => {
        const kept = tidy(texts.join(""))
        assert.notMatch(kept, /[\p{Cc}\p{Bidi_Control}\p{Surrogate}\u2028\u2029]/u)
        assert.strictEqual(tidy(kept), kept)
      })
    )
  })
})

describe("a customer's id", () => {
  const named = (text: string, customerId = "cust_1") => tidy(text, customerIdIn(customerId, text))

  it.each<[string, string]>([
    ["cust_1", "{customer_id}"],
    ["No customer cust_1.", "No customer {customer_id}."],
    ["cust_1, cust_1 and CUST_1", "{customer_id}, {customer_id} and {customer_id}"],
    ['"cust_1"', '"{customer_id}"'],
    ["/customer/cust_1/", "/customer/{customer_id}/"],
    ["_cust_1_", "_{customer_id}_"],
    ["%2Fcust_1", "%2F{customer_id}"],
    ["%2fcust_1%2f", "%2f{customer_id}%2f"],
    ["cust_12", "cust_12"],
    ["cust_1x", "cust_1x"],
    ["cust_1\u00e9", "cust_1\u00e9"],
    ["xcust_1", "xcust_1"],
    ["1cust_1", "1cust_1"],
    ["\u00e9cust_1", "\u00e9cust_1"],
    ["2Fcust_1", "2Fcust_1"],
    ["%2cust_1", "%2cust_1"],
    ["%gfcust_1", "%gfcust_1"],
    ["cust-1", "cust-1"],
    ["\u001b[1mcust_1\u001b[0m", "{customer_id}"],
    ["cust\u0000_1", "{customer_id}"]
  ])("in %j", (text, kept) => {
    assert.strictEqual(named(text), kept)
  })

  it.each<[string, string, string]>([
    ["Zo\u00eb", "no Zoe\u0308", "no {customer_id}"],
    ["Zoe\u0308", "no Zo\u00eb", "no {customer_id}"],
    ["Zo\u00eb", "no Zo%C3%AB", "no {customer_id}"],
    ["Zo\u00eb", "no Zoe%CC%88", "no {customer_id}"],
    ["Zo\u00eb", "no Zo\\u00eb", "no {customer_id}"],
    ["\u{1f600}", "no \\ud83d\\ude00", "no {customer_id}"],
    ["\u{1f600}", "no \\\\ud83d\\\\ude00", "no {customer_id}"],
    ["a\nb", "no a\nb", "no {customer_id}"],
    ["a\nb", "no a%0Ab", "no {customer_id}"],
    ["a\u0000b", "no a\u0000b", "no {customer_id}"],
    ["a\u0000b", "no a%00b", "no {customer_id}"],
    ["a b", "no a b, a+b, a%20b", "no {customer_id}, {customer_id}, {customer_id}"],
    ["a/b", "no a/b, a%2Fb, a\\/b", "no {customer_id}, {customer_id}, {customer_id}"],
    ["a.b", "no axb", "no axb"],
    [" ", "no  one", "no  one"],
    ["\n", "no \n one", "no   one"],
    ["\u0000", "no\u0000 one", "no one"],
    ["\u001b[0m", "no\u001b[0m one", "no one"]
  ])("%j in %j", (customerId, text, kept) => {
    assert.strictEqual(named(text, customerId), kept)
  })

  it("is found in every spelling", () => {
    const unit = fc.oneof(printable, tricky, fc.constantFrom("\u00e9", "e\u0301", "\u0436", "\u{1f600}", "\u20ac"))
    const customerId = fc.string({ unit, minLength: 1, maxLength: 30 }).filter((id) => id.trim() !== "")
    fc.assert(
      fc.property(customerId, spelling, (id, [, spell]) => {
        assert.strictEqual(named(`\u00ab${spell(id)}\u00bb`, id), "\u00ab{customer_id}\u00bb")
      }),
      { numRuns: 60 }
    )
  })
})
