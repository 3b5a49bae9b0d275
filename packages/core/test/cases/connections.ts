/** Points 16 to 19: connections that don't come about, or don't last. */

import { assert } from "vitest"
import {
  BAD_CERTIFICATE,
  BROKEN,
  cut,
  documented,
  type Fault,
  NO_CONNECTION,
  type Outcome,
  point,
  reset,
  TIMEOUT
} from "./Fault.js"
import { type Answer, http, json } from "./RawServer.js"

const saying = (code: RegExp) => ({
  check: (outcome: Outcome) => {
    assert(outcome._tag === "RequestFailed")
    assert.match(outcome.message, code)
  }
})

const none = point(16, [
  [
    "a port where nobody listens",
    undefined,
    NO_CONNECTION,
    { at: ({ closed }) => `http://127.0.0.1:${closed}`, ...saying(/\(ECONNREFUSED\)/) }
  ],
  [
    "a name with several addresses, refused at each",
    undefined,
    NO_CONNECTION,
    { at: ({ closed }) => `http://localhost:${closed}`, ...saying(/\(ECONNREFUSED\)/) }
  ],
  [
    "TLS where nobody listens",
    undefined,
    NO_CONNECTION,
    { at: ({ closed }) => `https://127.0.0.1:${closed}`, ...saying(/\(ECONNREFUSED\)/) }
  ],
  [
    "a host that nobody knows",
    undefined,
    NO_CONNECTION,
    { at: () => "https://flowwise.invalid", within: 8000, ...saying(/\((ENOTFOUND|EAI_AGAIN)\)/) }
  ],
  [
    "an address that can't be reached",
    undefined,
    NO_CONNECTION,
    { at: () => "https://224.0.0.1:40000", ...saying(/\(E[A-Z]+\)/) }
  ],
  [
    "a self-signed certificate",
    undefined,
    BAD_CERTIFICATE,
    { tls: "self-signed", ...saying(/\(DEPTH_ZERO_SELF_SIGNED_CERT\)/) }
  ],
  [
    "a certificate for another host",
    undefined,
    BAD_CERTIFICATE,
    { tls: "wrong host", ...saying(/\(ERR_TLS_CERT_ALTNAME_INVALID\)/) }
  ],
  ["a certificate of the past", undefined, BAD_CERTIFICATE, { tls: "expired", ...saying(/\(CERT_HAS_EXPIRED\)/) }],
  [
    "a handshake that never ends",
    undefined,
    NO_CONNECTION,
    {
      at: ({ own }) => `https://127.0.0.1:${own}`,
      timeout: 13_000,
      within: 14_000,
      ...saying(/\(UND_ERR_CONNECT_TIMEOUT\)/),
      except: {
        "NodeHttpClient.layer": [TIMEOUT, "node:http has no time-out for a connection, so that only ours strikes"]
      }
    }
  ]
])

const raw = (bytes: string): Answer => ({ bytes })
const page = JSON.stringify(documented[404])
const half = `HTTP/1.1 404 Not Found\r\ncontent-length: ${page.length}\r\n\r\n${page.slice(0, 20)}`

const lost = point(17, [
  ["FIN as soon as somebody connects", undefined, BROKEN, { greeting: cut(raw("")) }],
  // The client may see it before it has sent anything.
  ["RST as soon as somebody connects", undefined, `${NO_CONNECTION} | ${BROKEN}`, { greeting: reset(raw("")) }],
  ["FIN after the request", cut(raw("")), BROKEN],
  ["RST after the request", reset(raw("")), BROKEN],
  ["FIN amid the status line", cut(raw("HTTP/1.1 2")), BROKEN],
  ["RST amid the status line", reset({ ...raw("HTTP/1.1 2"), later: [20, raw("")] }), BROKEN],
  ["FIN amid the headers", cut(raw("HTTP/1.1 204 No Content\r\nx: y\r\n")), BROKEN],
  ["RST amid the headers", reset({ ...raw("HTTP/1.1 204 No Content\r\nx: y\r\n"), later: [20, raw("")] }), BROKEN],
  ["FIN amid the body", cut(raw(half)), "UnexpectedResponse 404"],
  ["RST amid the body", reset({ ...raw(half), later: [20, raw("")] }), "UnexpectedResponse 404"],
  ["FIN after a documented error", cut(json(404, documented[404])), "CustomerNotFound"],
  ["TLS, and FIN after the request", cut(raw("")), BROKEN, { tls: "good" }],
  ["TLS, and FIN amid the body", cut(raw(half)), "UnexpectedResponse 404", { tls: "good" }]
])

