/** Points 9 to 15: what is no HTTP, what is badly framed, too large, too slow, or too often. */

import { deflateSync, gzipSync } from "node:zlib"
import { assert } from "vitest"
import {
  BROKEN,
  bytes,
  chunked,
  cut,
  documented,
  type Fault,
  forEachStatus,
  point,
  reset,
  TIMEOUT,
  unexpected
} from "./Fault.js"
import { type Answer, http, json } from "./RawServer.js"

const raw = (bytes: string): Answer => ({ bytes })
const page = JSON.stringify(documented[404])
const length = `content-length: ${page.length}`
const head = (headers: string) => raw(`HTTP/1.1 204 No Content\r\n${headers}\r\n\r\n`)

/** Nothing of it is kept, but it is taken until the time-out. */
const passing = { timeout: 300, takes: Number.POSITIVE_INFINITY }

const notHttp = point(9, [
  ["a status that is a word", raw("HTTP/1.1 gone No Content\r\n\r\n"), BROKEN],
  ["a status of two digits", raw("HTTP/1.1 20\r\n\r\n"), BROKEN],
  ["a status of four digits", raw("HTTP/1.1 2040 No Content\r\n\r\n"), BROKEN],
  ["a negative status", raw("HTTP/1.1 -204 No Content\r\n\r\n"), BROKEN],
  ["no status", raw("HTTP/1.1\r\n\r\n"), BROKEN],
  ["no version", raw("HTTP 204 No Content\r\n\r\n"), BROKEN],
  ["an unknown version", raw("HTTP/9.9 204 No Content\r\n\r\n"), BROKEN],
  ["HTTP/2 in plain text", raw("HTTP/2 204\r\n\r\n"), BROKEN],
  ["lower case", raw("http/1.1 204 No Content\r\n\r\n"), BROKEN],
  ["a blank before it", raw(" HTTP/1.1 204 No Content\r\n\r\n"), BROKEN],
  ["a byte order mark before it", raw("\uFEFFHTTP/1.1 204 No Content\r\n\r\n"), BROKEN],
  ["a request for an answer", raw("DELETE /customer/0 HTTP/1.1\r\nhost: a\r\n\r\n"), BROKEN],
  ["a body without a head", cut(raw(page)), BROKEN],
  ["the banner of SSH", raw("SSH-2.0-OpenSSH_9.6\r\n"), BROKEN],
  ["the banner of SMTP, before the request", undefined, BROKEN, { greeting: raw("220 mail ready\r\n") }],
  // Node's parsers take RTSP for HTTP. At least it is no deletion when such a server refuses the method, as it does.
  ["RTSP", cut(raw("RTSP/1.0 405 Method Not Allowed\r\n\r\n")), `UnexpectedResponse 405 | ${BROKEN}`],
  ["ICY", raw("ICY 204 OK\r\n\r\n"), BROKEN],
  ["frames of HTTP/2", bytes("", Buffer.from("000000040100000000", "hex")), BROKEN],
  ["an alert of TLS", bytes("", Buffer.from("15030300020246", "hex")), BROKEN],
  ["line feeds alone", raw("HTTP/1.1 204 No Content\nx: y\n\n"), BROKEN],
  ["carriage returns alone", cut(raw("HTTP/1.1 204 No Content\r\rx: y\r\r")), BROKEN],
  ["a folded header", head("x: a\r\n b"), BROKEN],
  ["a header without a colon", head("nonsense"), BROKEN],
  ["a header without a name", head(": x"), BROKEN],
  ["a blank in a header's name", head("x y: z"), BROKEN],
  ["a blank before the colon", head("x : y"), BROKEN],
  ["NUL in a header", head("x: a\0b"), BROKEN],
  ["NUL in the status", raw("HTTP/1.1 2\x0004 No Content\r\n\r\n"), BROKEN],
  ["a carriage return in a header", head("x: a\rb"), BROKEN],
  ["20 KB of one header", head(`x: ${"y".repeat(20_000)}`), BROKEN],
  [
    "20 KB of many headers",
    head(Array.from({ length: 1000 }, (_, i) => `x-header-${i}: yyyyyyy`).join("\r\n")),
    BROKEN
  ],
  ["a status line without end", { ...raw("HTTP/1.1 204 "), endless: "No Content " }, `${TIMEOUT} | ${BROKEN}`, passing],
  ["a header without end", { ...raw("HTTP/1.1 204 No Content\r\nx: "), endless: "y" }, BROKEN],
  ["headers without end", { ...raw("HTTP/1.1 204 No Content\r\n"), endless: "x: y\r\n" }, BROKEN]
])

