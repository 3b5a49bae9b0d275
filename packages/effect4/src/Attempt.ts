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
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Tracer from "effect/Tracer"
import type { ClientCredentials, Credentials, Keys } from "./Credentials.js"
import { CustomerDeleted } from "./Customer.js"
import * as Deadline from "./Deadline.js"
import { type DeleteCustomerError, fromFailure, isOurs } from "./DeleteCustomerError.js"
import * as History from "./History.js"
import * as Telemetry from "./Telemetry.js"
import type { Transport, TransportObserver } from "./Transport.js"

/** What all attempts of a client share. @internal */
export interface Client {
  /** The environment's name. */
  readonly environment: string
  readonly host: string
  readonly origin: string
  /** Of the base URL. */
  readonly basePath: string
  readonly timeout: Duration.Duration
  readonly credentials: Credentials["Service"]
  readonly keysOf: (pair: ClientCredentials) => Result.Result<Keys, DeleteCustomerError>
  readonly transport: Transport["Service"]
  readonly telemetry: ReturnType<typeof Telemetry.make>
}

/** Sends one request. `used` gets the credentials that it was sent with. @internal */
export const attempt = (
  client: Client,
  customerId: string,
  call: Entry,
  used: (pair: ClientCredentials) => void = constVoid
): Effect.Effect<CustomerDeleted, DeleteCustomerError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiber((fiber) => {
      const deadline = Deadline.begin(fiber, client.timeout)
      const recorded = History.begin(call, fiber, customerId)
      return Effect.flatMap(client.telemetry.open(fiber, recorded.resends), (span) => {
        const exchange = new Exchange(client, customerId, fiber, span, deadline)
        const close = (exit: Exit.Exit<CustomerDeleted, DeleteCustomerError>) =>
          client.telemetry.close(fiber, span, deadline, exit, exchange.status)
        return Effect.matchCauseEffect(restore(Effect.suspend(() => exchange.outcome(used))), {
          onFailure: (cause) => {
            close(Exit.failCause(cause))
            return Exit.failCause(History.failed(recorded, cause))
          },
          onSuccess: (deleted) => {
            const exit = Exit.succeed(deleted)
            close(exit)
            recorded.succeeded()
            return exit
          }
        })
      })
    })
  )

/** A class, not closures: with many requests at once, closures end up in V8's old generation. */
class Exchange extends Reported implements TransportObserver {
  private end: (outcome: Exit.Exit<Answer, DeleteCustomerError>) => void = constVoid

  constructor(
    private readonly client: Client,
    private readonly customerId: string,
    readonly fiber: Fiber.Fiber<unknown, unknown>,
    readonly span: Tracer.Span | undefined,
    private readonly deadline: Deadline.Deadline
  ) {
    super()
  }

  outcome(used: (pair: ClientCredentials) => void): Effect.Effect<CustomerDeleted, DeleteCustomerError> {
    const { client, deadline, fiber } = this
    const shorter = fiber.getRef(Deadline.CurrentAttemptTimeout)
    if (Result.isFailure(shorter)) {
      return Effect.fail(fromFailure(invalidRequest(shorter.failure)))
    }
    return Effect.flatMap(
      Deadline.inTime(deadline, fiber, client.credentials.get, () => this.tooLate()),
      (pair) => {
        used(pair)
        const keys = client.keysOf(pair)
        return Result.isFailure(keys)
          ? Exit.fail(keys.failure)
          : Effect.flatMap(this.send(keys.success), (answer) => this.judged(answer, keys.success))
      }
    )
  }

  private send({ headers }: Keys): Effect.Effect<Answer, DeleteCustomerError> {
    const { client, customerId, deadline, fiber, span } = this
    const answer = Deadline.until<Answer, DeleteCustomerError>(
      deadline,
      (end) => {
        this.end = end
        const request = {
          origin: client.origin,
          path: pathOf(client.basePath, customerId),
          headers,
          trace: Telemetry.traceHeaders(fiber, span)
        }
        try {
          return client.transport.send(request, this)
        } catch (error) {
          this.failed(error)
          return constVoid
        }
      },
      () => this.tooLate()
    )
    return Telemetry.within(fiber, span, answer)
  }

  private judged(answer: Answer, { secret }: Keys): Exit.Exit<CustomerDeleted, DeleteCustomerError> {
    const { client, customerId, deadline } = this
    const now = deadline.clock.currentTimeMillisUnsafe()
    const outcome = judge({ customerId, host: client.host, secret }, answer, now)
    if (outcome._tag !== "CustomerDeleted") {
      return Exit.fail(fromFailure(outcome))
    }
    return Exit.succeed(
      new CustomerDeleted({
        customerId,
        environment: client.environment,
        requestId: Option.fromNullishOr(outcome.requestId),
        deletedAt: DateTime.makeUnsafe(now)
      })
    )
  }

  private tooLate(): DeleteCustomerError {
    return fromFailure(timedOut(this.client.host, Duration.format(this.deadline.limit), this.hasLeft))
  }

  protected answered(answer: Answer): void {
    this.end(Exit.succeed(answer))
  }

  failed(error: unknown): void {
    this.end(Exit.fail(isOurs(error) ? error : fromFailure(explain(error, this.hasLeft, this.client.host))))
  }
}
