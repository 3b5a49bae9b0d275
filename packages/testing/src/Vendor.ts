/**
 * The vendor in memory, on which both the fake and the emulator are built.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { errors } from "./FlowwiseApi.js"

/** @internal */
export interface Vendor {
  readonly customers: Effect.Effect<ReadonlyArray<string>>
  readonly create: (customerId: string) => Effect.Effect<void>
  readonly delete: (
    customerId: string
  ) => Effect.Effect<void, typeof errors.InvalidCustomerId.Type | typeof errors.CustomerNotFound.Type>
}

/** @internal */
export const make = (customers: Iterable<string> = []): Vendor => {
  const known = new Set(customers)
  return {
    customers: Effect.sync(() => Array.from(known)),
    create: (customerId) => Effect.sync(() => void known.add(customerId)),
    delete: (customerId) =>
      Effect.suspend(() => {
        if (known.delete(customerId)) {
          return Effect.void
        }
        // The page doesn't say which formats are invalid. No id of a known customer is.
        return Effect.fail(
          /\p{Cc}/u.test(customerId) ? errors.InvalidCustomerId.documented : errors.CustomerNotFound.documented
        )
      })
  }
}
