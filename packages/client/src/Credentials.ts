/**
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Setting from "./Setting.js"

const MAX_LENGTH = 1024

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
 * The key pair that is sent with every request. `get` runs anew for each one, so that a rotated key takes effect at
 * once.
 *
 * Source: `securitySchemes` of the Flowwise Native API 1.0.0.
 *
 * @example
 * ```ts
 * import { Credentials } from "@effect-flowwise/client"
 * import * as Redacted from "effect/Redacted"
 *
 * const credentials = Credentials.layer({
 *   clientId: "app_1",
 *   clientSecret: Redacted.make("from your secret manager")
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Credentials extends Context.Tag("@effect-flowwise/client/Credentials")<
  Credentials,
  {
    /** Runs for every request, within its time-out. */
    readonly get: Effect.Effect<ClientCredentials>
  }
>() {
  /**
   * The same pair for every request. Surrounding white space is trimmed, since secret files end in a newline; a
   * `ConfigError` names the value that a header can't carry, and never shows it.
   */
  static readonly layer = (pair: ClientCredentials): Layer.Layer<Credentials, ConfigError> =>
    Layer.effect(
      Credentials,
      Effect.map(
        Either.all({
          clientId: Setting.fromOption("clientId", sendable(pair?.clientId)),
          clientSecret: Setting.fromOption("clientSecret", sendable(pair?.clientSecret))
        }),
        fixed
      )
    )

  /** From `FLOWWISE_CLIENT_ID` and `FLOWWISE_CLIENT_SECRET`, held to the same rules. */
  static readonly layerConfig: Layer.Layer<Credentials, ConfigError> = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      return fixed(
        yield* Config.all({
          clientId: Setting.fromConfig("FLOWWISE_CLIENT_ID", sendable),
          clientSecret: Setting.fromConfig("FLOWWISE_CLIENT_SECRET", sendable)
        })
      )
    })
  )
}

const fixed = (pair: ClientCredentials) => ({ get: Effect.succeed(pair) })

const sendable = (value: string | Redacted.Redacted) => Either.map(headerValue(value), Redacted.make<string>)

/**
 * The trimmed value that goes into a header, or what is wrong with it, without showing it.
 *
 * Source: RFC 9110 §5.5.
 *
 * @internal
 */
export const headerValue = (value: string | Redacted.Redacted): Either.Either<string, string> => {
  const plain = Either.getOrUndefined(Either.try(() => (Redacted.isRedacted(value) ? Redacted.value(value) : value)))
  if (typeof plain !== "string") {
    return Either.left("must be a string or a Redacted string")
  }
  const trimmed = plain.trim()
  if (trimmed === "") {
    return Either.left("must not be empty")
  }
  if (trimmed.length > MAX_LENGTH) {
    return Either.left(`must not be longer than ${MAX_LENGTH} characters`)
  }
  return /^[\x20-\x7e]+$/.test(trimmed)
    ? Either.right(trimmed)
    : Either.left("must be printable ASCII in one line, since it is sent as a header")
}
