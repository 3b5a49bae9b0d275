/** One attempt to delete one customer: history, span, credentials, send, judge, record. */
import {
  type Answer,
  type Entry,
  explain,
  invalidRequest,
  judge,
  pathOf,
  Reported,
  timedOut
} from "@effect-flowwise/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { ClientCredentials, Credentials, Keys } from "./Credentials.js"
import { CustomerDeleted } from "./Customer.js"
import { Deadline } from "./Deadline.js"
import { type DeleteCustomerError, fromFailure, isOurs } from "./DeleteCustomerError.js"
import { withoutTrailingSlash } from "./Environment.js"
import * as History from "./History.js"
import * as Telemetry from "./Telemetry.js"
import type { Transport, TransportObserver } from "./Transport.js"

/** @internal */
export interface Settings {
  /** Its name. */
  readonly environment: string
  readonly base: URL
  readonly timeout: Duration.Duration
  readonly credentials: Credentials["Type"]
  readonly keysOf: (pair: ClientCredentials) => Either.Either<Keys, DeleteCustomerError>
  readonly transport: Transport["Type"]
}

/** What all attempts of a client share. @internal */
export const makeClient = (settings: Settings) => {
  const { host, origin } = settings.base
  const basePath = withoutTrailingSlash(settings.base).slice(origin.length)
  return { ...settings, host, origin, basePath, telemetry: Telemetry.make(settings.base) }
}

type Client = ReturnType<typeof makeClient>

/** Runs an effect, which fails with `error` when the client's time-out is over. @internal */
export const inTime = <A>(client: Client, self: Effect.Effect<A>, error: DeleteCustomerError) =>
  Effect.withFiberRuntime<A, DeleteCustomerError>((fiber) => {
    const deadline = new Deadline(fiber, client.timeout, () => error)
    return Effect.onInterrupt(deadline.run(fiber, self), () => Effect.sync(() => deadline.abandon()))
  })

/** Sends one request. `used` gets the credentials that it was sent with. @internal */
export const attempt = (
  client: Client,
  customerId: string,
  call: Entry,
  used: (pair: ClientCredentials) => unknown = constVoid
): Effect.Effect<CustomerDeleted, DeleteCustomerError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiberRuntime((fiber) => {
      const deadline = new Deadline(fiber, client.timeout, () => exchange.tooLate())
      const recorded = History.begin(call, fiber, customerId)
      const span = client.telemetry.open(fiber, deadline, recorded.resends)
      const exchange: Exchange = new Exchange(client, customerId, fiber, span, deadline)
      return Effect.matchCauseEffect(restore(Effect.suspend(() => exchange.outcome(used))), {
        onFailure: (cause) => {
          deadline.abandon()
          client.telemetry.close(exchange, deadline, Exit.failCause(cause))
          return Exit.failCause(History.failed(recorded, cause))
        },
        onSuccess: (deleted) => {
          const exit = Exit.succeed(deleted)
          client.telemetry.close(exchange, deadline, exit)
          recorded.succeeded()
          return exit
        }
      })
    })
  )

/** A class, not closures: with many requests at once, closures end up in V8's old generation. */
class Exchange extends Reported implements TransportObserver {
  constructor(
    private readonly client: Client,
    private readonly customerId: string,
    readonly fiber: Fiber.RuntimeFiber<unknown, unknown>,
    readonly span: Tracer.Span | undefined,
    private readonly deadline: Deadline<DeleteCustomerError>
  ) {
    super()
  }

  outcome(used: (pair: ClientCredentials) => unknown): Effect.Effect<CustomerDeleted, DeleteCustomerError> {
    const { client, deadline, fiber } = this
    if (deadline.problem !== undefined) return fromFailure(invalidRequest(deadline.problem))
    return Effect.flatMap(deadline.run(fiber, client.credentials.get), (pair) => {
      used(pair)
      const keys = client.keysOf(pair)
      return Either.isLeft(keys)
        ? keys.left
        : Effect.flatMap(this.send(keys.right), (answer) => this.judged(answer, keys.right))
    })
  }

  private send({ headers }: Keys): Effect.Effect<Answer, DeleteCustomerError> {
    const { client, customerId, deadline, fiber, span } = this
    const { basePath, origin, transport } = client
    const begin = () => {
      const trace = Telemetry.traceHeaders(fiber, span)
      try {
        return transport.send({ origin, path: pathOf(basePath, customerId), headers, trace }, this)
      } catch (error) {
        this.failed(error)
        return constVoid
      }
    }
    return Telemetry.within(fiber, span, deadline.until<Answer>(begin))
  }

  private judged(answer: Answer, { secret }: Keys): Exit.Exit<CustomerDeleted, DeleteCustomerError> {
    const { client, customerId, deadline } = this
    const now = deadline.clock.unsafeCurrentTimeMillis()
    const outcome = judge({ customerId, host: client.host, secret }, answer, now)
    if (outcome._tag !== "CustomerDeleted") return Exit.fail(fromFailure(outcome))
    const { environment } = client
    const requestId = Option.fromNullable(outcome.requestId)
    // Unchecked: we made all four values.
    return Exit.succeed(
      new CustomerDeleted({ customerId, environment, requestId, deletedAt: DateTime.unsafeMake(now) }, true)
    )
  }

  tooLate(): DeleteCustomerError {
    return fromFailure(timedOut(this.client.host, Duration.format(this.deadline.limit), this.hasLeft))
  }

  protected answered(answer: Answer): void {
    this.deadline.end(Exit.succeed(answer))
  }

  failed(error: unknown): void {
    this.deadline.end(Exit.fail(isOurs(error) ? error : fromFailure(explain(error, this.hasLeft, this.client.host))))
  }
}