const framed = (headers: string, body: string) => raw(`HTTP/1.1 404 Not Found\r\n${headers}\r\n\r\n${body}`)
const inChunks = (body: string) => framed("transfer-encoding: chunked", body)
/** Whether the status is known depends on how early a parser gives up. */
const LOST = `UnexpectedResponse 404 | ${BROKEN}`

const badlyFramed = point(10, [
  ["the same content length twice", framed(`${length}\r\n${length}`, page), LOST],
  ["two content lengths that differ", framed(`${length}\r\ncontent-length: 5`, page), LOST],
  ["two content lengths in one header", framed(`${length}, ${page.length}`, page), LOST],
  ["a negative content length", framed("content-length: -1", page), LOST],
  ["a content length with a sign", framed(`content-length: +${page.length}`, page), LOST],
  ["a content length in hexadecimal", framed("content-length: 0x6b", page), LOST],
  ["a content length in words", framed("content-length: some", page), LOST],
  ["a content length beyond 64 bits", framed("content-length: 99999999999999999999999", page), LOST],
  ["a content length that is too short", cut(framed(`content-length: ${page.length - 1}`, page)), LOST],
  ["a length and chunks", framed(`${length}\r\ntransfer-encoding: chunked`, chunked(page)), LOST],
  ["chunks that are not the last encoding", cut(framed("transfer-encoding: chunked, identity", chunked(page))), LOST],
  ["an unknown transfer encoding", cut(framed("transfer-encoding: cow", page)), LOST],
  ["a transfer encoding in disguise", cut(framed("transfer-encoding: \x0bchunked", chunked(page))), LOST],
  ["a chunk of no hexadecimal size", inChunks(`zz\r\n${page}\r\n0\r\n\r\n`), LOST],
  ["a chunk of a negative size", inChunks(`-1\r\n${page}\r\n0\r\n\r\n`), LOST],
  ["a chunk beyond 64 bits", inChunks(`fffffffffffffffff\r\n${page}\r\n0\r\n\r\n`), LOST],
  ["a chunk that is longer than its size", inChunks(`5\r\n${page}\r\n0\r\n\r\n`), LOST],
  ["a chunk with line feeds alone", cut(inChunks(`${page.length.toString(16)}\n${page}\n0\n\n`)), LOST],
  ["a last chunk that is missing, and FIN", cut(inChunks(`${page.length.toString(16)}\r\n${page}\r\n`)), LOST],
  ["a last chunk that is missing, and RST", reset(inChunks(`${page.length.toString(16)}\r\n${page}\r\n`)), LOST],
  ["a last chunk that is half there", cut(inChunks(`${page.length.toString(16)}\r\n${page}\r\n0\r\n`)), LOST],
  [
    "a trailer without end",
    { ...inChunks(`${page.length.toString(16)}\r\n${page}\r\n0\r\n`), endless: "x: y\r\n" },
    LOST
  ],
  ["a body cut by FIN", cut(framed(`content-length: ${page.length + 1}`, page)), LOST],
  ["a body cut by RST", reset(framed(`content-length: ${page.length + 1}`, page)), LOST],
  ["a body without length, cut by FIN", cut(framed("x: y", page.slice(0, -1))), LOST],
  ["a body without length, cut by RST", reset({ ...framed("x: y", page.slice(0, -1)), later: [20, raw("")] }), LOST]
])

const encoded = (status: number, coding: string, body: Uint8Array) =>
  bytes(`HTTP/1.1 ${status} S\r\ncontent-encoding: ${coding}\r\ncontent-length: ${body.length}\r\n\r\n`, body)
