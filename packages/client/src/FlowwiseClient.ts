/**
 * The service, its layers, and `deleteCustomer` from the caller down to the answer. `Transport.ts` has the bytes.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import type * as Clock from "effect/Clock"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { constVoid } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.js"
import { type ClientCredentials, Credentials, headerValue } from "./Credentials.js"
import { CustomerAlreadyAbsent, CustomerDeleted, whyRefused } from "./Customer.js"
import {
  CustomerNotFound,
  type DeleteCustomerError,
  DeletionFailed,
  documented,
  ErrorResponse,
  InvalidCustomerId,
  RateLimited,
  Unauthorized,
  UnexpectedResponse
} from "./DeleteCustomerError.js"
import { Environment, parseBaseUrl } from "./Environment.js"
import { parseRetryAfter } from "./RetryAfter.js"
import { customerIdIn, type Hidden, secretIn, tidy } from "./ServerText.js"
import * as Telemetry from "./Telemetry.js"
import { bounded, parseTimeout, whole } from "./TimeLimit.js"
import * as Transport from "./Transport.js"

/**
 * Erases customers at one Flowwise environment with one account.
 *
 * A request is sent once and is bounded by `timeout`. Retries are the caller's: they compose on top.
 *
 * @example
 * ```ts
 * import { deleteCustomer, FlowwiseClient } from "@effect-flowwise/client"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const program = deleteCustomer("cust_priya_sharma_2024").pipe(
 *   Effect.provide(FlowwiseClient.layerConfig.pipe(Layer.provide(FetchHttpClient.layer)))
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class FlowwiseClient extends Context.Tag("@effect-flowwise/client/FlowwiseClient")<
  FlowwiseClient,
  {
    /** The environment's name. */
    readonly environment: string
    /** As the function `deleteCustomer`, at this environment with this account. */
    readonly deleteCustomer: (customerId: string) => Effect.Effect<CustomerDeleted, DeleteCustomerError>
  }
>() {
  /**
   * - `timeout`: for one request, from the credentials to the end of the body; 30 seconds unless told otherwise.
   * - `transformClient`: put around the `HttpClient` once, say for a proxy's headers. Whatever it adds, one call sends
   *   one request.
   */
  static readonly make = (
    options: {
      readonly transformClient?: (client: HttpClient.HttpClient) => HttpClient.HttpClient
      readonly timeout?: Duration.DurationInput
    } = {}
  ): Effect.Effect<FlowwiseClient["Type"], never, HttpClient.HttpClient | Credentials | Environment> =>
    Effect.gen(function* () {
      const httpClient = yield* HttpClient.HttpClient
      const credentials = yield* Credentials
      const environment = yield* Environment

      // The types and the layers of `Environment` refuse these; JavaScript, and a service made by hand, do not.
      const settings = Either.all({
        base: Either.mapLeft(parseBaseUrl(environment.baseUrl, true), (problem) => `The base URL ${problem}`),
        timeout: parseTimeout(options.timeout ?? "30 seconds", "timeout")
      })
      if (Either.isLeft(settings)) {
        return {
          environment: environment.name,
          deleteCustomer: () => Effect.fail(Transport.invalidRequest(settings.left))
        }
      }
      const { base, timeout } = settings.right
      const { host } = base
      const transport = Transport.make(httpClient, options.transformClient, base)
      const observed = Telemetry.make(base)
      // Keys seldom change, and to check, encode and hide a pair takes longer than to send it.
      const hidden = lastOf(secretIn)
      const prepared = lastOf((clientId: ClientCredentials["clientId"]) =>
        lastOf((clientSecret: ClientCredentials["clientSecret"]) =>
          Either.map(requestHeaders({ clientId, clientSecret }), (headers) => ({
            request: transport.prepare(headers),
            secret: hidden(headers["x-client-secret"])
          }))
        )
      )

      /** One request, and what its answer means. `used` is told which credentials it was sent with. */
      const request =
        (customerId: string, used: (pair: ClientCredentials) => void) =>
        (attempt: Attempt.Attempt): Effect.Effect<CustomerDeleted, DeleteCustomerError> =>
          Effect.flatMap(transport.before(attempt, credentials.get), (pair) => {
            used(pair)
            const keys = prepared(pair?.clientId)(pair?.clientSecret)
            return Either.isLeft(keys)
              ? keys.left
              : Effect.flatMap(transport.send(attempt, keys.right.request, customerId), (response) => {
                  attempt.status = response.status
                  const read = () => transport.read(attempt, response)
                  const { secret } = keys.right
                  return judge(
                    { customerId, environment: environment.name, host, response, secret, read },
                    attempt.clock
                  )
                })
          })

      /** Sends once more where the server refused a pair and there is another by now: the first one deleted nobody. */
      const withRenewal = (
        renew: NonNullable<typeof credentials.renew>,
        attempt: (used: (pair: ClientCredentials) => void) => Effect.Effect<CustomerDeleted, DeleteCustomerError>
      ) =>
        Effect.suspend(() => {
          let refused: ClientCredentials
          return Effect.catchTag(
            attempt((pair) => {
              refused = pair
            }),
            "Unauthorized",
            (error) =>
              Effect.if(
                bounded(renew(refused), whole(timeout), () => error),
                { onTrue: () => attempt(constVoid), onFalse: () => error }
              )
          )
        })

      return {
        environment: environment.name,
        deleteCustomer: (customerId: string) => {
          const problem = whyRefused(customerId)
          if (problem !== undefined) {
            return new InvalidCustomerId({
              message: `${problem}. Nothing was sent`,
              customerId: typeof customerId === "string" ? customerId : "",
              rejectedBy: "client"
            })
          }
          const attempt = Attempt.call(customerId, timeout, observed)
          return credentials.renew === undefined
            ? attempt(request(customerId, constVoid))
            : withRenewal(credentials.renew, (used) => attempt(request(customerId, used)))
        }
      }
    })

  /** `make` with its defaults. */
  static readonly layer: Layer.Layer<FlowwiseClient, never, HttpClient.HttpClient | Credentials | Environment> =
    Layer.effect(FlowwiseClient, FlowwiseClient.make())

  /** Credentials and environment from `FLOWWISE_…` settings. */
  static readonly layerConfig: Layer.Layer<FlowwiseClient, ConfigError, HttpClient.HttpClient> =
    FlowwiseClient.layer.pipe(Layer.provide([Credentials.layerConfig, Environment.layerConfig]))
}

