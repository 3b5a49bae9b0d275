/** What passes between the client and a transport: a request, and what the transport reports of it. */
import { type Answer, type Headers, needsBody } from "./Answer.js"
import type { Left } from "./NoAnswer.js"

/** One `DELETE` without a body. */
export interface TransportRequest {
  /** `https://host`, with the port where it is not the default. */
  readonly origin: string
  /** Percent-encoded; to be sent as it is. */
  readonly path: string
  /** Everything but the trace. */
  readonly headers: Readonly<Record<string, string>>
  /** `traceparent` and its like; empty where there is no span, or where the user turned propagation off. */
  readonly trace: Readonly<Record<string, string>>
}

/** Makes an answer of what a transport reports: `left`, then `head`, then `body` if `head` returned `true`; or `failed`. */
export abstract class Reported {
  /** Of the answer, as soon as its head is there. */
  status: number | undefined
  protected hasLeft: Left = "no"
  private headers: Headers = none

  protected abstract answered(answer: Answer): void

  /** Just before anything leaves; `"perhaps"` where the transport can't know, so that the code of an error decides. */
  left(left: Exclude<Left, "no">): void {
    if (this.hasLeft !== "yes") this.hasLeft = left
  }

  /** The final answer's status and headers. `true`: the body is wanted. `false`: the answer is complete. */
  head(status: number, headers: Headers): boolean {
    this.status = status
    this.headers = headers
    const isWanted = needsBody(status, headers)
    if (!isWanted) this.body(undefined)
    return isWanted
  }

  /** What `bodyReader` makes of the body; `undefined` where it can't be read. */
  body(body: Answer["body"]): void {
    this.answered({ status: this.status ?? 0, headers: this.headers, body })
  }

  /** Why there is no answer. A `DeleteCustomerError` is given to the caller as it is. */
  abstract failed(error: unknown): void
}

const none = {}

/** As a transport sees it. */
export type Reports = Pick<Reported, "left" | "head" | "body" | "failed">
