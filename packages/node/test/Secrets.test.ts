import { inspect } from "node:util"
import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import { CustomerDeleted, DeleteCustomerError, deleteCustomer, FlowwiseClient } from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"
import { clientAt, httpClients, overWrapped, secret, transports } from "./layers.js"
import * as OpenTelemetry from "./OpenTelemetry.js"
import * as RawServer from "./RawServer.js"
import { http, json } from "./RawServer.js"
import { assertNoSecret, forms, renderings } from "./renderings.js"

const customerId = "cust_priya/2024"

const answers = Object.entries(forms).flatMap(([form, text]): ReadonlyArray<readonly [string, RawServer.Answer]> => {
  // A header can't hold a control character.
  const headers = { "x-request-id": `req ${text.replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, "")}` }
  const edge = "x".repeat(1024 - 20)
  return [
    [
      `${form} in a documented message`,
      json(404, { message: `no ${text}`, code: "customer_not_found", type: text }, headers)
    ],
    [
      `${form} in a documented message, at the edge`,
      json(500, { message: edge + text, code: "deletion_failed", type: "" })
    ],
    [`${form} in a documented code`, json(404, { message: "no", code: text, type: "resource_error" }, headers)],
    [`${form} in an undocumented error`, json(403, { message: text, code: text, type: text }, headers)],
    [`${form} in a page`, http(502, headers, `<p>x-client-secret: ${text}</p>`)],
    [`${form} in a page, at the edge`, http(404, {}, edge + text)],
    [`${form} in a redirect`, http(302, { ...headers, location: `/?secret=${encodeURIComponent(text)}` })],
    [`${form} beside a rate limit`, http(429, headers, text)],
    [`${form} beside a deletion`, http(204, headers)]
  ]
})

/** Runs an effect, and gathers all that it tells loggers, and the tracer and metrics of the real OpenTelemetry SDK. */
const overhearing = Effect.map(OpenTelemetry.make(), ({ context, metrics, reset, spans }) => {
  const logged: Array<unknown> = []
  const logger = Logger.replace(
    Logger.defaultLogger,
    Logger.map(Logger.structuredLogger, (line) => logged.push(line))
  )
  return <A, E>(self: Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      reset()
      logged.length = 0
      const result = yield* self.pipe(
        Effect.withSpan("caller"),
        Logger.withMinimumLogLevel(LogLevel.All),
        Effect.provide([logger, Layer.succeedContext(context)])
      )
      const told = spans().map(({ name, attributes, events, links, status }) => ({
        name,
        attributes,
        events,
        links,
        status
      }))
      return { result, said: inspect([told, yield* metrics, logged], { depth: Infinity, showHidden: true }) }
    })
})

