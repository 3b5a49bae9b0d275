/**
 * Deletes a customer over real HTTP, and then meets every error that the vendor documents. Nothing leaves this machine:
 * the emulator stands in for the vendor.
 */

import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Credentials, deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import { FlowwiseEmulator } from "@effect-flowwise/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** One delete, and its outcome in words. */
const ask = (why: string, customerId: string) =>
  deleteCustomer(customerId).pipe(
    Effect.map(({ environment }) => `CustomerDeleted, by the environment "${environment}"`),
    // Misspell a tag, and this no longer compiles.
    Effect.catchTags({
      InvalidCustomerId: (error) => Effect.succeed(`InvalidCustomerId, by the ${error.rejectedBy}: ${error.message}`),
      Unauthorized: (error) => Effect.succeed(`Unauthorized: ${error.message}`),
      CustomerNotFound: (error) => Effect.succeed(`CustomerNotFound: ${error.message}`),
      DeletionFailed: (error) => Effect.succeed(`DeletionFailed: ${error.message}`)
    }),
    Effect.flatMap((outcome) =>
      Console.log(`${why}\n  deleteCustomer(${JSON.stringify(customerId)})\n  → ${outcome}\n`)
    )
  )

const serverError = {
  message: "Customer deletion failed due to server error",
  code: "deletion_failed",
  type: "server_error"
}

const wrongKey = Credentials.layer({ clientId: "someone-else", clientSecret: Redacted.make("an old key") })

const program = Effect.gen(function* () {
  const emulator = yield* FlowwiseEmulator
  const customers = Effect.map(emulator.customers, (ids) => ids.join(", ") || "nobody")
  yield* Console.log(`An emulator of the vendor listens on ${emulator.baseUrl} and knows ${yield* customers}.\n`)

  yield* Effect.gen(function* () {
    yield* ask("A customer who exists is deleted, for good.", "cust_priya")
    yield* ask("404: there is no such customer, any more.", "cust_priya")
    yield* ask("400: the server rejects the id.", "cust\t42")
    yield* ask("No status: the client refuses an id that would change the URL, and sends nothing.", "..")
    yield* emulator.respondWith({ status: 500, body: serverError }, { times: 1 })
    yield* ask("500: the server fails.", "cust_arjun")
  }).pipe(Effect.provide(NodeFlowwise.layer), Effect.provide(FlowwiseEmulator.layerCredentials))

  yield* ask("401: the credentials are not valid.", "cust_arjun").pipe(
    Effect.provide(NodeFlowwise.layer),
    Effect.provide(wrongKey)
  )

  yield* Console.log(`The emulator still knows ${yield* customers}: no error deleted anybody.`)
})

program.pipe(
  Effect.provide(FlowwiseEmulator.layerEnvironment),
  Effect.provide(FlowwiseEmulator.layer({ customers: ["cust_priya", "cust_arjun"] })),
  NodeRuntime.runMain
)
