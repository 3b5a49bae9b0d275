/** Runs the shared cases on the Effect 4 edition. */
import { inspect } from "node:util"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  type Call,
  clientId,
  type Edition,
  type Ended,
  type Outcome,
  secret,
  type TransportName
} from "@effect-flowwise/core/cases"
import {
  Credentials,
  CustomerAlreadyAbsent,
  CustomerDeleted,
  DeleteCustomerError,
  type DeleteCustomersOptions,
  DeletionOutcome,
  deleteCustomer,
  deleteCustomers,
  Environment,
  ensureCustomerDeleted,
  FlowwiseClient,
  RateLimited,
  Retry,
  Transport
} from "@effect-flowwise/effect4"
import { NodeFlowwise } from "@effect-flowwise/effect4/node"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"

const over = (httpClient: Layer.Layer<HttpClient.HttpClient>) =>
  Transport.layerHttpClient.pipe(Layer.provide(httpClient))

export const transports: Record<TransportName, Layer.Layer<Transport>> = {
  "NodeFlowwise.layerTransport": NodeFlowwise.layerTransport,
  "NodeHttpClient.layerUndici": over(NodeHttpClient.layerUndici),
  "NodeHttpClient.layer": over(NodeHttpClient.layerNodeHttp),
  "FetchHttpClient.layer": over(FetchHttpClient.layer)
}

/** Those that can be told how many connections to open, told to open one. */
const poolsOfOne = {
  "NodeFlowwise.layerTransport": Layer.orDie(NodeFlowwise.layerTransportWith({ connections: 1 })),
  "NodeHttpClient.layerUndici": over(NodeHttpClient.layerUndiciOptions({ connections: 1 })),
  "NodeHttpClient.layer": over(NodeHttpClient.layerNodeHttpOptions({ maxSockets: 1 }))
}

/** The client at `baseUrl`, over `transport`. */
export const clientAt = (
  baseUrl: string,
  transport: Layer.Layer<Transport>,
  options?: Parameters<typeof FlowwiseClient.make>[0],
  account = { clientId, clientSecret: secret }
) =>
  Layer.effect(FlowwiseClient, FlowwiseClient.make(options)).pipe(
    Layer.provide([
      transport,
      Environment.layer(baseUrl, { name: "raw" }),
      Credentials.layer({ ...account, clientSecret: Redacted.make(account.clientSecret) })
    ])
  )

/** Everything that a call can come to. */
const AnyOutcome = Schema.Union([CustomerDeleted, CustomerAlreadyAbsent, DeletionOutcome, DeleteCustomerError])

export const toJson = Schema.encodeSync(AnyOutcome)
const fromJson = Schema.decodeUnknownSync(AnyOutcome)

/** Everything that a logger, a debugger or a hurried colleague may print of an outcome. */
const renderings = async (value: CustomerDeleted | DeleteCustomerError): Promise<string> => {
  const cause = value._tag === "CustomerDeleted" ? Cause.die(value) : Cause.fail(value)
  const printed: Array<unknown> = []
  for (const logger of [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple, Logger.formatStructured]) {
    await Effect.logError("deletion", value, cause).pipe(
      Effect.annotateLogs("outcome", value),
      Effect.provide(
        Logger.layer([Logger.map(logger as Logger.Logger<unknown, unknown>, (line) => printed.push(line))])
      ),
      Effect.runPromise
    )
  }
  return [
    ...printed.map((line) => (typeof line === "string" ? line : inspect(line, { depth: Infinity, showHidden: true }))),
    Cause.pretty(cause),
    String(cause),
    String(value),
    JSON.stringify(value),
    JSON.stringify(cause),
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    inspect(Exit.failCause(cause), { depth: Infinity, showHidden: true })
  ].join("\n")
}

const endOf = async (exit: Exit.Exit<Result.Result<CustomerDeleted, DeleteCustomerError>>): Promise<Ended> => {
  if (Exit.isFailure(exit)) {
    return { how: Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "a defect" }
  }
  const outcome = Result.merge(exit.value)
  return { outcome: toJson(outcome) as Outcome, printed: await renderings(outcome) }
}

/** Runs an effect, and keeps in `said` whatever is logged, at any level, and every event of a span. */
const overhearing = (said: Array<string>) => {
  const tracer = Tracer.make({
    span: (options) =>
      Object.assign(new Tracer.NativeSpan(options), {
        event: (name: string, _: bigint, attributes: unknown) => said.push(`event ${name} ${inspect(attributes)}`)
      })
  })
  const logger = Logger.make(({ cause, message }) => {
    said.push(`log ${inspect([message, cause], { depth: 9 })}`)
  })
  return <A, E, R>(self: Effect.Effect<A, E, R>) =>
    self.pipe(
      Effect.withSpan("caller"),
      Effect.withTracer(tracer),
      Effect.provide(Logger.layer([logger, Logger.tracerLogger])),
      Effect.provideService(References.MinimumLogLevel, "All")
    )
}

const transportOf = (name: TransportName, connections: 1 | undefined) =>
  connections === undefined ? transports[name] : poolsOfOne[name as keyof typeof poolsOfOne]

export const edition: Edition = {
  name: "effect4",
  openTransport: async (name, connections) => {
    const scope = Scope.makeUnsafe()
    const layer = transportOf(name, connections)
    const { send } = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), Transport)
    const fiber = Effect.runFork(Effect.never)
    return {
      send: (request, reports) => send(request, { ...reports, fiber, span: undefined }),
      close: () => Effect.runPromise(Effect.andThen(Fiber.interrupt(fiber), Scope.close(scope, Exit.void)))
    }
  },
  open: async (transport, baseUrl, timeout, connections) => {
    const scope = Scope.makeUnsafe()
    const layer = clientAt(baseUrl, transportOf(transport, connections), { timeout })
    const client = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), FlowwiseClient)
    const said: Array<string> = []
    return {
      said,
      deleteCustomer: (customerId, uninterruptible = false) => {
        const call = client.deleteCustomer(customerId).pipe(Effect.result, overhearing(said))
        const fiber = Effect.runFork(uninterruptible ? Effect.uninterruptible(call) : call)
        const ended = new Promise<Ended>((resolve) => {
          fiber.addObserver((exit) => void endOf(exit).then(resolve))
        })
        return { ended, interrupt: () => fiber.interruptUnsafe() }
      },
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  },
  perform: (transport, baseUrl, call) => {
    const layer = clientAt(baseUrl, transports[transport], call.timeout === undefined ? {} : { timeout: call.timeout })
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
    return Effect.map(Effect.result(retry === undefined ? call : call.pipe(Retry.transient(retry))), Result.merge)
  })
}
