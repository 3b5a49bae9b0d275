/** Which installation of Flowwise is asked. */
import { baseUrlProblem, environments } from "@effect-flowwise/core"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Setting from "./Setting.js"

/**
 * Which installation of Flowwise is asked: the vendor's sandbox, its production, or your own.
 * @since 0.1.0
 * @category tags
 */
export class Environment extends Context.Tag("@effect-flowwise/client/Environment")<
  Environment,
  {
    /** In every receipt, so that nobody takes a deletion in the sandbox for one in production. */
    readonly name: string
    /** Absolute, without a trailing slash. */
    readonly baseUrl: string
  }
>() {
  /** A host of your own. Default `name`: the host. Plain `http:` to another machine needs `allowHttp`. */
  static readonly layer = (baseUrl: string, options?: EnvironmentOptions): Layer.Layer<Environment, ConfigError> =>
    Layer.effect(
      Environment,
      options?.name === undefined || (typeof options.name === "string" && options.name.trim() !== "")
        ? Setting.fromOption("baseUrl", selfHosted(baseUrl, options))
        : Setting.fromOption("name", Either.left("must be a text that is not blank"))
    )

  /** `https://sandbox.flowwise.com/router`, named `"sandbox"`. */
  static readonly layerSandbox: Layer.Layer<Environment> = Layer.sync(Environment, () => environments.sandbox)

  /** `https://app.flowwise.com/router`, named `"production"`. */
  static readonly layerProduction: Layer.Layer<Environment> = Layer.sync(Environment, () => environments.production)

  /** From `FLOWWISE_BASE_URL` (and `FLOWWISE_ALLOW_HTTP=true`), else `FLOWWISE_ENVIRONMENT`, else the sandbox. */
  static readonly layerConfig: Layer.Layer<Environment, ConfigError> = Layer.fresh(
    Layer.effect(
      Environment,
      Effect.gen(function* () {
        const allowHttp = yield* Config.withDefault(Setting.fromConfig("FLOWWISE_ALLOW_HTTP", trueOrFalse), false)
        const baseUrl = Setting.fromConfig("FLOWWISE_BASE_URL", (url) => selfHosted(url, { allowHttp }))
        const named = Config.withDefault(Setting.fromConfig("FLOWWISE_ENVIRONMENT", byName), environments.sandbox)
        return Option.getOrUndefined(yield* Config.option(baseUrl)) ?? (yield* named)
      })
    )
  )
}

interface EnvironmentOptions {
  readonly name?: string | undefined
  readonly allowHttp?: boolean | undefined
}

const trueOrFalse = (text: string) => oneOf({ true: true, false: false }, text, "must be true or false")

const byName = (text: string) => oneOf(environments, text, `must be "sandbox" or "production"`)

const oneOf = <A>(values: Record<string, A>, text: string, problem: string): Either.Either<A, string> =>
  Object.hasOwn(values, text.trim()) ? Either.right(values[text.trim()] as A) : Either.left(problem)

const selfHosted = (baseUrl: string, options?: EnvironmentOptions) =>
  Either.map(parseBaseUrl(baseUrl, options?.allowHttp === true), (url) => ({
    name: options?.name ?? url.host,
    baseUrl: withoutTrailingSlash(url)
  }))

/** The base URL without its trailing slashes. @internal */
export const withoutTrailingSlash = (url: URL): string => url.href.replace(/\/+$/, "")

/** The URL, or what is wrong with it. @internal */
export const parseBaseUrl = (baseUrl: string, allowHttp: boolean): Either.Either<URL, string> => {
  const parsed = Either.getOrUndefined(Either.try(() => new URL(baseUrl)))
  const problem = baseUrlProblem(baseUrl, parsed, allowHttp)
  return parsed === undefined || problem !== undefined ? Either.left(problem ?? "must be a URL") : Either.right(parsed)
}
