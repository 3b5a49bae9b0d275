import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type { HttpClient } from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { afterAll, describe, it } from "@effect/vitest"
import {
  CustomerNotFound,
  DeletionFailed,
  FlowwiseClient,
  InvalidCustomerId,
  RateLimited,
  RequestFailed,
  Transport,
  Unauthorized,
  UnexpectedResponse
} from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator, FlowwiseTest, type ScriptedResponse, type ScriptOptions } from "@effect-flowwise/testing"
import { cases, type Fault, type Subject, World } from "@effect-flowwise/testing/conformance"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

const fake: Subject = (customers) =>
  Layer.effect(
    World,
    Effect.map(FlowwiseTest, (fake) => {
      const customerId = "whoever"
      const errors = {
        deletionFailed: new DeletionFailed({ customerId }),
        rateLimited: new RateLimited({ retryAfter: Option.some(Duration.seconds(2)) }),
        unavailable: new UnexpectedResponse({ status: 503 }),
        unauthorized: new Unauthorized(),
        notFound: new CustomerNotFound({ customerId }),
        invalid: new InvalidCustomerId({ customerId, rejectedBy: "server" }),
        noAnswer: new RequestFailed({ reason: "Transport", delivered: "unknown" })
      }
      return {
        customers: fake.customers,
        create: fake.create,
        requested: Effect.map(fake.requests, (all) => all.map(({ customerId }) => customerId)),
        script: (fault: Fault, options?: ScriptOptions) =>
          fault === "lostAnswer" ? fake.loseAnswer(options) : fake.fail(errors[fault], options)
      }
    })
  ).pipe(Layer.provideMerge(FlowwiseTest.layer({ customers })))

const responses: Record<Fault, ScriptedResponse> = {
  deletionFailed: { status: 500, body: { message: "m", code: "deletion_failed", type: "t" } },
  rateLimited: { status: 429, headers: { "retry-after": "2" } },
  unavailable: { status: 503, body: "<h1>Sorry</h1>" },
  unauthorized: { status: 401, body: { message: "m", code: "c", type: "authentication_error" } },
  notFound: { status: 404, body: { message: "m", code: "customer_not_found", type: "t" } },
  invalid: { status: 400, body: { message: "m", code: "c", type: "validation_error" } },
  noAnswer: { drop: "beforeDeletion" },
  lostAnswer: { drop: "afterDeletion" }
}

const emulator =
  (transport: Layer.Layer<Transport>): Subject =>
  (customers) =>
    Layer.merge(
      Layer.provide(Layer.effect(FlowwiseClient, FlowwiseClient.make()), [
        transport,
        FlowwiseEmulator.layerCredentials,
        FlowwiseEmulator.layerEnvironment
      ]),
      Layer.effect(
        World,
        Effect.map(FlowwiseEmulator, (emulator) => ({
          customers: emulator.customers,
          create: (customerId: string) =>
            Effect.promise(async () => {
              const headers = { "x-client-id": emulator.clientId, "x-client-secret": "emulator-client-secret" }
              const body = JSON.stringify({ customer_id: customerId, scope: "PROJECT" })
              await fetch(`${emulator.baseUrl}/customer`, {
                method: "POST",
                headers: { ...headers, "content-type": "application/json" },
                body
              })
            }),
          requested: Effect.map(emulator.requests, (all) =>
            all
              .filter(({ method }) => method === "DELETE")
              .map(({ target }) => decodeURIComponent(target.slice("/customer/".length)))
          ),
          script: (fault: Fault, options?: ScriptOptions) => emulator.respondWith(responses[fault], options)
        }))
      )
    ).pipe(Layer.provide(FlowwiseEmulator.layer({ customers })))

const over = (httpClient: Layer.Layer<HttpClient>) => Layer.provide(Transport.layerHttpClient, httpClient)

const subjects: ReadonlyArray<readonly [string, Subject]> = [
  ["fake", fake],
  ["NodeFlowwise", emulator(NodeFlowwise.layerTransport)],
  ["layerUndici", emulator(over(NodeHttpClient.layerUndici))],
  ["node:http", emulator(over(NodeHttpClient.layer))],
  ["fetch", emulator(over(FetchHttpClient.layer))]
]

const passed = new Set<string>()

describe.each(subjects)("conformance of %s", (name, subject) => {
  for (const { claim, customers, test } of cases(subject)) {
    it.effect(
      claim,
      () =>
        test.pipe(
          Effect.provide(subject(customers)),
          Effect.tap(() => Effect.sync(() => passed.add(`${name} ${claim}`)))
        ),
      30_000
    )
  }
})

afterAll(() => {
  const row = (claim: string, cells: ReadonlyArray<string>) =>
    `${claim.padEnd(76)}${cells.map((cell) => cell.padEnd(14)).join("")}`.trimEnd()
  const names = subjects.map(([name]) => name)
  const rows = cases(fake).map(({ claim }) =>
    row(
      claim,
      names.map((name) => (passed.has(`${name} ${claim}`) ? "ok" : "FAILED"))
    )
  )
  console.log(["", row("", ["in memory", "emulator over"]), row("", names), ...rows].join("\n"))
})
