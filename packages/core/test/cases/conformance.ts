/** What everything that stands in for the vendor must do, as steps: what is asked of it, and what must come of that. */
import { documented, type Outcome } from "./Fault.js"

/** What a stand-in can be told to do instead of its own answer. */
export const misfortunes = [
  "deletionFailed",
  "rateLimited",
  "unavailable",
  "unauthorized",
  "notFound",
  "invalid",
  "noAnswer",
  "lostAnswer"
] as const

export type Misfortune = (typeof misfortunes)[number]

/** Whom a misfortune is for, and how often. */
export interface Scope {
  readonly customerId?: string
  readonly times?: number
}

/** A part of an outcome's JSON. */
type Json = Partial<Omit<Outcome, "_tag">> & { readonly _tag: string; readonly [key: string]: unknown }

type Step =
  | { readonly delete: string; readonly gives: Json }
  /** All at once; so many of them give a deletion. */
  | { readonly deleteAtOnce: ReadonlyArray<string>; readonly deletions: number }
  | { readonly create: string }
  | ({ readonly script: Misfortune } & Scope)
  /** A script that can't be, and is refused in such words. */
  | { readonly refuses: Scope; readonly saying: RegExp }
  /** Who is left. */
  | { readonly customers: ReadonlyArray<string> }
  /** The ids that were asked for so far, in the order of arrival. */
  | { readonly requested: ReadonlyArray<string> }

export interface Conformance {
  readonly claim: string
  readonly customers: ReadonlyArray<string>
  readonly steps: ReadonlyArray<Step>
}

const notDelivered = { _tag: "RequestFailed", reason: "Transport", delivered: "unknown" }

/** What each makes of a call. */
export const outcomes: Record<Misfortune, Json> = {
  deletionFailed: { _tag: "DeletionFailed", customerId: "cust_1" },
  rateLimited: { _tag: "RateLimited", retryAfter: { _tag: "Millis", millis: 2000 } },
  unavailable: { _tag: "UnexpectedResponse", status: 503 },
  unauthorized: { _tag: "Unauthorized" },
  notFound: { _tag: "CustomerNotFound", customerId: "cust_1", afterAmbiguousAttempt: false },
  invalid: { _tag: "InvalidCustomerId", customerId: "cust_1", rejectedBy: "server" },
  noAnswer: notDelivered,
  lostAnswer: notDelivered
}

/** The error's JSON, for a fake that fails with it: of a name that an error has not, a schema takes no notice. */
export const errorOf = (misfortune: Misfortune) => ({
  message: "scripted",
  code: "c",
  type: "t",
  body: "",
  ...outcomes[misfortune]
})

export const deleted: Json = { _tag: "CustomerDeleted" }
export const notFound: Json = { _tag: "CustomerNotFound", ...documented[404] }

const strange = [
  "a/b",
  "a%2Fb",
  "%2e%2e",
  "a?b#c",
  "a\\b",
  " a ",
  "\u0000",
  "\u{1f600}",
  "\u00e9",
  "e\u0301",
  "__proto__",
  "x".repeat(1024)
]

const refused = ["", ".", "..", "\ud800", "x".repeat(1025)]

const impossible: ReadonlyArray<Scope> = [
  { times: -1 },
  { times: 0 },
  { times: 1.5 },
  { times: Number.NaN },
  { customerId: ".." },
  { customerId: "" }
]

export const conformance: ReadonlyArray<Conformance> = [
  {
    claim: "deletes a customer once",
    customers: ["cust_1", "cust_2"],
    steps: [
      { delete: "cust_1", gives: { ...deleted, customerId: "cust_1" } },
      { customers: ["cust_2"] },
      { delete: "cust_1", gives: { ...notFound, customerId: "cust_1", afterAmbiguousAttempt: false } },
      { requested: ["cust_1", "cust_1"] }
    ]
  },
  {
    claim: "knows nobody unless told, and whoever is made later",
    customers: [],
    steps: [
      { delete: "cust_1", gives: notFound },
      { create: "cust_1" },
      { create: "cust_1" },
      { customers: ["cust_1"] },
      { delete: "cust_1", gives: deleted }
    ]
  },
  {
    claim: "rejects an unknown id with a control character",
    customers: [],
    steps: [{ delete: "cust\t1", gives: { _tag: "InvalidCustomerId", rejectedBy: "server", ...documented[400] } }]
  },
  {
    claim: "never sees an id that the client refuses",
    customers: refused,
    steps: [
      { script: "deletionFailed", times: 1 },
      ...refused.map((id): Step => ({ delete: id, gives: { _tag: "InvalidCustomerId", rejectedBy: "client" } })),
      { requested: [] },
      { delete: "cust_1", gives: outcomes.deletionFailed }
    ]
  },
  {
    claim: "takes strange ids as they are",
    customers: strange,
    steps: [
      ...strange.map((id): Step => ({ delete: id, gives: { ...deleted, customerId: id } })),
      { requested: strange },
      { customers: [] }
    ]
  },
  {
    claim: "deletes for exactly one of twenty who ask at once",
    customers: ["cust_1"],
    steps: [{ deleteAtOnce: Array(20).fill("cust_1"), deletions: 1 }, { customers: [] }]
  },
  ...misfortunes.map(
    (misfortune): Conformance => ({
      claim: `script: ${misfortune}, so many times, and then works`,
      customers: ["cust_1", "cust_2"],
      steps: [
        { script: misfortune, times: 2 },
        { delete: "cust_1", gives: outcomes[misfortune] },
        { delete: "cust_1", gives: outcomes[misfortune] },
        { delete: "cust_2", gives: deleted },
        // Only a lost answer has deleted anybody.
        { customers: misfortune === "lostAnswer" ? [] : ["cust_1"] },
        // Nothing is sent again.
        { requested: ["cust_1", "cust_1", "cust_2"] }
      ]
    })
  ),
  {
    claim: "script: for one customer, always, and nobody else",
    customers: ["cust_1", "cust_2"],
    steps: [
      { script: "unavailable", customerId: "cust_1" },
      { delete: "cust_1", gives: outcomes.unavailable },
      { delete: "cust_2", gives: deleted },
      { delete: "cust_1", gives: outcomes.unavailable }
    ]
  },
  {
    claim: "script: counted steps in their order, then the latest that is not counted",
    customers: ["cust_1"],
    steps: [
      { script: "unavailable" },
      { script: "deletionFailed", times: 1 },
      { script: "rateLimited", times: 1 },
      { script: "notFound" },
      { delete: "cust_1", gives: outcomes.deletionFailed },
      { delete: "cust_1", gives: outcomes.rateLimited },
      { delete: "cust_1", gives: outcomes.notFound },
      { delete: "cust_1", gives: outcomes.notFound }
    ]
  },
  {
    claim: "script: refuses what can't happen, in words",
    customers: [],
    steps: [
      ...impossible.map((scope): Step => ({ refuses: scope, saying: /times must be|customerId is one/ })),
      { delete: "cust_1", gives: notFound }
    ]
  }
]
