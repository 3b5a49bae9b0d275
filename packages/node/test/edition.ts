/** Runs the shared cases on the Effect 3 packages. */
import {
  CustomerAlreadyAbsent,
  CustomerDeleted,
  DeleteCustomerError,
  DeletionOutcome,
  deleteCustomer,
  deleteCustomers,
  ensureCustomerDeleted,
  FlowwiseClient,
  Retry
} from "@effect-flowwise/client"
import type { Call, Edition, Ended, Outcome } from "@effect-flowwise/core/cases"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { clientAt, transports } from "./layers.js"
import { renderings } from "./renderings.js"

/** Everything that a call can come to. */
export const AnyOutcome = Schema.Union(CustomerDeleted, CustomerAlreadyAbsent, DeletionOutcome, DeleteCustomerError)

export const toJson = Schema.encodeSync(AnyOutcome)

const endOf = (exit: Exit.Exit<Either.Either<CustomerDeleted, DeleteCustomerError>>): Effect.Effect<Ended> => {
  if (Exit.isFailure(exit)) {
    return Effect.succeed({ how: Exit.isInterrupted(exit) ? "interrupted" : "a defect" })
  }
  const outcome = Either.merge(exit.value)
  return Effect.map(renderings(outcome), (printed) => ({ outcome: toJson(outcome) as Outcome, printed }))
}

export const edition: Edition = {
  open: async (transport, baseUrl, timeout) => {
    const scope = Effect.runSync(Scope.make())
    const layer = clientAt(baseUrl, transports[transport], { timeout })
    const client = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), FlowwiseClient)
    return {
      deleteCustomer: (customerId) => {
        const fiber = Effect.runFork(Effect.either(client.deleteCustomer(customerId)))
        const ended = new Promise<Ended>((resolve) => {
          fiber.addObserver((exit) => void Effect.runPromise(endOf(exit)).then(resolve))
        })
        return { ended, interrupt: () => fiber.unsafeInterruptAsFork(fiber.id()) }
      },
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  },
  perform: (transport, baseUrl, call) => {
    const layer = clientAt(baseUrl, transports[transport], { timeout: call.timeout })
    return Effect.runPromise(
      Effect.map(Effect.provide(outcomesOf(call), layer), (outcomes) => outcomes.map((one) => toJson(one)))
    )
  }
}

const outcomesOf = ({
  ids,
  operation,
  retry
}: Call): Effect.Effect<ReadonlyArray<typeof AnyOutcome.Type>, never, FlowwiseClient> => {
  if (operation === "deleteCustomers") {
    const outcomes: Array<typeof AnyOutcome.Type> = []
    return deleteCustomers(ids, { concurrency: 1, retry: retry ?? false }).pipe(
      Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
      Effect.match({ onFailure: (error) => [...outcomes, error], onSuccess: () => outcomes })
    )
  }
  const one = operation === "deleteCustomer" ? deleteCustomer : ensureCustomerDeleted
  return Effect.forEach(ids, (id) => {
    const call: Effect.Effect<CustomerDeleted | CustomerAlreadyAbsent, DeleteCustomerError, FlowwiseClient> = one(id)
    return Effect.map(Effect.either(retry === undefined ? call : call.pipe(Retry.transient(retry))), Either.merge)
  })
}
