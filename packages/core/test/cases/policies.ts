/** Calls as a user makes them, retries and bulk included: what the server answers, one request after the other, and what comes of it. */
import { inspect } from "node:util"
import type { Certificate } from "./certificates.js"
import { documented, type Outcome } from "./Fault.js"
import { type Answer, http, json } from "./RawServer.js"

/** Durations are in milliseconds. */
export interface Call {
  readonly operation: "deleteCustomer" | "ensureCustomerDeleted" | "deleteCustomers"
  /** One after the other; all together for `deleteCustomers`. */
  readonly ids: ReadonlyArray<string>
  /** What `Retry.transient` takes; none where it is not used. */
  readonly retry?: {
    readonly times?: number
    readonly baseDelay?: number
    readonly maxDelay?: number
    readonly attemptTimeout?: number
  }
  /** Of `deleteCustomers`. */
  readonly rateLimit?: { readonly limit: number; readonly interval: number }
  /** The client's. */
  readonly timeout?: number
  /** In place of all that the policy takes: what JavaScript lets through. */
  readonly options?: unknown
}

/** As both editions write them, but for the time of a receipt. `DeletionUnconfirmed` holds one of the others. */
type Json = Partial<Omit<Outcome, "_tag">> & { readonly _tag: string; readonly [key: string]: unknown }

export interface Policy extends Call {
  readonly name: string
  /** In turn; the last one stands for all that follow. */
  readonly answers: ReadonlyArray<Answer | undefined>
  /** What must be in each outcome, in the order of the ids. */
  readonly outcomes: ReadonlyArray<Json>
  readonly requests: number
  readonly tls?: Certificate
  /** Nobody listens at the port. */
  readonly closed?: boolean
}

const id = "cust_1"
const requestId = "req_7"
const gone = http(204, { "x-request-id": requestId })
const page = (status: keyof typeof documented) => json(status, documented[status], { "x-request-id": requestId })
const lost: Answer = { bytes: "", close: true }
const millis = (millis: number) => ({ _tag: "Millis", millis })
const receipt = { customerId: id, environment: "raw", requestId }
const words = (status: keyof typeof documented) => ({ ...documented[status], requestId })

type Row = readonly [name: string, answers: ReadonlyArray<Answer | undefined>, outcome: Json, more?: Partial<Policy>]

const rows = (
  operation: Call["operation"],
  rows: ReadonlyArray<Row>,
  all: Partial<Policy> = {}
): ReadonlyArray<Policy> =>
  rows.map(([name, answers, outcome, more]) => ({
    operation,
    ids: [id],
    requests: answers.length,
    ...all,
    ...more,
    name: `${operation}${all.retry === undefined ? "" : ", retried"}: ${name}`,
    answers,
    outcomes: more?.outcomes ?? [outcome]
  }))

const once = rows("deleteCustomer", [
  ["204", [gone], { _tag: "CustomerDeleted", ...receipt }],
  ["400", [page(400)], { _tag: "InvalidCustomerId", customerId: id, rejectedBy: "server", ...words(400) }],
  ["401", [page(401)], { _tag: "Unauthorized", ...words(401) }],
  ["404", [page(404)], { _tag: "CustomerNotFound", customerId: id, afterAmbiguousAttempt: false, ...words(404) }],
  ["500", [page(500)], { _tag: "DeletionFailed", customerId: id, ...words(500) }],
  ["429", [http(429)], { _tag: "RateLimited" }],
  ["429 for 90 seconds", [http(429, { "retry-after": "90" })], { _tag: "RateLimited", retryAfter: millis(90_000) }],
  ["202", [http(202)], { _tag: "UnexpectedResponse", status: 202, body: "" }],
  [
    "503 with a page",
    [http(503, { "retry-after": "7", "x-request-id": requestId }, "<h1>Sorry</h1>")],
    { _tag: "UnexpectedResponse", status: 503, body: "<h1>Sorry</h1>", retryAfter: millis(7000), requestId }
  ],
  [
    "403 in the vendor's form",
    [json(403, { message: "m", code: "c", type: "t" })],
    { _tag: "UnexpectedResponse", status: 403, error: { message: "m", code: "c", type: "t" } }
  ],
  ["a lost answer", [lost], { _tag: "RequestFailed", reason: "Transport", delivered: "unknown" }],
  ["silence", [undefined], { _tag: "RequestFailed", reason: "Timeout", delivered: "unknown" }, { timeout: 200 }],
  [
    "nobody listens",
    [undefined],
    { _tag: "RequestFailed", reason: "Connection", delivered: "no" },
    { closed: true, requests: 0 }
  ],
  [
    "a self-signed certificate",
    [undefined],
    { _tag: "RequestFailed", reason: "Certificate", delivered: "no" },
    { tls: "self-signed", requests: 0 }
  ],
  [
    "a timeout of 0",
    [gone],
    { _tag: "RequestFailed", reason: "InvalidRequest", delivered: "no" },
    { timeout: 0, requests: 0 }
  ],
  ...["", ".", "..", "\ud800", "x".repeat(1025)].map(
    (invalid): Row => [
      `the id ${JSON.stringify(invalid.slice(0, 8))}`,
      [gone],
      { _tag: "InvalidCustomerId", customerId: invalid, rejectedBy: "client" },
      { ids: [invalid], requests: 0 }
    ]
  )
])

