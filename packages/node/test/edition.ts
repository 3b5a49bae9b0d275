/** Runs the shared cases on the Effect 3 packages. */
import { inspect } from "node:util"
import {
  CustomerAlreadyAbsent,
  CustomerDeleted,
  DeleteCustomerError,
  type DeleteCustomersOptions,
  DeletionOutcome,
  deleteCustomer,
  deleteCustomers,
  ensureCustomerDeleted,
  FlowwiseClient,
  RateLimited,
  Retry,
  Transport
} from "@effect-flowwise/client"
import {
  type Call,
  type Edition,
  type Ended,
  summary as inWords,
  makeCertificates,
  type Outcome,
  type TransportName
} from "@effect-flowwise/core/cases"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { clientAt, poolsOfOne, transports } from "./layers.js"
import { renderings } from "./renderings.js"

/** Everything that a call can come to. */
const AnyOutcome = Schema.Union(CustomerDeleted, CustomerAlreadyAbsent, DeletionOutcome, DeleteCustomerError)

const toJson = Schema.encodeSync(AnyOutcome)
const fromJson = Schema.decodeUnknownSync(AnyOutcome)

const endOf = (exit: Exit.Exit<Either.Either<CustomerDeleted, DeleteCustomerError>>): Effect.Effect<Ended> => {
  if (Exit.isFailure(exit)) {
    return Effect.succeed({ how: Exit.isInterrupted(exit) ? "interrupted" : "a defect" })
  }
  const outcome = Either.merge(exit.value)
  return Effect.map(renderings(outcome), (printed) => ({ outcome: toJson(outcome) as Outcome, printed }))
}

/** Runs an effect, and keeps in `said` whatever is logged, at any level, and every event of a span. */
const overhearing =
  (said: Array<string>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Effect.tracer, (native) => {
      const span: Tracer.Tracer["span"] = (...options) => {
        const opened = native.span(...options)
        return Object.assign(opened, {
          event: (name: string, _: bigint, attributes: unknown) => said.push(`event ${name} ${inspect(attributes)}`)
        })
      }
      const logger = Logger.make(({ annotations, cause, message }) => {
        said.push(`log ${inspect([message, cause, annotations], { depth: 9 })}`)
      })
      return self.pipe(
        Effect.withSpan("caller"),
        Effect.withTracer(Tracer.make({ span, context: (execute) => execute() })),
        Logger.withMinimumLogLevel(LogLevel.All),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
    })

const transportOf = (name: TransportName, connections: 1 | undefined) =>
  connections === undefined ? transports[name] : poolsOfOne[name as keyof typeof poolsOfOne]

export const edition: Edition = {
  name: "effect3",
  openTransport: async (name, connections) => {
    const scope = Effect.runSync(Scope.make())
    const layer = transportOf(name, connections)
    const { send } = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), Transport)
    const fiber = Effect.runFork(Effect.never)
    return {
      send: (request, reports) => send(request, { ...reports, fiber, span: undefined }),
      close: () => Effect.runPromise(Effect.zipRight(Fiber.interrupt(fiber), Scope.close(scope, Exit.void)))
    }
  },
  open: async (transport, baseUrl, timeout, connections) => {
    const scope = Effect.runSync(Scope.make())
    const layer = clientAt(baseUrl, transportOf(transport, connections), { timeout })
    const client = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), FlowwiseClient)
    const said: Array<string> = []
    return {
      said,
      deleteCustomer: (customerId, uninterruptible = false) => {
        const call = client.deleteCustomer(customerId).pipe(Effect.either, overhearing(said))
        const fiber = Effect.runFork(uninterruptible ? Effect.uninterruptible(call) : call)
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
  },
  reread: (json) => {
    const value = fromJson(json)
    return { json: toJson(value), isEqual: Equal.equals(fromJson(json), value) }
  },
  byHand: () =>
    Object.fromEntries(
      [Duration.millis(1.5), Duration.nanos(1_500_001n), Duration.infinity].map((wait) => [
        `a wait of ${Duration.format(wait)}`,
        toJson(new RateLimited({ retryAfter: Option.some(wait) }))
      ])
    )
}

const outcomesOf = ({
  ids,
  operation,
  rateLimit,
  options,
  retry = options as NonNullable<Call["retry"]> | undefined
}: Call): Effect.Effect<ReadonlyArray<typeof AnyOutcome.Type>, never, FlowwiseClient> => {
  if (operation === "deleteCustomers") {
    const outcomes: Array<typeof AnyOutcome.Type> = []
    const all = options === undefined ? { concurrency: 1, rateLimit, retry: retry ?? false } : options
    return deleteCustomers(ids, all as DeleteCustomersOptions).pipe(
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

/** An outcome in a few words. */
export const summary = (outcome: typeof AnyOutcome.Type): string => inWords(toJson(outcome) as Outcome)

/** What a TLS server on loopback may show, until the scope closes. */
export const makeTls = Effect.map(
  Effect.acquireRelease(Effect.promise(makeCertificates), ({ restore }) => Effect.sync(restore)),
  ({ options }) => options
)
