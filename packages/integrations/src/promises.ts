/** Plain promises. */
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ManagedRuntime from "effect/ManagedRuntime"

export const connect = () => {
  const runtime = ManagedRuntime.make(NodeFlowwise.layerConfig)
  return {
    /** Resolves to the receipt, or to an error with a `_tag`. It rejects where a setting is missing. */
    erase: (customerId: string) => runtime.runPromise(Effect.merge(deleteCustomer(customerId))),

    /** Resolves to the receipt, and throws an error with a `_tag`. */
    eraseOrThrow: async (customerId: string) =>
      Either.getOrThrowWith(await runtime.runPromise(Effect.either(deleteCustomer(customerId))), (error) => error),

    /** When this program ends, and no call is under way. */
    close: () => runtime.dispose()
  }
}
