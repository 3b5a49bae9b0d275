/** What a trace and the metrics show of an attempt, by OpenTelemetry's semantic conventions, and never a customer's id. */
import type { UrlParts } from "./Request.js"

export const spanName = "DELETE /customer/{customer_id}"

/** The attributes that all attempts at one base URL share. */
export const spanAttributes = (base: Pick<UrlParts, "protocol" | "hostname"> & { readonly port: string }) => ({
  "http.request.method": "DELETE",
  "url.template": "/customer/{customer_id}",
  "server.address": base.hostname.replace(/^\[|\]$/g, ""),
  "server.port": Number(base.port) || (base.protocol === "http:" ? 80 : 443)
})

export const requestDuration = {
  name: "http.client.request.duration",
  description: "Duration of HTTP client requests",
  /** Seconds. */
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
} as const

export const deletions = {
  name: "flowwise.customer.deletions",
  description: "Attempts to delete a customer, by how they ended"
} as const

type AnyFailure = { readonly _tag: string; readonly reason?: string; readonly status?: number }

const STATUSES: { readonly [tag: string]: number } = {
  InvalidCustomerId: 400,
  Unauthorized: 401,
  CustomerNotFound: 404,
  DeletionFailed: 500,
  RateLimited: 429
}

/** The status of the answer that an error stands for, where there was one. */
export const statusOf = (error: AnyFailure): number | undefined => error.status ?? STATUSES[error._tag]

/** The `error.type` of a failed attempt: the status, or why there is no answer. */
export const errorTypeOf = (error: AnyFailure, status: number | undefined): string =>
  error._tag === "RequestFailed" ? (error.reason ?? error._tag) : status === undefined ? error._tag : String(status)