const zip = (text: string) => gzipSync(text)
/** A megabyte that unfolds to a gigabyte: members of gzip may follow one another. */
const bomb = Buffer.concat(Array(1024).fill(gzipSync(Buffer.alloc(1024 * 1024), { level: 9 })))

const encodedBodies = point(
  11,
  [
    ["gzip", forEachStatus((status, page) => encoded(status, "gzip", zip(JSON.stringify(page)))), unexpected],
    [
      "gzip in capitals",
      forEachStatus((status, page) => encoded(status, "GZIP", zip(JSON.stringify(page)))),
      unexpected
    ],
    ["x-gzip", forEachStatus((status, page) => encoded(status, "x-gzip", zip(JSON.stringify(page)))), unexpected],
    [
      "deflate",
      forEachStatus((status, page) => encoded(status, "deflate", deflateSync(JSON.stringify(page)))),
      unexpected
    ],
    [
      "gzip that is none",
      forEachStatus((status, page) => encoded(status, "gzip", Buffer.from(JSON.stringify(page)))),
      unexpected
    ],
    [
      "gzip that is cut short",
      forEachStatus((status, page) => encoded(status, "gzip", zip(JSON.stringify(page)).subarray(0, 40))),
      unexpected
    ],
    [
      "gzip in gzip",
      forEachStatus((status, page) => encoded(status, "gzip, gzip", gzipSync(zip(JSON.stringify(page))))),
      unexpected
    ],
    [
      "gzip that is called identity too",
      forEachStatus((status, page) => encoded(status, "identity, gzip", zip(JSON.stringify(page)))),
      unexpected
    ],
    [
      "an unknown coding",
      forEachStatus((status, page) => encoded(status, "cow", Buffer.from(JSON.stringify(page)))),
      unexpected
    ],
    [
      "a hundred codings",
      forEachStatus((status, page) => encoded(status, Array(100).fill("gzip").join(", "), zip(JSON.stringify(page)))),
      unexpected,
      { except: { "FetchHttpClient.layer": [BROKEN, "fetch counts codings, and breaks off at the sixth"] } }
    ],
    ["gzip for the transfer", framed("transfer-encoding: gzip, chunked", chunked(page)), LOST],
    [
      "a gzip bomb",
      [404, 500, 503].map((status) => encoded(status, "gzip", bomb)),
      [404, 500, 503].map((status) => `UnexpectedResponse ${status}`)
    ]
  ],
  { check: (outcome) => assert(outcome._tag !== "UnexpectedResponse" || outcome.body === "") }
)

const all = [200, 302, 400, 401, 404, 500, 503]
const size = 100 * 1024 * 1024

const large = (answer: (status: number) => Answer) => all.map((status) => ({ ...answer(status), endless: "x" }))
const outcomes = all.map((status) => `UnexpectedResponse ${status}`)

const tooLarge = point(12, [
  ["100 MB that are announced", large((status) => http(status, { "content-length": String(size) })), outcomes],
  ["600 MB that are announced", large((status) => http(status, { "content-length": String(6 * size) })), outcomes],
  [
    "100 MB in one chunk",
    large((status) => http(status, { "transfer-encoding": "chunked" }, `${size.toString(16)}\r\n`)),
    outcomes
  ],
  [
    "chunks without end",
    all.map((status) => ({ ...http(status, { "transfer-encoding": "chunked" }), endless: "5\r\nhello\r\n" })),
    outcomes
  ],
  ["a body without length or end", large((status) => raw(`HTTP/1.1 ${status} S\r\n\r\n`)), outcomes],
  [
    "a documented error, and blanks without end",
    forEachStatus((status, page) => ({ ...raw(`HTTP/1.1 ${status} S\r\n\r\n${JSON.stringify(page)}`), endless: " " })),
    unexpected
  ],
  [
    "a documented error of 64 KiB and a byte",
    forEachStatus((status, page) => http(status, {}, JSON.stringify(page).padEnd(64 * 1024 + 1))),
    unexpected
  ],
  ["429 with 100 MB", { ...http(429, { "content-length": String(size) }), endless: "x" }, "RateLimited at some time"],
  ["204 with 100 MB", { ...http(204, { "content-length": String(size) }), endless: "x" }, "CustomerDeleted"],
  [
    "204 with chunks without end",
    { ...http(204, { "transfer-encoding": "chunked" }), endless: "5\r\nhello\r\n" },
    "CustomerDeleted"
  ]
])

