/**
 * The emulator's own endpoint, which the vendor doesn't have: a line of a script over HTTP.
 *
 * @since 0.1.0
 */

import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { InvalidScript } from "./Script.js"

const PATH = "/_emulator/script"

/** @internal */
export const isControl = (request: HttpServerRequest.HttpServerRequest) => request.originalUrl.startsWith("/_emulator/")

/**
 * Answers in plain text, so that none of its answers looks like one of the vendor's.
 *
 * @internal
 */
export const respond = (
  request: HttpServerRequest.HttpServerRequest,
  script: {
    readonly add: (line: string) => Effect.Effect<void, InvalidScript>
    readonly clear: Effect.Effect<void>
  }
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const refuse = (status: number, why: string) => Effect.succeed(HttpServerResponse.text(`${why}\n`, { status }))
  const taken = HttpServerResponse.empty({ status: 204 })
  // A web page can send requests here. Its browser adds the header `origin`.
  if (request.headers.origin !== undefined) return refuse(403, "the emulator takes no script from a browser")
  if (request.originalUrl !== PATH) return refuse(404, `the emulator itself has ${PATH} only`)
  switch (request.method) {
    case "POST":
      return request.text.pipe(
        Effect.flatMap(script.add),
        Effect.as(taken),
        Effect.catchTags({
          RequestError: () => refuse(400, "the line can't be read: it is cut off, or longer than 64 KiB"),
          InvalidScript: ({ message }) => refuse(400, message)
        })
      )
    case "DELETE":
      return Effect.as(script.clear, taken)
    default:
      return refuse(405, "POST a line of a script, or DELETE all of it")
  }
}
