/** Points 1 to 8: answers that are whole, and what must not be taken for a deletion or a documented error. */

import { assert } from "vitest"
import {
  BROKEN,
  chunked,
  cut,
  documented,
  type Fault,
  forEachStatus,
  type Outcome,
  point,
  reset,
  statuses,
  TIMEOUT,
  tags,
  unexpected
} from "./Fault.js"
import { type Answer, http, json } from "./RawServer.js"

const is = (status: number) => `UnexpectedResponse ${status}`

const successes: ReadonlyArray<Fault> = [
  ...point(
    1,
    [200, 201, 202, 203, 205, 206, 207, 208, 226, 299, 304].map((status) => [String(status), http(status), is(status)])
  ),
  ...point(1, [
    ["200 with the words of a deletion", json(200, { status: "DELETED", deleted: true }), is(200)],
    ["200 with the words of a documented error", json(200, documented[404]), is(200)]
  ])
]

const illegalBodies = point(2, [
  ["204", http(204), "CustomerDeleted"],
  ["204 with no header at all", { bytes: "HTTP/1.1 204 No Content\r\n\r\n" }, "CustomerDeleted"],
  ["204 without a reason", { bytes: "HTTP/1.1 204\r\n\r\n" }, "CustomerDeleted"],
  ["204 of HTTP/1.0", cut({ bytes: "HTTP/1.0 204 No Content\r\n\r\n" }), "CustomerDeleted"],
  ["204 with a length and a body", http(204, { "content-length": "5" }, "hello"), "CustomerDeleted"],
  ["204 with a chunked body", http(204, { "transfer-encoding": "chunked" }, chunked("hello")), "CustomerDeleted"],
  ["204 with a false gzip body", http(204, { "content-encoding": "gzip" }, "hello"), "CustomerDeleted"],
  ["204 with a documented error for a body", json(204, documented[404]), "CustomerDeleted"],
  ["204 with a body that is promised and never sent", http(204, { "content-length": "1000000" }), "CustomerDeleted"],
  ["204 with a body that is cut off", cut(http(204, { "content-length": "9" }, "cut")), "CustomerDeleted"],
  ["204 and RST behind it", reset({ ...http(204), later: [20, { bytes: "" }] }), "CustomerDeleted"],
  ["204, byte by byte", { ...http(204), pause: 0 }, "CustomerDeleted"]
])

const locations: ReadonlyArray<readonly [string, string | undefined]> = [
  ["to another origin", "http://127.0.0.1:ELSEWHERE/customer/0"],
  ["to another scheme", "https://127.0.0.1:ELSEWHERE/customer/0"],
  ["to the same origin", "/customer/somebody"],
  ["in a loop", ""],
  ["without a location", undefined],
  ["to a file", "file:///etc/passwd"],
  ["to something that is no URL", "http://[::bad"]
]

const redirects = point(
  3,
  locations.map(([where, location]) => [
    `301, 302, 303, 307 and 308 ${where}`,
    ({ elsewhere }) =>
      [301, 302, 303, 307, 308].map((status) =>
        http(status, location === undefined ? {} : { location: location.replace("ELSEWHERE", String(elsewhere)) })
      ),
    [301, 302, 303, 307, 308].map(is)
  ])
)

const early = (status: number) => `HTTP/1.1 ${status} Early\r\nlink: </a>; rel=preload\r\n\r\n`
const after = (interim: string, { bytes }: Answer) => ({ bytes: interim + String(bytes) })

const keptByNode: Pick<Fault, "except"> = {
  except: {
    "NodeHttpClient.layer": [
      "1 connection kept",
      "node:http hands the socket of a 101 over, and the platform's client has no ear for it"
    ]
  }
}

const interims = point(4, [
  ["103 and then 204", after(early(103), http(204)), "CustomerDeleted"],
  ["103 three times and then 404", after(early(103).repeat(3), json(404, documented[404])), "CustomerNotFound"],
  ["102 and then 204", after(early(102), http(204)), `CustomerDeleted`],
  ["100 and then 204", after("HTTP/1.1 100 Continue\r\n\r\n", http(204)), `CustomerDeleted | ${BROKEN}`],
  ["100 alone", { bytes: "HTTP/1.1 100 Continue\r\n\r\n" }, `${TIMEOUT} | ${BROKEN}`, { timeout: 300 }],
  ["103 alone", { bytes: early(103) }, TIMEOUT, { timeout: 300 }],
  ["103 and then the end", cut({ bytes: early(103) }), BROKEN],
  ["101", http(101, { upgrade: "h2c", connection: "upgrade" }), `${is(101)} | ${BROKEN}`, keptByNode],
  ["101 to nothing", http(101), `${is(101)} | ${BROKEN}`],
  [
    "101 and then 204",
    after(String(http(101, { upgrade: "x", connection: "upgrade" }).bytes), http(204)),
    `${is(101)} | ${BROKEN}`,
    keptByNode
  ]
])

