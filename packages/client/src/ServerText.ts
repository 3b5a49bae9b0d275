/**
 * Text from the server, made safe to keep: no secret, no control characters, and not too long.
 *
 * @since 0.1.0
 */
import * as Encoding from "effect/Encoding"
import * as RegularExpression from "effect/RegExp"

const MAX_LENGTH = 1024

// A pattern's time grows with the text, and all but the beginning of it is dropped anyway.
const SCANNED = 16 * 1024

// A secret of 1,024 characters, each as `&#x0041;` and a blank.
const LONGEST_ECHO = 10 * 1024

const ESCAPE_SEQUENCES = /[\u001b\u009b](?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[\u0020-\u003f[\]]{0,64}[@-~])/g
const LINE_BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}]/gu
const LONE_SURROGATES = /\p{Surrogate}/gu

/** @internal */
export interface Hidden {
  readonly pattern: RegExp
  readonly replacement: string
}

/**
 * One line that is safe to keep: rid of what `hidden` match, escape sequences, control characters and bidirectional
 * overrides, and at most 1,024 characters long.
 *
 * @internal
 */
export const tidy = (text: string, ...hidden: ReadonlyArray<Hidden>): string => {
  // After the controls, which could break an echo up, and before the cut, which could halve one.
  const found = hidden.reduce(
    (kept, { pattern, replacement }) => kept.replace(pattern, replacement),
    stripControls(text.slice(0, SCANNED))
  )
  // What stands before the end of the scan may be half an echo, which no pattern knows.
  const whole = text.length > SCANNED ? found.slice(0, Math.max(0, found.length - LONGEST_ECHO)) : found
  return whole.slice(0, MAX_LENGTH).replace(LONE_SURROGATES, "")
}

const stripControls = (text: string) =>
  text.replace(ESCAPE_SEQUENCES, "").replace(LINE_BREAKS, " ").replace(INVISIBLE, "")

/**
 * A customer's id in any spelling that `text` can hold, composed or decomposed, where it stands as a word of its own.
 *
 * @internal
 */
export const customerIdIn = (customerId: string, text: string): Hidden => {
  // All but the plain spelling begin with one of these; a pattern of all takes longer to make than the request.
  const spelled = /[%&\\]/.test(text) ? spellings : plainly
  const forms = new Set([customerId, customerId.normalize("NFC"), customerId.normalize("NFD")])
  const sources = Array.from(forms, (form) => characters(form).map(spelled).join(""))
  return {
    // An id of nothing but control characters is gone from the text already.
    pattern:
      stripControls(customerId).trim() === ""
        ? /(?!)/g
        : new RegExp(`(?:(?<![\\p{L}\\p{N}])|(?<=%[\\da-f]{2}))(?:${sources.join("|")})(?![\\p{L}\\p{N}])`, "giu"),
    replacement: "{customer_id}"
  }
}

/**
 * A secret in the forms in which a server may echo it: in any spelling, in hex, or in base64 at any offset, and wrapped
 * over lines.
 *
 * @internal
 */
export const secretIn = (secret: string): Hidden => {
  const encoded = [Encoding.encodeHex(secret), ...[0, 1, 2].map((offset) => base64Core(secret, offset))]
    // A shorter piece would match by chance.
    .filter((text) => text.length >= 8)
    .map((text) => Array.from(text, (char) => BASE64_ALPHABETS[char] ?? char).join(WRAP))
  const plain = characters(secret).map((char) => (char === " " ? spellings(char) : spellings(char) + WRAP))
  return { pattern: new RegExp([plain.join(""), ...encoded].join("|"), "giu"), replacement: "<redacted>" }
}

// Where a line was wrapped, as it is or escaped for JSON or a URL, or a hyphen or a zero-width character put in.
const WRAP = "(?:[\\s\\u00ad\\u200b-\\u200d\\u2060\\ufeff]|\\\\{1,4}[rn]|%(?:25)?0[ad]){0,2}"

const BASE64_ALPHABETS: Record<string, string> = { "+": "[+-]", "-": "[+-]", "/": "[/_]", _: "[/_]" }

/** The characters of base64 that only the secret decides, with `offset` bytes of something else before it. */
const base64Core = (secret: string, offset: number) =>
  Encoding.encodeBase64("\0".repeat(offset) + secret).slice(
    Math.ceil((offset * 8) / 6),
    Math.floor(((offset + secret.length) * 8) / 6)
  )

/** Backslashes in a row stay together: one by one, each of which may be doubled, they would match in too many ways. */
const characters = (text: string): ReadonlyArray<string> => text.match(/\\+|./gsu) ?? []

const ENTITIES: Record<string, string> = { '"': "quot", "&": "amp", "'": "apos", "<": "lt", ">": "gt" }

/** One character as it is, or escaped for a URL, once or twice, for JSON or for HTML. */
const spellings = (char: string): string => {
  const code = firstOf(char).codePointAt(0) ?? 0
  const hex = (value: number, length: number) => value.toString(16).padStart(length, "0")
  const escaped = [
    Array.from(new TextEncoder().encode(firstOf(char)), (byte) => `%(?:25)?${hex(byte, 2)}`).join(""),
    firstOf(char)
      .split("")
      .map((unit) => `\\\\+u${hex(unit.charCodeAt(0), 4)}`)
      .join(""),
    `&#(?:0*${code}|x0*${hex(code, 1)});`,
    ...(ENTITIES[char] === undefined ? [] : [`&${ENTITIES[char]};`])
  ].join("|")
  return `(?:${plainly(char)}|(?:${escaped}){${countOf(char)}})`
}

const plainly = (char: string): string => {
  const count = countOf(char)
  const first = firstOf(char)
  const plain = {
    "\\": `\\\\{${count},${count * 4}}`,
    '"': '\\\\{0,3}"',
    "/": "\\\\{0,3}/",
    " ": "[ +]"
  }[first]
  // Control characters were taken out of the text, or became a blank.
  return plain ?? (stripControls(first).trim() === "" ? "\\s?" : RegularExpression.escape(first))
}

// Backslashes come as many together, all else one by one.
const countOf = (char: string) => (char.startsWith("\\") ? char.length : 1)
const firstOf = (char: string) => String.fromCodePoint(char.codePointAt(0) ?? 0)