const found = json(404, documented[404])
const later = (answer: Answer, milliseconds: number, then: Answer) => ({
  ...answer,
  later: [milliseconds, then] as const
})
const either = `CustomerNotFound | ${BROKEN}`
const stray = String(http(204).bytes)

const reused = point(18, [
  ["a good connection, used three times", [found, found, found], "CustomerNotFound"],
  ["a connection that closes when it is idle", [later(found, 30, cut(raw(""))), found], ["CustomerNotFound", either]],
  ["a connection that breaks when it is idle", [later(found, 30, reset(raw(""))), found], ["CustomerNotFound", either]],
  ["a connection that closes right behind an answer", [cut(found), found], ["CustomerNotFound", either]],
  ["a connection that closes at the second request", [found, cut(raw(""))], ["CustomerNotFound", BROKEN]],
  ["a connection that breaks at the second request", [found, reset(raw(""))], ["CustomerNotFound", BROKEN]],
  [
    "a connection that is said to close, and doesn't",
    [json(404, documented[404], { connection: "close" }), found],
    "CustomerNotFound"
  ],
  [
    "a connection that is said to last a second",
    [json(404, documented[404], { "keep-alive": "timeout=1" }), found],
    "CustomerNotFound"
  ],
  [
    "a connection that is said to last for ever",
    [json(404, documented[404], { "keep-alive": "timeout=999999999999" }), found],
    "CustomerNotFound"
  ],
  ["a second answer, right behind the first", [raw(found.bytes + stray), found], [either, either]],
  [
    "a second answer, while the connection is idle",
    [later(found, 30, raw(stray)), found],
    ["CustomerNotFound", either]
  ],
  [
    "a second head, while the connection is idle",
    [later(found, 30, raw("HTTP/1.1 204 No Content\r\nx: ")), found],
    ["CustomerNotFound", either]
  ],
  ["garbage, right behind an answer", [raw(`${String(found.bytes)}\0\0garbage`), found], [either, either]],
  [
    "garbage, while the connection is idle",
    [later(found, 30, raw("\0\0garbage\r\n\r\n")), found],
    ["CustomerNotFound", either]
  ],
  [
    "a 204 with a body that looks like an answer",
    [http(204, { "content-length": String(stray.length) }, stray), found],
    ["CustomerDeleted", either]
  ],
  [
    "a 204 with chunks that look like an answer",
    [http(204, { "transfer-encoding": "chunked" }, stray), found],
    ["CustomerDeleted", either]
  ],
  [
    "a time-out, and its answer late",
    [later(raw(""), 400, http(204)), found],
    [TIMEOUT, "CustomerNotFound"],
    { timeout: 300 }
  ]
])

const wrongScheme = point(19, [
  [
    "https to a plain port",
    undefined,
    BROKEN,
    { at: ({ own }) => `https://127.0.0.1:${own}`, greeting: http(400), exact: NO_CONNECTION }
  ],
  [
    "https to a plain port that answers what it got",
    undefined,
    BROKEN,
    { at: ({ own }) => `https://127.0.0.1:${own}`, greeting: raw("what?\r\n"), exact: NO_CONNECTION }
  ],
  [
    "https to a port that closes",
    undefined,
    NO_CONNECTION,
    { at: ({ own }) => `https://127.0.0.1:${own}`, greeting: cut(raw("")) }
  ],
  [
    "https to a port that breaks",
    undefined,
    NO_CONNECTION,
    { at: ({ own }) => `https://127.0.0.1:${own}`, greeting: reset(raw("")) }
  ],
  ["http to a TLS port", undefined, BROKEN, { at: ({ own }) => `http://127.0.0.1:${own}`, tls: "good" }],
  ["TLS of the past", undefined, BROKEN, { tls: "old TLS", exact: NO_CONNECTION }],
  ["TLS for clients with a certificate", undefined, BROKEN, { tls: "for clients it knows" }],
  ["TLS that is good", found, "CustomerNotFound", { tls: "good" }]
])

export const connections: ReadonlyArray<Fault> = [...none, ...lost, ...reused, ...wrongScheme]