const page = (status: (typeof statuses)[number]) => JSON.stringify(documented[status])
const id = { "x-request-id": "req_7" }

const inVendorsWords = (outcome: Outcome, call: number) => {
  assert("code" in outcome)
  const { message, code, type, requestId } = outcome
  assert.deepStrictEqual({ message, code, type }, documented[statuses[call]!])
  assert.strictEqual(requestId, "req_7")
  if (outcome._tag === "InvalidCustomerId") assert.strictEqual(outcome.rejectedBy, "server")
  if (outcome._tag === "CustomerNotFound") assert.strictEqual(outcome.afterAmbiguousAttempt, false)
}

const unframed = (status: number): Answer => ({
  bytes: `HTTP/1.1 ${status} Status\r\nx-request-id: req_7\r\n\r\n${page(status as 404)}`
})

const documentedErrors = [
  ...point(
    5,
    [
      ["a documented error", forEachStatus((status, page) => json(status, page, id)), tags],
      [
        "one as HTML",
        forEachStatus((status) => http(status, { ...id, "content-type": "text/html" }, page(status))),
        tags
      ],
      ["one without a content type", forEachStatus((status) => http(status, id, page(status))), tags],
      [
        "one in chunks, with a trailer",
        forEachStatus((status) =>
          http(status, { ...id, "transfer-encoding": "chunked" }, chunked(page(status), "x-checksum: 1\r\n"))
        ),
        tags
      ],
      [
        "one in chunks of a byte",
        forEachStatus((status) =>
          http(
            status,
            { ...id, "transfer-encoding": "chunked" },
            `${Array.from(page(status), (char) => `1\r\n${char}\r\n`).join("")}0\r\n\r\n`
          )
        ),
        tags
      ],
      ["one that ends with the connection, by FIN", forEachStatus((status) => cut(unframed(status))), tags],
      // Whole JSON is whole, however the connection ends. So Node's parsers have it too.
      [
        "one that ends with the connection, by RST",
        forEachStatus((status) => reset({ ...unframed(status), later: [20, { bytes: "" }] })),
        tags
      ],
      [
        "one byte by byte",
        forEachStatus((status, page) => ({ ...json(status, page, id), pause: 0 })),
        tags,
        { within: 9000 }
      ],
      [
        "one with more fields",
        forEachStatus((status, page) => json(status, { ...page, help: null, details: [{ a: 1 }] }, id)),
        tags
      ],
      [
        "one said to be identity",
        forEachStatus((status, page) => json(status, page, { ...id, "content-encoding": "Identity" })),
        tags
      ],
      [
        "one with white space around",
        forEachStatus((status, page) => http(status, id, `\n\t ${JSON.stringify(page, null, 2)}\n`)),
        tags
      ],
      [
        "one in exactly 64 KiB",
        forEachStatus((status, page) => http(status, id, JSON.stringify(page).padEnd(64 * 1024))),
        tags
      ]
    ],
    { check: inVendorsWords }
  ),
  ...point(5, [
    [
      "a documented code with another type",
      forEachStatus((status, page) => json(status, { ...page, type: "e" })),
      tags
    ],
    ["a documented type with another code", forEachStatus((status, page) => json(status, { ...page, code: "e" })), tags]
  ])
]

/** Bodies that are not the vendor's, by name; `decodes` where they have the shape of an error all the same. */
const nearMisses = (decodes: boolean, bodies: Record<string, (page: (typeof documented)[404]) => string>) =>
  point(
    6,
    Object.entries(bodies).map(([name, body]) => [
      name,
      forEachStatus((status, page) => http(status, {}, body(page as (typeof documented)[404]))),
      unexpected,
      {
        check: (outcome, call) => {
          assert(outcome._tag === "UnexpectedResponse")
          assert.strictEqual(outcome.body, body(documented[statuses[call]!] as (typeof documented)[404]))
          assert.strictEqual(outcome.error !== undefined, decodes)
        }
      }
    ])
  )

