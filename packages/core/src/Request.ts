/** What can be sent: customer ids, base URLs and headers. Each check says what is wrong; `undefined` means nothing is. */

const MAX_ID_BYTES = 1024
const MAX_HEADER_LENGTH = 1024
const HALF_A_PAIR = /\p{Surrogate}/u

/** Why an id can't be sent as one path segment, byte for byte (RFC 3986 §3.3 and §5.2.4). */
export const customerIdProblem = (customerId: unknown): string | undefined => {
  if (typeof customerId !== "string") return `A customer id must be a string, and this is of type ${typeof customerId}`
  if (customerId === "") return "The customer id is empty"
  if (customerId === "." || customerId === "..") {
    return "The customer id is a dot segment, which URL parsers remove even where it is percent-encoded"
  }
  // The length first, so that a huge string is neither scanned nor encoded.
  if (customerId.length <= MAX_ID_BYTES && HALF_A_PAIR.test(customerId)) {
    return "The customer id holds half of a surrogate pair, which UTF-8 can't express"
  }
  // No UTF-16 unit takes more than three bytes of UTF-8.
  const fits = customerId.length * 3 <= MAX_ID_BYTES
  return fits || (customerId.length <= MAX_ID_BYTES && utf8Length(customerId) <= MAX_ID_BYTES)
    ? undefined
    : `The customer id is longer than ${MAX_ID_BYTES} bytes of UTF-8`
}

const utf8Length = (text: string) => encodeURIComponent(text).replace(/%../g, "_").length

/** What a URL parser makes of a base URL. */
export type UrlParts = Readonly<Record<"protocol" | "hostname" | "username" | "password", string>>

/** Why a base URL can't be used, without showing it. `parsed` is what a URL parser makes of it, if anything. */
export const baseUrlProblem = (
  baseUrl: unknown,
  parsed: UrlParts | undefined,
  allowHttp: boolean
): string | undefined => {
  if (typeof baseUrl !== "string" || baseUrl.trim() === "") return "must be an absolute https URL, and is blank"
  // URL parsers drop inner line breaks, turn backslashes round, and need no slashes.
  if (parsed === undefined || !/^https?:\/\/[^\s/\\][^\s\\]*$/i.test(baseUrl.trim())) {
    return "must be an absolute https URL, such as https://flowwise.example.com/router"
  }
  if (parsed.username !== "" || parsed.password !== "") return "must not hold a user name or password"
  if (/[?#]/.test(baseUrl)) return "must not hold a query or a fragment"
  return parsed.protocol === "http:" && !allowHttp && !isLoopback(parsed.hostname)
    ? "must be https, since plain http would show the client secret on the network (FLOWWISE_ALLOW_HTTP=true or allowHttp permits it)"
    : undefined
}

// A URL parser has already turned every spelling of an IPv4 address into four decimal numbers.
const isLoopback = (hostname: string) => /^(127\.\d+\.\d+\.\d+|\[::1\]|(.+\.)?localhost)$/.test(hostname)

/** Why a value, trimmed, can't be sent as a header (RFC 9110 §5.5). */
export const headerProblem = (value: unknown): string | undefined => {
  if (typeof value !== "string") return "must be a string or a Redacted string"
  if (value === "") return "must not be empty"
  if (value.length > MAX_HEADER_LENGTH) return `must not be longer than ${MAX_HEADER_LENGTH} characters`
  return /^[\x20-\x7e]+$/.test(value) ? undefined : "must be printable ASCII in one line, since it is sent as a header"
}

/** The vendor's own installations: `servers` of the Flowwise Native API 1.0.0. */
export const environments = {
  sandbox: { name: "sandbox", baseUrl: "https://sandbox.flowwise.com/router" },
  production: { name: "production", baseUrl: "https://app.flowwise.com/router" }
} as const

/** The path of a request: that of the base URL, which ends in no slash, and the customer's id. */
export const pathOf = (basePath: string, customerId: string): string =>
  `${basePath}/customer/${encodeURIComponent(customerId)}`

/** The headers of every request. `identity`, since a compressed body is never a documented error. */
export const headersOf = (clientId: string, clientSecret: string): Readonly<Record<string, string>> => ({
  "x-client-id": clientId,
  "x-client-secret": clientSecret,
  accept: "application/json",
  "accept-encoding": "identity"
})