const tooSlow = point(
  13,
  [
    ["silence", undefined, TIMEOUT],
    ["a server that takes nothing", undefined, TIMEOUT, { deaf: 600 }],
    ["half a status line", raw("HTTP/1.1 2"), TIMEOUT],
    ["a status line alone", raw("HTTP/1.1 204 No Content\r\n"), TIMEOUT],
    ["headers that don't end", raw("HTTP/1.1 204 No Content\r\nx: y\r\n"), TIMEOUT],
    ["headers and no body", forEachStatus((status) => http(status, { "content-length": "5" })).slice(2), TIMEOUT],
    ["half a body", http(404, { "content-length": String(page.length) }, page.slice(0, 40)), TIMEOUT],
    ["a body that wants one byte", http(404, { "content-length": String(page.length + 1) }, page), TIMEOUT],
    ["a body without length that doesn't end", raw(`HTTP/1.1 404 S\r\n\r\n${page}`), TIMEOUT],
    ["a last chunk that doesn't come", inChunks(`${page.length.toString(16)}\r\n${page}\r\n`), TIMEOUT],
    ["a chunk's size that doesn't end", inChunks("6"), TIMEOUT],
    ["a head of ten bytes a second", { ...http(204), pause: 100 }, TIMEOUT],
    [
      "a body of ten bytes a second",
      { ...raw("HTTP/1.1 404 S\r\n"), later: [0, { bytes: `\r\n${page}`, pause: 100 }] },
      TIMEOUT
    ],
    ["103 again and again, slowly", { bytes: "HTTP/1.1 103 Early\r\n\r\n".repeat(20), pause: 2 }, TIMEOUT],
    ["103 without end", { ...raw(""), endless: "HTTP/1.1 103 Early\r\n\r\n" }, `${TIMEOUT} | ${BROKEN}`, passing],
    ["TLS, and then silence", undefined, TIMEOUT, { tls: "good" }]
  ],
  { timeout: 300 }
)

const interruptions = point(
  14,
  [
    ["interrupted in silence", undefined, "interrupted"],
    ["interrupted amid the head", raw("HTTP/1.1 204 No Con"), "interrupted"],
    ["interrupted amid a body", http(404, { "content-length": "100" }, "{"), "interrupted"],
    ["interrupted amid chunks", inChunks("5\r\nhello\r\n"), "interrupted"],
    ["interrupted after 103", raw("HTTP/1.1 103 Early\r\n\r\n"), "interrupted"],
    ["interrupted in TLS", undefined, "interrupted", { tls: "good" }]
  ],
  { interrupted: true }
)

const fifty = (answer: Answer) => Array.from({ length: 50 }, () => answer)

const tooOften = point(15, [
  ["fifty documented errors", fifty(json(404, documented[404])), "CustomerNotFound"],
  ["fifty error pages", fifty(http(502, {}, "<h1>Sorry</h1>")), "UnexpectedResponse 502"],
  ["fifty bodies that are too long", fifty(http(502, {}, "x".repeat(200_000))), "UnexpectedResponse 502"],
  ["fifty bodies that nobody waits for", fifty(http(429, { "content-length": "1000000" })), "RateLimited at some time"],
  ["fifty bodies that nobody decodes", fifty(encoded(404, "gzip", zip(page))), "UnexpectedResponse 404"],
  ["fifty redirects", fifty(http(307, { location: "/customer/x" })), "UnexpectedResponse 307"],
  ["fifty lost connections", fifty(cut(raw(""))), BROKEN],
  ["fifty that are no HTTP", fifty(raw("SSH-2.0\r\n")), BROKEN]
])

export const wire: ReadonlyArray<Fault> = [
  ...notHttp,
  ...badlyFramed,
  ...encodedBodies,
  ...tooLarge,
  ...tooSlow,
  ...interruptions,
  ...tooOften
]
