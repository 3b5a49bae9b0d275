import { type Hidden, headerProblem, headersOf, invalidRequest, secretIn } from "@effect-flowwise/core"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { type DeleteCustomerError, fromFailure } from "./DeleteCustomerError.js"
import * as Setting from "./Setting.js"

// How long a request waits for new keys before it uses the old ones.
const PATIENCE = "2 seconds"

/**
 * The key pair of one merchant account, from the vendor's dashboard.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientCredentials {
  /** Sent as `x-client-id`. */
  readonly clientId: string | Redacted.Redacted
  /** Sent as `x-client-secret`. */
  readonly clientSecret: Redacted.Redacted
}

/**
 * The key pair that is sent with every request. `get` runs for each one, so that a rotated key takes effect at once.
 *
 * @example
 * ```ts
 * import { Credentials } from "@effect-flowwise/effect4"
 * import * as Redacted from "effect/Redacted"
 *
 * const credentials = Credentials.layer({
 *   clientId: "app_1",
 *   clientSecret: Redacted.make("from your secret manager")
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Credentials extends Context.Service<
  Credentials,
  {
    /** Runs for every request, within its time-out. */
    readonly get: Effect.Effect<ClientCredentials>
    /**
     * Runs when the server refuses a pair. `true`: `get` now has another one, with which the request is sent again. The
     * refused request deleted nobody.
     */
    readonly renew?: (refused: ClientCredentials) => Effect.Effect<boolean>
  }
>()("@effect-flowwise/effect4/Credentials") {
  /**
   * The same pair for every request. White space around the values is trimmed, since secret files end in a newline. A value
   * that no header can carry is a `ConfigError`, which names it and doesn't show it.
   */
  static readonly layer = (pair: ClientCredentials): Layer.Layer<Credentials, Config.ConfigError> =>
    Layer.effect(Credentials, Effect.map(checked(pair), fixed))

  /** From `FLOWWISE_CLIENT_ID` and `FLOWWISE_CLIENT_SECRET`, with the same rules. */
  static readonly layerConfig: Layer.Layer<Credentials, Config.ConfigError> = Layer.fresh(
    Layer.effect(
      Credentials,
      Effect.suspend(() =>
        Effect.map(
          Config.all({
            clientId: Setting.fromConfig("FLOWWISE_CLIENT_ID", sendable),
            clientSecret: Setting.fromConfig("FLOWWISE_CLIENT_SECRET", sendable)
          }),
          fixed
        )
      )
    )
  )

  /**
   * From a secret manager. `load` runs when the layer is built, when the pair is older than `timeToLive`, and after a 401.
   * If the pair has then changed, the request is sent once more. All fibers share one run of `load`.
   *
   * The layer fails if the first `load` fails, or with a `ConfigError` if no header can carry the pair. If a later `load`
   * fails or takes longer than two seconds, the last pair stays in use. Retry, limit and log inside `load`.
   */
  static readonly layerRefreshing = <E, R>(options: {
    readonly load: Effect.Effect<ClientCredentials, E, R>
    readonly timeToLive: Duration.Input
  }): Layer.Layer<Credentials, E | Config.ConfigError, R> => Layer.effect(Credentials, refreshing(options))
}

