/**
 * A service of your own on top of `ensureCustomerDeleted`: it erases a person in three systems, and tells what became of each.
 */
import { type DeleteCustomerError, ensureCustomerDeleted, type FlowwiseClient, Retry } from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Your own database, and your mail tool: stand-ins for what you have. */
export class Accounts extends Context.Tag("examples/Accounts")<
  Accounts,
  { readonly erase: (customerId: string) => Effect.Effect<void> }
>() {}

export class MailingList extends Context.Tag("examples/MailingList")<
  MailingList,
  { readonly unsubscribe: (customerId: string) => Effect.Effect<void> }
>() {}

/** What the person is told: everything is gone, or the payments are still to come. */
export type Offboarded = "Erased" | "PaymentsPending"

/** Ten more attempts over a quarter of an hour at the most, unless the server asks for longer waits than five minutes. */
const patiently = Retry.transient({ times: 10, baseDelay: "1 second", maxDelay: "5 minutes" })

export class OffboardingService extends Context.Tag("examples/OffboardingService")<
  OffboardingService,
  {
    /** Erasure can't be undone, so nothing is compensated: what failed is asked for again later. */
    readonly offboard: (customerId: string) => Effect.Effect<Offboarded, DeleteCustomerError>
  }
>() {
  static readonly layer: Layer.Layer<OffboardingService, never, FlowwiseClient | Accounts | MailingList> = Layer.effect(
    OffboardingService,
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const mailingList = yield* MailingList
      const context = yield* Effect.context<FlowwiseClient>()

      // Who asks to be forgotten is served as well where there is nothing left to forget.
      const erasePayments = (customerId: string) =>
        ensureCustomerDeleted(customerId).pipe(
          patiently,
          Effect.as("Erased" as const),
          Effect.catchIf(Retry.isTransient, () => Effect.succeed("PaymentsPending" as const)),
          Effect.provide(context)
        )

      return {
        offboard: (customerId) =>
          // The vendor first: it is the one that can refuse. Then what is ours, and is sure to work.
          erasePayments(customerId).pipe(
            Effect.tap(() => mailingList.unsubscribe(customerId)),
            Effect.tap(() => accounts.erase(customerId))
          )
      }
    })
  )
}