/**
 * Deletes one customer, for good.
 *
 * Sends one `DELETE /customer/{customer_id}` and succeeds only where the answer is a 204. It never retries, and ends
 * within the client's `timeout`.
 *
 * - `InvalidCustomerId`: 400, or an id that can't be sent; then nothing was.
 * - `Unauthorized`: 401, the credentials are not valid here.
 * - `CustomerNotFound`: 404, the vendor knows no such customer.
 * - `DeletionFailed`: 500, the vendor failed.
 * - `RateLimited`: 429, with `retryAfter` where the server gave one.
 * - `UnexpectedResponse`: any other answer, a proxy's error page for example.
 * - `RequestFailed`: no answer; `delivered` tells whether the customer may be deleted all the same.
 *
 * Source: `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0; RFC 9110 §9.3.5.
 *
 * @example
 * ```ts
 * import { deleteCustomer } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 *
 * const forget = (customerId: string) =>
 *   deleteCustomer(customerId).pipe(
 *     Effect.tap((deleted) => Effect.log(`Deleted in ${deleted.environment}`)),
 *     Effect.catchTag("CustomerNotFound", () => Effect.log("There was nothing to delete"))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const deleteCustomer = (
  customerId: string
): Effect.Effect<CustomerDeleted, DeleteCustomerError, FlowwiseClient> => {
  // A client's effect remembers its earlier runs, so that it must be the same one for a client.
  const call = lastOf((client: FlowwiseClient["Type"]) => client.deleteCustomer(customerId))
  return Effect.flatMap(FlowwiseClient, call)
}

/**
 * Makes sure that a customer is gone: as `deleteCustomer`, with a 404 for a success.
 *
 * The receipt tells the two apart: `CustomerDeleted`, or `CustomerAlreadyAbsent` where the vendor knew no such customer.
 * After an attempt whose answer was lost the latter says `afterAmbiguousAttempt: true`. It never retries either.
 *
 * Source: `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0; RFC 9110 §9.2.2.
 *
 * @example
 * ```ts
 * import { ensureCustomerDeleted, Retry } from "@effect-flowwise/client"
 * import * as Effect from "effect/Effect"
 *
 * const forget = (customerId: string) =>
 *   ensureCustomerDeleted(customerId).pipe(
 *     Retry.transient(),
 *     Effect.tap((receipt) => Effect.log(`${receipt._tag} in ${receipt.environment}`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const ensureCustomerDeleted = (
  customerId: string
): Effect.Effect<
  CustomerDeleted | CustomerAlreadyAbsent,
  Exclude<DeleteCustomerError, CustomerNotFound>,
  FlowwiseClient
> =>
  Effect.catchTag(deleteCustomer(customerId), "CustomerNotFound", ({ afterAmbiguousAttempt, requestId }) =>
    Effect.gen(function* () {
      const { environment } = yield* FlowwiseClient
      const observedAt = yield* DateTime.now
      return new CustomerAlreadyAbsent({ customerId, environment, requestId, afterAmbiguousAttempt, observedAt })
    })
  )

/** Two variables and no object, for the reason that `Attempt` is a class. */
const lastOf = <K, A>(make: (key: K) => A) => {
  let last: K | typeof NONE = NONE
  let value: A
  return (key: K): A => {
    if (last !== key) {
      value = make(key)
      last = key
    }
    return value
  }
}