describe.each(Object.entries(transports))("secrets over %s", (_, transport) => {
  it.scoped(
    "no rendering of any outcome, and nothing that loggers, tracers and metrics are told, holds the secret",
    () =>
      Effect.gen(function* () {
        let current = answers[0]![1]
        const server = yield* RawServer.make(() => current)
        const client = Context.get(yield* Layer.build(clientAt(server.baseUrl, transport)), FlowwiseClient)
        const overhear = yield* overhearing
        for (const [name, answer] of answers) {
          current = answer
          const { result, said } = yield* overhear(Effect.either(client.deleteCustomer(customerId)))
          const outcome = Either.merge(result)
          assertNoSecret(yield* renderings(outcome), name)
          assertNoSecret(said, `${name}: overheard`)
          assert.include(said, "DELETE /customer/{customer_id}")
          assert.notInclude(said, "priya", `${name}: names the customer`)
          assert.notInclude(said, "x-client", `${name}: shows a header`)
          if ("message" in outcome) assert.notInclude(outcome.message, "priya")
        }
      }),
    60_000
  )

  it.scoped("the secret is no part of what goes wrong on the way", () =>
    Effect.gen(function* () {
      const closed = yield* Effect.scoped(
        Effect.map(
          RawServer.make(() => undefined),
          ({ baseUrl }) => baseUrl
        )
      )
      const broken = yield* RawServer.make(() => ({ bytes: `${secret}\r\n\r\n`, close: true }))
      const overhear = yield* overhearing
      for (const baseUrl of [closed, broken.baseUrl]) {
        const { result, said } = yield* overhear(
          Effect.flip(deleteCustomer(customerId)).pipe(Effect.provide(clientAt(baseUrl, transport)))
        )
        assert(result._tag === "RequestFailed")
        assertNoSecret(yield* renderings(result), baseUrl)
        assertNoSecret(said, "overheard")
        assert.notInclude(result.message, "priya")
      }
    })
  )

  it.scoped("a service that was built in one runtime says no more in another", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(404, {}, secret))
      const context = yield* Layer.build(clientAt(server.baseUrl, transport))
      const client = Context.get(context, FlowwiseClient)
      const overhear = yield* overhearing
      const { result, said } = yield* Effect.promise(() =>
        Effect.runPromise(overhear(Effect.flip(client.deleteCustomer(customerId))))
      )
      assertNoSecret(yield* renderings(result), "the error")
      assertNoSecret(said, "overheard")
      assert.notInclude(said, "priya")
    })
  )

  it.scoped("a secret across the edge where reading stops is gone, whatever vanishes before it", () =>
    Effect.gen(function* () {
      const before: Record<string, (length: number) => string> = {
        text: (length) => "x".repeat(length),
        controls: (length) => "\0".repeat(length),
        "line breaks": (length) => "\n".repeat(length),
        "other echoes": (length) => secret.repeat(length / secret.length).padStart(length, " ")
      }
      const bodies = Object.entries(before).flatMap(([name, filler]) =>
        [64 * 1024, 16 * 1024].map(
          (edge) => [`${name} ${edge}`, filler(edge - 20) + secret + "x".repeat(70_000)] as const
        )
      )
      const server = yield* RawServer.make((target) => http(502, {}, bodies[Number(target.split("/")[2])]![1]))
      const found = yield* Effect.forEach(bodies, (_, index) => Effect.flip(deleteCustomer(String(index)))).pipe(
        Effect.provide(clientAt(server.baseUrl, transport))
      )
      for (const [index, error] of found.entries()) {
        assertNoSecret(yield* renderings(error), bodies[index]![0])
      }
    })
  )

  it.scoped("a body that is made to keep a pattern busy takes no time", () =>
    Effect.gen(function* () {
      const busy = [
        `\u001b${";".repeat(65_000)}`,
        "\u001b(".repeat(30_000),
        "\\".repeat(65_000),
        secret.slice(0, -1).repeat(2000)
      ]
      const server = yield* RawServer.make((target) => http(502, {}, busy[Number(target.split("/")[2])]))
      yield* Effect.forEach(busy, (_, index) => Effect.flip(deleteCustomer(String(index)))).pipe(
        Effect.provide(clientAt(server.baseUrl, transport))
      )
    })
  )

  it.scoped("a message names no customer, in whatever spelling the server has it", () =>
    Effect.gen(function* () {
      const ids = ["priya", "a/b c", 'pri"ya', "pri<ya", "caf\u00e9-1", "pri.ya+1", "\u{1f600}priya", "x".repeat(1024)]
      const spellings = (id: string) => [
        id,
        encodeURIComponent(id),
        encodeURIComponent(id).toLowerCase(),
        encodeURIComponent(id).replaceAll("%20", "+"),
        JSON.stringify(id).slice(1, -1),
        id.normalize("NFD"),
        id.toUpperCase()
      ]
      let message = ""
      const server = yield* RawServer.make(() => json(404, { message, code: "customer_not_found", type: "t" }))
      const client = Context.get(yield* Layer.build(clientAt(server.baseUrl, transport)), FlowwiseClient)
      for (const id of ids) {
        for (const spelling of spellings(id)) {
          message = `No customer ${spelling}, or '${spelling}', or /customer/${spelling}?a=%20${spelling}.`
          const error = yield* Effect.flip(client.deleteCustomer(id))
          assert.strictEqual(
            error.message,
            "No customer {customer_id}, or '{customer_id}', or /customer/{customer_id}?a=%20{customer_id}.",
            message
          )
        }
      }
      // A short id is no reason to tear words apart.
      message = "The customer was not found"
      assert.strictEqual((yield* Effect.flip(client.deleteCustomer("e"))).message, message)
      assert.strictEqual((yield* Effect.flip(client.deleteCustomer("\u0000"))).message, message)
    })
  )

  it.scoped("nesting that is 60,000 deep survives every rendering", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make((target) =>
        http(404, {}, target.endsWith("1") ? "[".repeat(60_000) : `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`)
      )
      for (const id of ["1", "2"]) {
        const error = yield* Effect.flip(deleteCustomer(id)).pipe(Effect.provide(clientAt(server.baseUrl, transport)))
        assert.strictEqual(error._tag, "UnexpectedResponse")
        yield* renderings(error)
      }
    })
  )

  it.scoped("errors and deletions are plain data: JSON there and back gives an equal value", () =>
    Effect.gen(function* () {
      const Outcome = Schema.parseJson(Schema.Union(CustomerDeleted, DeleteCustomerError))
      const server = yield* RawServer.make((target) => answers[Number(target.split("/")[2])]![1])
      const outcomes = yield* Effect.forEach(answers, (_, index) => Effect.either(deleteCustomer(String(index)))).pipe(
        Effect.provide(clientAt(server.baseUrl, transport))
      )
      for (const outcome of outcomes.map(Either.merge)) {
        const back = yield* Schema.decode(Outcome)(yield* Schema.encode(Outcome)(outcome))
        assert(Equal.equals(back, outcome), outcome._tag)
        assert.notProperty(outcome, "cause")
      }
    })
  )
})

describe.each(Object.entries(httpClients))("secrets over a wrapped %s", (_, httpClient) => {
  it.scoped("a wrapper that logs what it sends shows no key, and one that opens spans no header", () =>
    Effect.gen(function* () {
      const server = yield* RawServer.make(() => http(204))
      const wrap = (client: HttpClient.HttpClient) =>
        client.pipe(
          HttpClient.tapRequest((request) => Effect.log("sends", request)),
          HttpClient.transformResponse(Effect.withSpan("proxy"))
        )
      const context = yield* Layer.build(clientAt(server.baseUrl, overWrapped(httpClient, wrap)))
      const overhear = yield* overhearing
      const { said } = yield* overhear(Context.get(context, FlowwiseClient).deleteCustomer(customerId))
      assert.include(said, "x-client-secret")
      assertNoSecret(said, "overheard")
      assert.include(said, "proxy")
      assert.notInclude(said, "http.request.header")
    })
  )
})