const undocumented = [
  ...nearMisses(false, {
    "an empty body": () => "",
    "a proxy's text": () => "no healthy upstream",
    "HTML with the vendor's words in it": (page) => `<html><body>${JSON.stringify(page)}</body></html>`,
    "JSON that is cut short": (page) => JSON.stringify(page).slice(0, -1),
    "JSON twice over": (page) => JSON.stringify(page).repeat(2),
    "an array": (page) => JSON.stringify([page]),
    "the vendor's words one level down": (page) => JSON.stringify({ error: page }),
    null: () => "null",
    "a string": ({ code }) => JSON.stringify(code),
    "no message": ({ code, type }) => JSON.stringify({ code, type }),
    "no code": ({ message, type }) => JSON.stringify({ message, type }),
    "no type": ({ message, code }) => JSON.stringify({ message, code }),
    "a number for a message": (page) => JSON.stringify({ ...page, message: 1 }),
    "a number for a code": (page) => JSON.stringify({ ...page, code: 1 }),
    "a list for a type": (page) => JSON.stringify({ ...page, type: [page.type] }),
    "null for a code": (page) => JSON.stringify({ ...page, code: null })
  }),
  ...nearMisses(true, {
    "another code and another type": ({ message }) => JSON.stringify({ message, code: "not_found", type: "invalid" }),
    "the code and the type in capitals": ({ message, code, type }) =>
      JSON.stringify({ message, code: code.toUpperCase(), type: type.toUpperCase() }),
    "the code and the type with a blank": (page) =>
      JSON.stringify({ ...page, code: `${page.code} `, type: ` ${page.type}` }),
    "the code for a type, and the reverse": ({ message, code, type }) =>
      JSON.stringify({ message, code: type, type: code })
  }),
  ...point(
    6,
    statuses.map((status) => [
      `${status} with the words of the three others`,
      statuses.filter((other) => other !== status).map((other) => json(status, documented[other])),
      is(status)
    ])
  )
]

const byFetch: { readonly [status: number]: Fault["except"] } = {
  407: { "FetchHttpClient.layer": [BROKEN, "fetch hides a 407 behind a network error"] },
  421: {
    "FetchHttpClient.layer": ["sent 2 times", "fetch asks once more after a 421, on a new connection"]
  }
}

const failures = point(
  7,
  [
    402, 403, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 417, 418, 421, 422, 423, 424, 425, 426, 428, 431,
    451, 501, 502, 503, 504, 505, 507, 511, 520, 599
  ].map((status) => [
    `${status}, in JSON and in HTML`,
    [
      json(status, documented[404], { "retry-after": "7" }),
      http(status, { "content-type": "text/html" }, "<h1>Sorry</h1>")
    ],
    is(status),
    {
      ...(byFetch[status] && { except: byFetch[status] }),
      check: (outcome, call) => {
        assert(outcome._tag === "UnexpectedResponse")
        assert.deepStrictEqual<unknown>(
          [outcome.error, outcome.retryAfter],
          call === 0 ? [documented[404], { _tag: "Millis", millis: 7000 }] : [undefined, undefined]
        )
      }
    }
  ])
)

const never = "RateLimited at some time"

const rateLimits = point(8, [
  ["429 that says nothing", http(429), never],
  ["429 with a documented error", json(429, documented[404], { "retry-after": "2" }), "RateLimited 2s"],
  ["429 with a page", http(429, { "retry-after": "120" }, "<h1>Slow down</h1>"), "RateLimited 2m"],
  ["429 whose body never comes", http(429, { "content-length": "1000", "retry-after": "3" }), "RateLimited 3s"],
  ...(
    [
      ["0 seconds", "0", "RateLimited 0"],
      ["a date to come", "Thu, 01 Jan 2099 00:00:00 GMT", "RateLimited 1d"],
      ["a date long past", "Thu, 01 Jan 1970 00:01:00 GMT", "RateLimited 0"],
      ["a negative number", "-5", never],
      ["a fraction", "1.5", never],
      ["a hexadecimal number", "0x10", never],
      ["an exponent", "1e3", never],
      ["a blank", " ", never],
      ["more than a day", "999999999999999999999", "RateLimited 1d"],
      ["words", "soon", never],
      ["a date that is none", "Thu, 32 Foo 2099 00:00:00 GMT", never]
    ] as const
  ).map(([name, value, outcome]) => [`429 after ${name}`, http(429, { "retry-after": value }), outcome] as const),
  [
    "429 after the same twice",
    { bytes: "HTTP/1.1 429 S\r\nretry-after: 2\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n" },
    `RateLimited 2s`
  ],
  [
    "429 after two that differ",
    { bytes: "HTTP/1.1 429 S\r\nretry-after: 2\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n" },
    never,
    { except: { "NodeHttpClient.layer": ["RateLimited 2s", "node:http drops the second header of this name"] } }
  ]
])

export const answers: ReadonlyArray<Fault> = [
  ...successes,
  ...illegalBodies,
  ...redirects,
  ...interims,
  ...documentedErrors,
  ...undocumented,
  ...failures,
  ...rateLimits
]