const refreshing = Effect.fnUntraced(function* <E, R>(options: {
  readonly load: Effect.Effect<ClientCredentials, E, R>
  readonly timeToLive: Duration.Input
}) {
  const timeToLive = yield* Setting.fromOption("timeToLive", parseTimeToLive(options.timeToLive))
  // Without the span of the layer's build, which is over by then.
  const context = Context.omit(Tracer.ParentSpan)(yield* Effect.context<R>()) as Context.Context<R>
  const load = Effect.provideContext(Effect.flatMap(options.load, checked), context)
  const scope = yield* Effect.scope

  const aged = (pair: ClientCredentials) =>
    Effect.map(Clock.currentTimeMillis, (now) => ({ pair, expires: now + Duration.toMillis(timeToLive) }))
  let current = yield* Effect.flatMap(load, aged)
  let loading: Deferred.Deferred<void> | undefined

  // A load that failed or threw counts too: otherwise every fiber would begin its own.
  const reload = (old: ClientCredentials) =>
    Effect.flatMap(Effect.matchCauseEffect(load, { onFailure: () => aged({ ...old }), onSuccess: aged }), (next) =>
      Effect.sync(() => {
        current = next
      })
    )

  /** The pair that comes after `old`: a newer one, that of the load under way, or that of a new load. */
  const after = (old: ClientCredentials): Effect.Effect<ClientCredentials> =>
    Effect.uninterruptibleMask((restore) => {
      if (current.pair !== old) {
        return Effect.void
      }
      if (loading !== undefined) {
        return restore(Deferred.await(loading))
      }
      const begun = Deferred.makeUnsafe<void>()
      loading = begun
      const ended = Effect.suspend(() => {
        loading = undefined
        return Deferred.succeed(begun, undefined)
      })
      return Effect.interruptible(reload(old)).pipe(
        Effect.ensuring(ended),
        Effect.forkIn(scope),
        Effect.andThen(restore(Deferred.await(begun)))
      )
    }).pipe(Effect.andThen(Effect.sync(() => current.pair)))

  return Credentials.of({
    get: Effect.gen(function* () {
      const { expires, pair } = current
      return (yield* Clock.currentTimeMillis) < expires
        ? pair
        : yield* Effect.timeoutOrElse(after(pair), { duration: PATIENCE, orElse: () => Effect.succeed(pair) })
    }),
    renew: (refused) => Effect.map(after(refused), (pair) => !samePair(pair, refused))
  })
})

const parseTimeToLive = (timeToLive: Duration.Input) =>
  Result.fromOption(Duration.fromInput(timeToLive), () => `must be a duration, such as "5 minutes"`)

const samePair = (one: ClientCredentials, other: ClientCredentials) =>
  Equal.equals(one.clientId, other.clientId) && Equal.equals(one.clientSecret, other.clientSecret)

const checked = (pair: ClientCredentials): Effect.Effect<ClientCredentials, Config.ConfigError> =>
  Effect.all({
    clientId: Setting.fromOption("clientId", sendable(pair?.clientId)),
    clientSecret: Setting.fromOption("clientSecret", sendable(pair?.clientSecret))
  })

const fixed = (pair: ClientCredentials) => Credentials.of({ get: Effect.succeed(pair) })

const sendable = (value: unknown): Result.Result<Redacted.Redacted, string> => {
  const text = plain(value)
  const problem = headerProblem(text)
  return problem === undefined ? Result.succeed(Redacted.make(String(text))) : Result.fail(problem)
}

/** The trimmed text; `undefined` where it is no text, or a `Redacted` whose value was wiped. */
const plain = (value: unknown): string | undefined => {
  const text = Redacted.isRedacted(value) ? Option.getOrUndefined(Option.liftThrowable(Redacted.value)(value)) : value
  return typeof text === "string" ? text.trim() : undefined
}

/** The headers of a pair, and what its secret looks like in a server's words. @internal */
export interface Keys {
  readonly headers: Readonly<Record<string, string>>
  readonly secret: Hidden
}

/**
 * Makes the keys of a pair, and keeps the last ones, because making them takes longer than sending, and pairs seldom
 * change. @internal
 */
export const prepareKeys = (): ((pair: ClientCredentials) => Result.Result<Keys, DeleteCustomerError>) => {
  let lastId: unknown
  let lastSecret: unknown
  let last: Result.Result<Keys, DeleteCustomerError>
  return (pair) => {
    const clientId = plain(pair?.clientId)
    const clientSecret = plain(pair?.clientSecret)
    if (last === undefined || clientId !== lastId || clientSecret !== lastSecret) {
      last = keysOf(clientId, clientSecret)
      lastId = clientId
      lastSecret = clientSecret
    }
    return last
  }
}

const keysOf = (
  clientId: string | undefined,
  clientSecret: string | undefined
): Result.Result<Keys, DeleteCustomerError> => {
  const problem = headerProblem(clientId) ?? headerProblem(clientSecret)
  return problem !== undefined || clientId === undefined || clientSecret === undefined
    ? Result.fail(fromFailure(invalidRequest(`The service Credentials gave a pair in which a value ${problem}`)))
    : Result.succeed({ headers: headersOf(clientId, clientSecret), secret: secretIn(clientSecret) })
}
