/** Points 20 to 24: what is in a body, and what must not come out of it. */

import { assert } from "vitest"
import { bytes, documented, type Fault, forEachStatus, type Outcome, point, secret, tags, unexpected } from "./Fault.js"
import { type Answer, http, json } from "./RawServer.js"

const page = JSON.stringify(documented[404])
const body = (status: number, body: Uint8Array, type = "application/json") =>
  bytes(`HTTP/1.1 ${status} S\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`, body)

const encodings = point(20, [
  ["a byte order mark", forEachStatus((status, page) => http(status, {}, `\uFEFF${JSON.stringify(page)}`)), tags],
  [
    "two byte order marks",
    forEachStatus((status, page) => http(status, {}, `\uFEFF\uFEFF${JSON.stringify(page)}`)),
    unexpected
  ],
  [
    "invalid UTF-8",
    forEachStatus((status, page) =>
      body(status, Buffer.from(JSON.stringify({ ...page, message: "\u00ff" }), "latin1"))
    ),
    unexpected
  ],
  [
    "UTF-8 that is too long",
    forEachStatus((status) =>
      body(status, Buffer.concat([Buffer.from('{"message":"'), Uint8Array.of(0xc0, 0xaf), Buffer.from(page.slice(12))]))
    ),
    unexpected
  ],
  [
    "half a character at the end",
    forEachStatus((status, page) =>
      body(status, Buffer.concat([Buffer.from(JSON.stringify(page)), Uint8Array.of(0xe2, 0x82)]))
    ),
    unexpected
  ],
  [
    "UTF-16",
    forEachStatus((status, page) => body(status, Buffer.from(`\uFEFF${JSON.stringify(page)}`, "utf16le"))),
    unexpected
  ],
  [
    "UTF-8 that is said to be UTF-16",
    forEachStatus((status, page) =>
      body(status, Buffer.from(JSON.stringify(page)), "application/json; charset=utf-16")
    ),
    tags
  ],
  [
    "half of a surrogate pair, escaped",
    forEachStatus((status, page) =>
      http(status, {}, JSON.stringify(page).replace('{"message":"', '{"message":"\\ud800'))
    ),
    tags
  ]
])

const polluting = point(
  21,
  [
    [
      "the vendor's words on the prototype",
      forEachStatus((status, page) => http(status, {}, `{"__proto__":${JSON.stringify(page)}}`)),
      unexpected
    ],
    [
      "the vendor's words in the constructor",
      forEachStatus((status, page) => http(status, {}, `{"constructor":${JSON.stringify({ prototype: page })}}`)),
      unexpected
    ],
    [
      "the vendor's words in the constructor, and others outside",
      forEachStatus((status, page) =>
        http(status, {}, `{"constructor":${JSON.stringify(page)},"message":"m","code":"c","type":"t"}`)
      ),
      unexpected
    ],
    [
      "a documented error and a prototype",
      forEachStatus((status, page) => http(status, {}, `{"__proto__":{"polluted":1},${JSON.stringify(page).slice(1)}`)),
      tags
    ]
  ],
  { check: () => assert.notProperty({}, "polluted") }
)

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)

const deep = point(22, [
  ["30,000 arrays, one in the other", forEachStatus((status) => http(status, {}, nested(30_000))), unexpected],
  ["100,000 arrays, one in the other", forEachStatus((status) => http(status, {}, nested(100_000))), unexpected],
  ["60,000 brackets that don't close", forEachStatus((status) => http(status, {}, "[".repeat(60_000))), unexpected],
  [
    "10,000 objects, one in the other",
    forEachStatus((status) => http(status, {}, `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`)),
    unexpected
  ],
  [
    "a documented error with 30,000 arrays beside it",
    forEachStatus((status, page) => http(status, {}, `{"x":${nested(30_000)},${JSON.stringify(page).slice(1)}`)),
    tags
  ]
])

const dirty = `a\u0000b\u001b[31mc\u001b]8;;http://x\u0007d\u202ee\u2066f\ng\u2028h\u0085i\u009b2Jj\ud800k${"y".repeat(3000)}`

const clean = (outcome: Outcome) => {
  for (const text of texts(outcome)) {
    assert.match(text, /^(abcdef g h ij\ufffd?ky+|z+|customer_not_found)$/)
    assert.isAtMost(text.length, 1024)
  }
}

const texts = (outcome: Outcome): ReadonlyArray<string> => {
  const id = "requestId" in outcome && outcome.requestId !== undefined ? [outcome.requestId] : []
  switch (outcome._tag) {
    case "CustomerNotFound":
      return [outcome.message, outcome.code, outcome.type, ...id]
    case "UnexpectedResponse":
      return [...(outcome.error === undefined ? [outcome.body] : Object.values(outcome.error)), ...id]
    default:
      return id
  }
}

const unclean = point(
  23,
  [
    [
      "line breaks, escape sequences and overrides in a documented error",
      json(404, { message: dirty, code: "customer_not_found", type: dirty }),
      "CustomerNotFound"
    ],
    [
      "the same in an undocumented error",
      json(403, { message: dirty, code: dirty, type: dirty }),
      "UnexpectedResponse 403"
    ],
    ["the same in a page", http(404, {}, dirty), "UnexpectedResponse 404"],
    [
      "a request id of 3,000 characters",
      [
        http(204, { "x-request-id": "z".repeat(3000) }),
        json(404, { ...documented[404], message: dirty, type: dirty }, { "x-request-id": "z".repeat(3000) })
      ],
      ["CustomerDeleted", "CustomerNotFound"]
    ]
  ],
  { check: clean }
)

const echo = (text: string): ReadonlyArray<Answer> => [
  json(404, { message: text, code: "customer_not_found", type: text }, { "x-request-id": text }),
  json(403, { message: text, code: text, type: text }),
  http(502, { "x-request-id": text }, `<p>${text}</p>`),
  http(404, {}, "x".repeat(1010) + text),
  http(404, {}, "x".repeat(16 * 1024 - 10) + text),
  http(404, {}, "x".repeat(64 * 1024 - 10) + text),
  http(302, { location: `/${encodeURIComponent(text)}` })
]

const echoed = [
  "CustomerNotFound",
  "UnexpectedResponse 403",
  "UnexpectedResponse 502",
  "UnexpectedResponse 404",
  "UnexpectedResponse 404",
  "UnexpectedResponse 404",
  "UnexpectedResponse 302"
]

// Every row is searched for the secret; `Secrets.test.ts` has its other forms, and the tracers.
const echoes = point(24, [
  ["the secret, echoed as it is", echo(secret), echoed],
  ["the secret, echoed in a URL's form", echo(encodeURIComponent(secret)), echoed],
  ["the secret, echoed in JSON's form", echo(JSON.stringify(secret).slice(1, -1)), echoed],
  ["the secret, echoed in base64", echo(Buffer.from(secret).toString("base64")), echoed],
  ["the secret for a status line", { bytes: `${secret}\r\n\r\n` }, "RequestFailed Transport unknown"]
])

export const bodies: ReadonlyArray<Fault> = [...encodings, ...polluting, ...deep, ...unclean, ...echoes]
