/** The emulator as a stand-in for the vendor, for the clients of both editions: they have its HTTP alone in common. */
import type { Misfortune, StandIn } from "@effect-flowwise/core/cases"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
// By its path: a test of Effect 4 loads this file, and has no such package.
import { FlowwiseEmulator, type ScriptedResponse } from "../src/index.js"

const responses: Record<Misfortune, ScriptedResponse> = {
  deletionFailed: { status: 500, body: { message: "m", code: "deletion_failed", type: "t" } },
  rateLimited: { status: 429, headers: { "retry-after": "2" } },
  unavailable: { status: 503, body: "<h1>Sorry</h1>" },
  unauthorized: { status: 401, body: { message: "m", code: "c", type: "authentication_error" } },
  notFound: { status: 404, body: { message: "m", code: "customer_not_found", type: "t" } },
  invalid: { status: 400, body: { message: "m", code: "c", type: "validation_error" } },
  noAnswer: { drop: "beforeDeletion" },
  lostAnswer: { drop: "afterDeletion" }
}

export const openEmulator = async (customers: ReadonlyArray<string>) => {
  const scope = Effect.runSync(Scope.make())
  const layer = FlowwiseEmulator.layer({ customers })
  const emulator = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), FlowwiseEmulator)
  const world: Omit<StandIn, "deleteCustomer"> = {
    customers: () => Effect.runPromise(emulator.customers),
    requested: async () =>
      (await Effect.runPromise(emulator.requests)).map(({ target }) =>
        decodeURIComponent(target.slice("/customer/".length))
      ),
    create: (customerId) => Effect.runPromise(emulator.create(customerId)),
    script: (misfortune, scope) =>
      emulator
        .respondWith(responses[misfortune], scope)
        .pipe(Effect.match({ onFailure: ({ message }) => message, onSuccess: () => undefined }), Effect.runPromise),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
  const { baseUrl, clientId, clientSecret } = emulator
  return { world, baseUrl, clientId, clientSecret: Redacted.value(clientSecret) }
}
