// The same calls for every runtime, transport and edition. They are in promises, which both editions of Effect have.

/** Deletes one customer: the receipt or the error, as JSON. Rejects where it is interrupted. */
type Delete = (customerId: string, signal?: AbortSignal) => Promise<object>

/** A client of the emulator's account. `close` frees its connections. */
export type MakeClient = (
  baseUrl: string,
  timeout: number
) => { readonly delete: Delete; readonly close: () => Promise<void> }

export const account = { clientId: "emulator-client-id", clientSecret: "emulator-client-secret" }

/** What the emulator does beyond its own answers. */
export const script = [
  { customerId: "cust_silent", never: true },
  { customerId: "cust_interrupted", never: true },
  { customerId: "cust_slow", delay: "500 millis" },
  { customerId: "cust_dropped", drop: "afterDeletion", times: 1 }
]

export interface Smoke {
  /** Deleted, absent, refused unsent, timed out, deleted again, interrupted. */
  readonly outcomes: ReadonlyArray<object>
  /** Of a deletion whose connection, used before, ends without an answer. */
  readonly dropped: object
}

export const smoke = async (make: MakeClient, baseUrl: string): Promise<Smoke> => {
  const client = make(baseUrl, 30_000)
  const hasty = make(baseUrl, 500)
  const outcomes = [
    await client.delete("cust_1"),
    await client.delete("cust_absent"),
    await client.delete(".."),
    await hasty.delete("cust_silent")
  ]

  const controller = new AbortController()
  const interrupted = client.delete("cust_interrupted", controller.signal).catch(() => ({ _tag: "interrupted" }))
  outcomes.push(await client.delete("cust_slow")) // meanwhile the other one is under way
  controller.abort()
  outcomes.push(await interrupted)

  const dropped = await client.delete("cust_dropped")
  await Promise.all([client.close(), hasty.close()])
  return { outcomes: outcomes.map(alike), dropped: alike(dropped) }
}

/** Without what differs from run to run: the time, and the number of the request. */
const alike = ({ deletedAt, requestId, ...outcome }: { deletedAt?: string; requestId?: string }): object => outcome
