/**
 * A service of your own on top of `deleteCustomer`: it erases a person in three systems, and tells what became of each.
 */
import { type DeleteCustomerError, deleteCustomer, type FlowwiseClient } from "@effect-flowwise/client"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"

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

/** Worth another try: no answer, or one that says "not now". Nothing that only a person can mend. */
const isPassing = (error: DeleteCustomerError): boolean =>
  (error._tag === "RequestFailed" && error.reason !== "InvalidRequest") ||
  error._tag === "DeletionFailed" ||
  error._tag === "RateLimited" ||
  (error._tag === "UnexpectedResponse" && error.status >= 502)

/** Ten more tries over about a quarter of an hour, each no sooner than the server asks for. */
const patiently = <A, R>(self: Effect.Effect<A, DeleteCustomerError, R>): Effect.Effect<A, DeleteCustomerError, R> =>
  self.pipe(
    Effect.tapErrorTag("RateLimited", ({ retryAfter }) => Effect.sleep(Option.getOrElse(retryAfter, () => "1 second"))),
    Effect.retry({ while: isPassing, schedule: Schedule.exponential("1 second"), times: 10 })
  )

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

      const erasePayments = (customerId: string) =>
        patiently(deleteCustomer(customerId)).pipe(
          Effect.as("Erased" as const),
          // Who asks to be forgotten is served as well where there is nothing left to forget.
          Effect.catchTag("CustomerNotFound", () => Effect.succeed("Erased" as const)),
          Effect.catchIf(isPassing, () => Effect.succeed("PaymentsPending" as const)),
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