const notFound = (afterAmbiguousAttempt: boolean) => ({
  _tag: "CustomerNotFound",
  customerId: id,
  afterAmbiguousAttempt
})
const now = { retry: { baseDelay: 0 } }

const retried = rows(
  "deleteCustomer",
  [
    ["a lost answer, then 404", [lost, page(404)], notFound(true)],
    ["500, then 404", [page(500), page(404)], notFound(true)],
    ["202, which no retry mends", [http(202)], { _tag: "UnexpectedResponse", status: 202 }],
    ["502, then 404", [http(502), page(404)], notFound(true)],
    ["408, then 404", [http(408), page(404)], notFound(true)],
    ["425, then 404", [http(425), page(404)], notFound(false)],
    ["429, then 404", [http(429), page(404)], notFound(false)],
    ["a lost answer, 429, then 404", [lost, http(429), page(404)], notFound(true)],
    ["503, then 204", [http(503), gone], { _tag: "CustomerDeleted", ...receipt }],
    ["401, which no retry mends", [page(401)], { _tag: "Unauthorized" }],
    ["400, which no retry mends", [page(400)], { _tag: "InvalidCustomerId", rejectedBy: "server" }],
    ["500 for ever", [page(500), page(500), page(500), page(500)], { _tag: "DeletionFailed" }],
    [
      "500 for ever, twice at most",
      [page(500), page(500)],
      { _tag: "DeletionFailed" },
      { retry: { baseDelay: 0, times: 1 } }
    ],
    [
      "429 for longer than the longest wait",
      [http(429, { "retry-after": "31" })],
      { _tag: "RateLimited", retryAfter: millis(31_000) }
    ],
    [
      "silence, cut off by attemptTimeout, then 404",
      [undefined, page(404)],
      notFound(true),
      { retry: { baseDelay: 0, attemptTimeout: 200 } }
    ],
    [
      "an attemptTimeout of 0",
      [gone],
      { _tag: "RequestFailed", reason: "InvalidRequest", delivered: "no" },
      { retry: { attemptTimeout: 0 }, requests: 0 }
    ],
    [
      "nobody listens",
      [undefined],
      { _tag: "RequestFailed", reason: "Connection", delivered: "no" },
      { closed: true, requests: 0 }
    ]
  ],
  now
)

const ensured = [
  ...rows("ensureCustomerDeleted", [
    ["204", [gone], { _tag: "CustomerDeleted", ...receipt }],
    ["404", [page(404)], { _tag: "CustomerAlreadyAbsent", ...receipt, afterAmbiguousAttempt: false }],
    ["a proxy's 404", [http(404)], { _tag: "UnexpectedResponse", status: 404 }]
  ]),
  ...rows(
    "ensureCustomerDeleted",
    [
      [
        "a lost answer, then 404",
        [lost, page(404)],
        { _tag: "CustomerAlreadyAbsent", ...receipt, afterAmbiguousAttempt: true }
      ]
    ],
    now
  )
]

const unconfirmed = (error: Json, mayBeDeleted: boolean, customerId = id) => ({
  _tag: "DeletionUnconfirmed",
  customerId,
  error,
  mayBeDeleted
})

