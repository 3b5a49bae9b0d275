/** The key pair of an account, and the headers that are made of it. */
import { type Hidden, headerProblem, headersOf, invalidRequest, secretIn } from "@effect-flowwise/core"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as FiberId from "effect/FiberId"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import { type DeleteCustomerError, fromFailure } from "./DeleteCustomerError.js"
import * as Setting from "./Setting.js"

// How long a request waits for new keys before it uses the old ones.
const PATIENCE = "2 seconds"

/**
 * The key pair of one merchant account, from the vendor's dashboard.
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
 * @since 0.1.0
 * @category tags
 */
export class Credentials extends Context.Tag("@effect-flowwise/client/Credentials")<
  Credentials,
  {
    /** Runs for every request, within its time-out. */
    readonly get: Effect.Effect<ClientCredentials>
    /** Runs when the server refuses a pair. `true`: `get` now has another one, with which the request is sent again. */
    readonly renew?: (refused: ClientCredentials) => Effect.Effect<boolean>
  }
>() {
  /** The same pair for every request. A value that no header can carry is a `ConfigError`, which doesn't show it. */
  static readonly layer = (pair: ClientCredentials): Layer.Layer<Credentials, ConfigError> =>
    Layer.effect(Credentials, Effect.map(checked(pair), fixed))

  /** From `FLOWWISE_CLIENT_ID` and `FLOWWISE_CLIENT_SECRET`; white space around them is trimmed. */
  static readonly layerConfig: Layer.Layer<Credentials, ConfigError> = Layer.fresh(
    Layer.effect(
      Credentials,
      Effect.suspend(() => {
        const clientId = Setting.fromConfig("FLOWWISE_CLIENT_ID", sendable)
        const clientSecret = Setting.fromConfig("FLOWWISE_CLIENT_SECRET", sendable)
        return Effect.map(Config.all({ clientId, clientSecret }), fixed)
      })
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
    readonly timeToLive: Duration.DurationInput
  }): Layer.Layer<Credentials, E | ConfigError, R> =>
    Layer.scoped(
      Credentials,
      Effect.gen(function* () {
        const timeToLive = yield* Setting.fromOption("timeToLive", parseTimeToLive(options.timeToLive))
        // Without the span of the layer's build, which is over by then.
        const context = Context.omit(Tracer.ParentSpan)(yield* Effect.context<R>()) as Context.Context<R>
        return yield* refreshing(Effect.provide(Effect.flatMap(options.load, checked), context), timeToLive)
      })
    )
}

const refreshing = <E>(load: Effect.Effect<ClientCredentials, E>, timeToLive: Duration.Duration) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const aged = (pair: ClientCredentials) =>
      Effect.map(Clock.currentTimeMillis, (now) => ({ pair, expires: now + Duration.toMillis(timeToLive) }))
    let current = yield* Effect.flatMap(load, aged)
    let loading: Deferred.Deferred<void> | undefined

    const reload = (old: ClientCredentials, done: Deferred.Deferred<void>) =>
      Effect.option(Effect.sandbox(load)).pipe(
        // A failed load counts too: otherwise every fiber would begin its own.
        Effect.flatMap((loaded) => aged(Option.getOrElse(loaded, () => ({ ...old })))),
        Effect.tap((next) => Effect.sync(() => (current = next))),
        Effect.ensuring(
          Effect.suspend(() => {
            loading = undefined
            return Deferred.succeed(done, undefined)
          })
        )
      )
    /** The pair that comes after `old`. A load goes on even if the fiber that began it is interrupted. */
    const after = (old: ClientCredentials): Effect.Effect<ClientCredentials> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          if (current.pair !== old) return Effect.succeed(current.pair)
          const begun = loading
          loading ??= Deferred.unsafeMake<void>(FiberId.none)
          const done = loading
          const load = begun === undefined ? Effect.forkIn(Effect.interruptible(reload(old, done)), scope) : Effect.void
          return Effect.zipRight(load, restore(Effect.map(Deferred.await(done), () => current.pair)))
        })
      )
    return {
      get: Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const { expires, pair } = current
        return now < expires
          ? Effect.succeed(pair)
          : Effect.timeoutTo(after(pair), { duration: PATIENCE, onSuccess: identity, onTimeout: () => pair })
      }),
      renew: (refused: ClientCredentials) => Effect.map(after(refused), (pair) => !samePair(pair, refused))
    }
  })

const parseTimeToLive = (timeToLive: Duration.DurationInput) =>
  Either.fromOption(Duration.decodeUnknown(timeToLive), () => `must be a duration, such as "5 minutes"`)

const samePair = (one: ClientCredentials, other: ClientCredentials) =>
  Equal.equals(one.clientId, other.clientId) && Equal.equals(one.clientSecret, other.clientSecret)

const checked = (pair: ClientCredentials): Either.Either<ClientCredentials, ConfigError> =>
  Either.all({
    clientId: Setting.fromOption("clientId", sendable(pair?.clientId)),
    clientSecret: Setting.fromOption("clientSecret", sendable(pair?.clientSecret))
  })

const fixed = (pair: ClientCredentials) => ({ get: Effect.succeed(pair) })

const sendable = (value: unknown): Either.Either<Redacted.Redacted, string> => {
  const text = plain(value)
  const problem = headerProblem(text)
  return problem === undefined ? Either.right(Redacted.make(String(text))) : Either.left(problem)
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

/** Makes the keys of a pair, and keeps the last ones, because making them takes longer than sending. @internal */
export const prepareKeys = (): ((pair: ClientCredentials) => Either.Either<Keys, DeleteCustomerError>) => {
  let last: { readonly id: unknown; readonly secret: unknown; readonly keys: ReturnType<typeof keysOf> } | undefined
  return (pair) => {
    const id = plain(pair?.clientId)
    const secret = plain(pair?.clientSecret)
    if (last === undefined || last.id !== id || last.secret !== secret) {
      last = { id, secret, keys: keysOf(id, secret) }
    }
    return last.keys
  }
}

const keysOf = (
  clientId: string | undefined,
  clientSecret: string | undefined
): Either.Either<Keys, DeleteCustomerError> => {
  const problem = headerProblem(clientId) ?? headerProblem(clientSecret)
  if (problem !== undefined || clientId === undefined || clientSecret === undefined) {
    return Either.left(fromFailure(invalidRequest(`The service Credentials gave a pair in which a value ${problem}`)))
  }
  return Either.right({ headers: headersOf(clientId, clientSecret), secret: secretIn(clientSecret) })
}
