/**
 * A larger workflow of your own: it erases a person at Flowwise, in your own PostgreSQL, and in a mail tool. Each is a
 * durable step, so that a restart goes on behind the last one that is done. Nothing is compensated, since an erasure can't
 * be: what fails is asked for again.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import { EngineFailed, EraseCustomer, ErasureFailed, ErasureIdTaken, InvalidErasure } from "@effect-flowwise/workflow"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

/** Your mail tool: a stand-in for what you have. To unsubscribe somebody twice does no harm. */
export class MailTool extends Context.Tag("examples/MailTool")<
  MailTool,
  { readonly unsubscribe: (customerId: string) => Effect.Effect<void, Error> }
>() {}

export const Offboarding = Workflow.make({
  name: "Offboarding",
  payload: { offboardingId: Schema.String, customerId: Schema.String },
  success: Schema.Struct({ accounts: Schema.Int }),
  error: Schema.Union(ErasureFailed, InvalidErasure, ErasureIdTaken, EngineFailed),
  idempotencyKey: ({ offboardingId }) => offboardingId
})

/** Until it works: a crash in between begins the step anew. */
const patiently = Effect.retry(Schedule.exponential("1 second").pipe(Schedule.union(Schedule.spaced("5 minutes"))))

export const layer = Offboarding.toLayer(({ customerId, offboardingId }) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const mail = yield* MailTool

    // The vendor first: it is the one that can refuse. As a child, it has its own patience, deadline and history.
    yield* EraseCustomer.execute({ erasureId: `${offboardingId}/flowwise`, customerId })

    const accounts = yield* Activity.make({
      name: "Accounts",
      success: Schema.Int,
      execute: sql`DELETE FROM accounts WHERE customer_id = ${customerId} RETURNING customer_id`.pipe(
        patiently,
        Effect.map((rows) => rows.length),
        Effect.orDie
      )
    })
    yield* Activity.make({
      name: "MailTool",
      execute: mail.unsubscribe(customerId).pipe(patiently, Effect.orDie)
    })
    return { accounts }
  })
)