const bulk = rows(
  "deleteCustomers",
  [
    [
      "an id twice",
      [gone, page(404)],
      { _tag: "CustomerDeleted" },
      {
        ids: [id, id],
        outcomes: [{ _tag: "CustomerDeleted" }, { _tag: "CustomerAlreadyAbsent", afterAmbiguousAttempt: false }]
      }
    ],
    ["400", [page(400)], unconfirmed({ _tag: "InvalidCustomerId", rejectedBy: "server" }, false)],
    [
      "an id that can't be sent",
      [gone],
      unconfirmed({ _tag: "InvalidCustomerId", rejectedBy: "client" }, false, ".."),
      { ids: [".."], requests: 0 }
    ],
    ["500 twice", [page(500), page(500)], unconfirmed({ _tag: "DeletionFailed", customerId: id }, true)],
    ["429 that asks for too long", [http(429, { "retry-after": "60" })], unconfirmed({ _tag: "RateLimited" }, false)],
    ["a proxy's 404", [http(404)], unconfirmed({ _tag: "UnexpectedResponse", status: 404 }, false)],
    ["a lost answer twice", [lost, lost], unconfirmed({ _tag: "RequestFailed", delivered: "unknown" }, true)],
    ["a lost answer, then a proxy's 404", [lost, http(404)], unconfirmed({ _tag: "UnexpectedResponse" }, true)],
    [
      "nobody listens",
      [undefined],
      unconfirmed({ _tag: "RequestFailed", delivered: "no" }, false),
      { closed: true, requests: 0 }
    ],
    [
      "401 ends the run",
      [gone, page(401)],
      { _tag: "CustomerDeleted" },
      {
        ids: [id, "cust_2", "cust_3"],
        outcomes: [{ _tag: "CustomerDeleted" }, { _tag: "Unauthorized" }]
      }
    ]
  ],
  { retry: { baseDelay: 0, times: 1 } }
)

/** Neither sends anything, and the error says what to correct. */
const refused = (
  options: ReadonlyArray<readonly [options: unknown, problem: string]>,
  operation: "deleteCustomer" | "deleteCustomers"
) =>
  options.flatMap(([options, problem]) => {
    const message = `${problem}. Nothing was sent`
    const error = { _tag: "RequestFailed", reason: "InvalidRequest", delivered: "no", message }
    const outcome = operation === "deleteCustomers" ? unconfirmed(error, false) : error
    return rows(operation, [[`the options ${inspect(options)}`, [gone], outcome, { options, requests: 0 }]])
  })

const delay = 'must be a duration, such as "30 seconds"'
const limit = 'must be a duration above 0, such as "30 seconds"'
const whole = "must be a whole number, such as 3"
const made = "must be what Retry.makeBudget gives"

const retries: ReadonlyArray<readonly [retry: unknown, problem: string]> = [
  [null, " must be an object"],
  ...["30 secs", "", Number.NaN, "-5 seconds"].map((maxDelay) => [{ maxDelay }, `.maxDelay ${delay}`] as const),
  [{ baseDelay: -5n }, `.baseDelay ${delay}`],
  [{ attemptTimeout: "soon" }, `.attemptTimeout ${limit}`],
  [{ times: 1.5 }, `.times ${whole}`],
  ...[500, {}].map((budget) => [{ budget }, `.budget ${made}`] as const)
]

const rate = 'options.rateLimit must be a limit above 0 and an interval, such as { limit: 100, interval: "1 minute" }'

const invalid = [
  ...refused(
    retries.map(([retry, problem]) => [retry, `options${problem}`]),
    "deleteCustomer"
  ),
  ...refused(
    [
      [null, "options must be an object"],
      [{ retry: null }, "options.retry must be an object"],
      [{ retry: { maxDelay: "30 secs" } }, `options.retry.maxDelay ${delay}`],
      ...[null, 0, { limit: 1, interval: "soon" }].map((rateLimit) => [{ rateLimit }, rate] as const),
      [{ concurrency: 0 }, "options.concurrency must be a whole number from 1 to 1000"],
      [{ haltWhen: true }, "options.haltWhen must be an Effect, such as Deferred.await(stop)"]
    ],
    "deleteCustomers"
  ),
  ...rows("deleteCustomers", [
    [
      "one String object in place of the ids",
      [gone],
      unconfirmed(
        {
          _tag: "RequestFailed",
          reason: "InvalidRequest",
          message: "The ids must be a Stream or an iterable of ids: put a single one into an array. Nothing was sent"
        },
        false,
        ""
      ),
      { ids: new String(id) as never, requests: 0 }
    ]
  ])
]

export const policies: ReadonlyArray<Policy> = [...once, ...retried, ...ensured, ...bulk, ...invalid]
