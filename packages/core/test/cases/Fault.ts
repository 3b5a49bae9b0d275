/** One row of the table of faults, and the words in which rows are written. */

import type { Failure } from "@effect-flowwise/core"
import type { Certificate } from "./certificates.js"
import type * as RawServer from "./RawServer.js"

export { documented } from "@effect-flowwise/core"

import { documented } from "@effect-flowwise/core"

/** The JSON of an outcome, as both editions write it. */
export type Outcome =
  | {
      readonly _tag: "CustomerDeleted"
      readonly customerId: string
      readonly environment: string
      readonly requestId?: string
      readonly deletedAt: string
    }
  | Failure

/** Of the credentials that every case is sent with. */
export const clientId = "app_1"
export const secret = `s3cr3t/"key\\+with=odd characters`

/** The ports of what a fault may lead to beside its own server. */
interface Ports {
  readonly own: number
  /** A server that says 204 to everybody, and must never be asked. */
  readonly elsewhere: number
  /** Where nobody listens. */
  readonly closed: number
}

/** Transports over a client of Effect's. */
export type Foreign = "NodeHttpClient.layerUndici" | "NodeHttpClient.layer" | "FetchHttpClient.layer"

type Answers = ReadonlyArray<RawServer.Answer | undefined>

export interface Fault extends More {
  readonly name: string
  /** The families: 1 to 4 look like success, 5 to 8 like a documented error, and so on, as `docs/reliability.md` has them. */
  readonly point: number
  /** What each of the calls is answered, one call after the other; `undefined` is silence. */
  readonly answers: (ports: Ports) => Answers
  /** What each call must give, as `summary` has it; several possible ones are divided by a bar. */
  readonly outcomes: ReadonlyArray<string>
}

interface More extends Pick<RawServer.Options, "greeting" | "deaf"> {
  readonly tls?: Certificate
  /** The base URL, where it is not that of the fault's own server. */
  readonly at?: (ports: Ports) => string
  /** The client's time-out in milliseconds; 10 seconds where a row should never come to it. */
  readonly timeout?: number
  /** Each call must have ended by then, in milliseconds; 3 seconds unless a row says otherwise. */
  readonly within?: number
  /** How many bytes each call may take; 256 KiB where nothing else is said. */
  readonly takes?: number
  /** The caller is interrupted once the answer has begun. */
  readonly interrupted?: boolean
  /** What a transport gives that knows whether anything left, where the others can't. */
  readonly exact?: string
  /** What else must be true of each outcome. */
  readonly check?: (outcome: Outcome, call: number) => void
  /** What a platform's client does instead, and why ours can't mend it. Ours for Node has no such excuse. */
  readonly except?: { readonly [transport in Foreign]?: readonly [verdict: string, why: string] }
}

type Row = readonly [
  name: string,
  answers: RawServer.Answer | undefined | Answers | ((ports: Ports) => Answers),
  outcomes: string | ReadonlyArray<string>,
  more?: More
]

/** The rows of one point. One answer makes one call, and one outcome stands for those of all calls. */
export const point = (point: number, rows: ReadonlyArray<Row>, all: More = {}): ReadonlyArray<Fault> =>
  rows.map(([name, answers, outcomes, more]) => ({
    ...all,
    ...more,
    name,
    point,
    answers: typeof answers === "function" ? answers : () => (isList(answers) ? answers : [answers]),
    outcomes: typeof outcomes === "string" ? [outcomes] : outcomes
  }))

const isList = (answers: RawServer.Answer | undefined | Answers): answers is Answers => Array.isArray(answers)

/** An outcome in a few words. */
export const summary = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "UnexpectedResponse":
      return `${outcome._tag} ${outcome.status}`
    case "RequestFailed":
      return `${outcome._tag} ${outcome.reason} ${outcome.delivered}`
    case "RateLimited":
      return `${outcome._tag} ${outcome.retryAfter === undefined ? "at some time" : format(outcome.retryAfter.millis)}`
    default:
      return outcome._tag
  }
}

const format = (millis: number): string => {
  const [size, unit] = (
    [
      [86_400_000, "d"],
      [60_000, "m"]
    ] as const
  ).find(([size]) => millis % size === 0) ?? [1000, "s"]
  return millis === 0 ? "0" : `${millis / size}${unit}`
}

export const statuses = [400, 401, 404, 500] as const

/** One answer for each of the documented statuses. */
export const forEachStatus = (
  answer: (status: (typeof statuses)[number], page: (typeof documented)[typeof status]) => RawServer.Answer
) => statuses.map((status) => answer(status, documented[status]))

export const tags = ["InvalidCustomerId", "Unauthorized", "CustomerNotFound", "DeletionFailed"]
export const unexpected = statuses.map((status) => `UnexpectedResponse ${status}`)

export const BROKEN = "RequestFailed Transport unknown"
export const TIMEOUT = "RequestFailed Timeout unknown"
export const BAD_CERTIFICATE = "RequestFailed Certificate no"
export const NO_CONNECTION = "RequestFailed Connection no"

export const cut = (answer: RawServer.Answer): RawServer.Answer => ({ ...answer, close: true })
export const reset = (answer: RawServer.Answer): RawServer.Answer => ({ ...answer, reset: true })

export const chunked = (body: string, trailer = "") =>
  `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n${trailer}\r\n`

export const bytes = (head: string, body: Uint8Array): RawServer.Answer => ({
  bytes: Buffer.concat([Buffer.from(head, "latin1"), body])
})
