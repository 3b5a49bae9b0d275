/** Text from the server, made safe to keep: no secret, no control characters, and not too long. */

const MAX_LENGTH = 1024
// A pattern's time grows with the text, and all but the beginning of it is dropped anyway.
const SCANNED = 16 * 1024
// A secret of 1,024 characters, each as `\\u0041`.
const LONGEST_ECHO = 7 * 1024
// So many characters are an echo, and no chance.
const TELLING = 64

const ESCAPE_SEQUENCES = /[\u001b\u009b](?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[\u0020-\u003f[\]]{0,64}[@-~])/g
const LINE_BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g
const HALF_A_PAIR = /\p{Surrogate}/gu
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}\p{Surrogate}]/gu

/** What must not be shown, and what stands in its place. */
export interface Hidden {
  readonly pattern: RegExp
  readonly replacement: string
}

/** One line of at most 1,024 characters, without what `hidden` match, controls, and bidirectional overrides. */
export const tidy = (text: string, ...hidden: ReadonlyArray<Hidden>): string => {
  const hide = (shown: string) =>
    hidden.reduce((kept, { pattern, replacement }) => kept.replace(pattern, replacement), shown)
  // Hide twice: an escape sequence can swallow the next character of an echo, and control characters can split one.
  const found = hide(stripControls(hide(text.slice(0, SCANNED))))
  // An echo that the end of the scan cuts in half matches no pattern.
  const whole = text.length > SCANNED ? found.slice(0, Math.max(0, found.length - LONGEST_ECHO)) : found
  return whole.slice(0, MAX_LENGTH).replace(HALF_A_PAIR, "")
}

const stripControls = (text: string) =>
  text.replace(ESCAPE_SEQUENCES, "").replace(LINE_BREAKS, " ").replace(INVISIBLE, "")

/** The secret as a server may echo it: plain, percent-encoded, JSON-escaped, base64 or base64url at any offset. */
export const secretIn = (secret: string): Hidden => {
  const encoded = [0, 1, 2]
    .map((offset) => base64Core(secret, offset))
    // A shorter piece would match by chance.
    .filter((text) => text.length >= 8)
    .map((text) => text.replace(/\+/g, "[+-]").replace(/\//g, "[/_]"))
  const sources = [echo(secret, spellings), ...encoded]
  return { pattern: new RegExp(sources.join("|"), "giu"), replacement: "<redacted>" }
}

/** A customer's id in `text`, composed or decomposed, plain or percent-encoded, where it is a word of its own. */
export const customerIdIn = (customerId: string, text: string): Hidden => {
  const forms = [customerId, customerId.normalize("NFC"), customerId.normalize("NFD")]
  // A pattern of all spellings takes longer to make than a request, and seldom is one of them there.
  const spelled = /[%\\]/.test(text) ? spellings : plainly
  // With its control characters, as they may be percent-encoded.
  const shown = new Set(forms.flatMap((form) => [form, stripControls(form)]))
  const sources = Array.from(shown, (form) => echo(form, spelled))
  return {
    pattern:
      stripControls(customerId).trim() === ""
        ? /(?!)/g
        : new RegExp(`(?:(?<![\\p{L}\\p{N}])|(?<=%[\\da-f]{2}))(?:${sources.join("|")})(?![\\p{L}\\p{N}])`, "giu"),
    replacement: "{customer_id}"
  }
}

/** Only the first 64 characters must match: requiring all is slow on repetitive text. */
const echo = (text: string, spelled: (piece: string) => string) =>
  pieces(text)
    .map(spelled)
    .reduceRight((rest, piece, at) => (at < TELLING ? piece + rest : `(?:${piece}${rest})?`), "")

/** Backslashes stay with the next character: two adjacent repeats would backtrack exponentially. */
const pieces = (text: string) => text.match(/\\*[^\\]|\\+$/gu) ?? []

/** A piece plain, percent-encoded, or escaped for JSON. */
const spellings = (piece: string): string => {
  const { char, run } = parts(piece)
  const bytes = Array.from(char, percentEncoded).join("")
  const encoded = run === 0 ? bytes : `(?:%5c){${run}}(?:${bytes}|${plainly(char)})`
  // JSON within JSON has twice as many backslashes.
  const units = Array.from({ length: char.length }, (_, at) => `u${hex(char.charCodeAt(at), 4)}`).join("\\\\{1,2}")
  return `(?:${encoded}|\\\\{${2 * run + 1},${4 * run + 2}}${units}|${plainly(piece)})`
}

const percentEncoded = (char: string) => {
  const encoded = encodeURIComponent(char)
  return encoded === char ? `%${hex(char.charCodeAt(0), 2)}` : encoded
}

// JSON doubles a backslash, and writes one before a quote and, in PHP, before a slash. JSON within JSON does so twice.
const plainly = (piece: string) => {
  const { char, run } = parts(piece)
  const most = 4 * run + (/["/]/.test(char) ? 3 : 0)
  const backslashes = most === 0 ? "" : `\\\\{${run},${most}}`
  return backslashes + char.replace(/[$()*+.?[\]^{|}]/, "\\$&").replace(" ", "[ +]")
}

const parts = (piece: string) => {
  const char = piece.replace(/^\\+/, "")
  return { char, run: piece.length - char.length }
}

const hex = (value: number, length: number) => value.toString(16).padStart(length, "0")

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** The characters of base64 that the secret alone decides, where `offset` bytes of something else stand before it. */
const base64Core = (secret: string, offset: number) => {
  const bits = Array.from(secret, (char) => char.charCodeAt(0).toString(2).padStart(8, "0")).join("")
  // The first whole group of six bits begins where the bits of the bytes before it end.
  const groups = bits.slice((6 - ((offset * 8) % 6)) % 6).match(/.{6}/g) ?? []
  return groups.map((group) => BASE64[Number.parseInt(group, 2)]).join("")
}
