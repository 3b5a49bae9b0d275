/**
 * Text from the server, made safe to keep: no secret, no control characters, and not too long.
 *
 * @since 0.1.0
 */
import * as Encoding from "effect/Encoding"
import * as RegularExpression from "effect/RegExp"

const MAX_LENGTH = 1024

const ESCAPE_SEQUENCES = /[\u001b\u009b](?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[[\]()#;?]*[\d;:?]*[ -/]*[@-~])/g
const LINE_BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}]/gu
const LONE_SURROGATES = /\p{Surrogate}/gu

/**
 * One line that is safe to keep: rid of what `hidden` match, escape sequences, control characters and bidirectional
 * overrides, and at most 1,024 characters long.
 *
 * @internal
 */
export const tidy = (text: string, ...hidden: ReadonlyArray<Hidden>): string =>
  hidden
    // After the controls, which could break one up, and before the cut, which could halve it.
    .reduce((kept, { pattern, replacement }) => kept.replace(pattern, replacement), stripControls(text))
    .slice(0, MAX_LENGTH)
    .replace(LONE_SURROGATES, "")

/** @internal */
export interface Hidden {
  readonly pattern: RegExp
  readonly replacement: string
}

const stripControls = (text: string) =>
  text.replace(ESCAPE_SEQUENCES, "").replace(LINE_BREAKS, " ").replace(INVISIBLE, "")

/**
 * A customer's id, as it is or percent-encoded, where it stands as a word of its own.
 *
 * @internal
 */
export const customerIdIn = (customerId: string): Hidden => ({
  pattern: new RegExp(
    `(?<![\\p{L}\\p{N}])(?:${[stripControls(customerId), encodeURIComponent(customerId)]
      .filter((spelling) => spelling !== "")
      .map(RegularExpression.escape)
      .join("|")})(?![\\p{L}\\p{N}])`,
    "gu"
  ),
  replacement: "{customer_id}"
})

/**
 * A secret in the forms in which a server may echo it: plain, URL-encoded, JSON-escaped, hex, or base64 at any offset.
 *
 * @internal
 */
export const secretIn = (secret: string): Hidden => {
  const hex = Encoding.encodeHex(secret)
  const character = (char: string, index: number) => {
    const code = hex.slice(index * 2, index * 2 + 2)
    return `(?:\\\\?${RegularExpression.escape(char)}|%${code}|\\\\u00${code})`
  }
  const encoded = [hex, ...[0, 1, 2].map((offset) => base64Core(secret, offset))]
    // A shorter piece of base64 would match by chance.
    .filter((text) => text.length >= 8)
    .map((text) => text.replaceAll(/[+-]/g, "[+-]").replaceAll(/[/_]/g, "[/_]"))
  return {
    pattern: new RegExp([Array.from(secret, character).join(""), ...encoded].join("|"), "gi"),
    replacement: "<redacted>"
  }
}

/** The characters of base64 that only the secret decides, with `offset` bytes of something else before it. */
const base64Core = (secret: string, offset: number) =>
  Encoding.encodeBase64("\0".repeat(offset) + secret).slice(
    Math.ceil((offset * 8) / 6),
    Math.floor(((offset + secret.length) * 8) / 6)
  )