const NONE = Symbol()

const requestHeaders = (pair: ClientCredentials) =>
  Either.all({ "x-client-id": headerValue(pair?.clientId), "x-client-secret": headerValue(pair?.clientSecret) }).pipe(
    Either.mapBoth({
      onLeft: (problem) => Transport.invalidRequest(`The service Credentials gave a pair in which a value ${problem}`),
      onRight: (headers) => ({ ...headers, accept: "application/json", "accept-encoding": "identity" })
    })
  )

interface Answer {
  readonly customerId: string
  readonly environment: string
  readonly host: string
  readonly secret: Hidden
  readonly response: HttpClientResponse.HttpClientResponse
  /** Reads the body, in time. */
  readonly read: () => ReturnType<ReturnType<typeof Transport.make>["read"]>
}

/** Only 204 is a deletion, and only the vendor's own words make a documented error. */
const judge = (answer: Answer, clock: Clock.Clock): Effect.Effect<CustomerDeleted, DeleteCustomerError> => {
  const { headers, status } = answer.response
  const requestId = Option.fromNullable(headers["x-request-id"]).pipe(
    Option.map((id) => tidy(id, answer.secret)),
    Option.filter((id) => id !== "")
  )
  if (status === 204) {
    Transport.release(answer.response)
    const { customerId, environment } = answer
    const deletedAt = DateTime.unsafeMake(clock.unsafeCurrentTimeMillis())
    // Unchecked: all four are ours.
    return Effect.succeed(new CustomerDeleted({ customerId, environment, requestId, deletedAt }, true))
  }
  const retryAfter = parseRetryAfter(answer.response, clock.unsafeCurrentTimeMillis())
  if (status === 429) {
    Transport.release(answer.response)
    return new RateLimited({ retryAfter, requestId })
  }
  return Effect.flatMap(answer.read(), (body): Effect.Effect<never, DeleteCustomerError> => {
    const vendor = Option.flatMap(body, ({ text, complete }) => (complete ? decodeErrorResponse(text) : Option.none()))
    return Option.getOrElse(
      Option.flatMapNullable(vendor, (said) => documentedError(answer, said, requestId)),
      () =>
        new UnexpectedResponse({
          message: `${answer.host} answered ${status}${meaning(status)}`,
          status,
          error: Option.map(vendor, (said) => Record.map(said, (text) => tidy(text, answer.secret))),
          body: Option.match(body, { onNone: () => "", onSome: ({ text }) => tidy(text, answer.secret) }),
          retryAfter,
          requestId
        })
    )
  })
}

const decodeErrorResponse = Schema.decodeUnknownOption(Schema.parseJson(ErrorResponse))

const documentedError = (
  { customerId, response: { status }, secret }: Answer,
  said: typeof ErrorResponse.Type,
  requestId: Option.Option<string>
): DeleteCustomerError | undefined => {
  const page: typeof ErrorResponse.Type | undefined = documented[status as keyof typeof documented]
  if (said.code !== page?.code && said.type !== page?.type) {
    return undefined
  }
  const fields = {
    message: tidy(said.message, secret, customerIdIn(customerId, said.message)),
    code: tidy(said.code, secret),
    type: tidy(said.type, secret),
    requestId
  }
  switch (status) {
    case 400:
      return new InvalidCustomerId({ customerId, rejectedBy: "server", ...fields })
    case 401:
      return new Unauthorized(fields)
    case 404:
      return new CustomerNotFound({ customerId, ...fields })
    case 500:
      return new DeletionFailed({ customerId, ...fields })
  }
}

/** What an answer that is not documented most likely means, and what to do about it. */
const meaning = (status: number): string => {
  if (status in documented) {
    return ", but not in the vendor's documented words: a proxy or a wrong base URL is likely. Look at the body, and check the base URL"
  }
  if (status >= 200 && status < 300) {
    return ", and only 204 confirms a deletion: the customer may or may not be deleted. Ask again; a 404 then means gone"
  }
  if (status === 0 || (status >= 300 && status < 400)) {
    return ", a redirect, which is never followed, since it would take the secret along. Check the base URL"
  }
  if (status === 403 || status === 407) {
    return ": access is refused. Check the account's permissions, its allowed addresses, and the proxy"
  }
  if (status === 408 || status === 425 || status >= 500) {
    return ": it can't answer now. The customer may or may not be deleted; ask again later"
  }
  return ", which is not documented for this operation. Look at the body, and check the base URL"
}
