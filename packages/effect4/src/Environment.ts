import { baseUrlProblem, environments } from "@effect-flowwise/core"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Setting from "./Setting.js"

/**
 * Which installation of Flowwise is asked: the vendor's sandbox, its production, or your own.
 *
 * @example
 * ```ts
 * import { Environment } from "@effect-flowwise/effect4"
 *
 * const selfHosted = Environment.layer("https://flowwise.example.com/router", { name: "staging" })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Environment extends Context.Service<
  Environment,
  {
    /** In every receipt, so that nobody takes a deletion in the sandbox for one in production. */
    readonly name: string
    /** Absolute, without a trailing slash. */
    readonly baseUrl: string
  }
>()("@effect-flowwise/effect4/Environment") {
  /**
   * A host of your own. Default `name`: the host. The URL must be absolute http(s), without user info, query and fragment.
   * Plain `http:` to another machine needs `allowHttp`.
   */
  static readonly layer = (
    baseUrl: string,
    options?: { readonly name?: string | undefined; readonly allowHttp?: boolean | undefined }
  ): Layer.Layer<Environment, Config.ConfigError> =>
    Layer.effect(
      Environment,
      options?.name === undefined || (typeof options.name === "string" && options.name.trim() !== "")
        ? Setting.fromOption("baseUrl", selfHosted(baseUrl, options))
        : Setting.fromOption("name", Result.fail("must be a text that is not blank"))
    )

  /** `https://sandbox.flowwise.com/router`, named `"sandbox"`. */
  static readonly layerSandbox: Layer.Layer<Environment> = Layer.succeed(Environment, environments.sandbox)

  /** `https://app.flowwise.com/router`, named `"production"`. */
  static readonly layerProduction: Layer.Layer<Environment> = Layer.succeed(Environment, environments.production)

  /**
   * From `FLOWWISE_BASE_URL`, else from `FLOWWISE_ENVIRONMENT` (`sandbox` or `production`), else the sandbox.
   * `FLOWWISE_ALLOW_HTTP=true` permits plain http to another machine.
   */
  static readonly layerConfig: Layer.Layer<Environment, Config.ConfigError> = Layer.fresh(
    Layer.effect(
      Environment,
      Effect.gen(function* () {
        const allowHttp = yield* Setting.fromConfig("FLOWWISE_ALLOW_HTTP", trueOrFalse).pipe(Config.withDefault(false))
        const baseUrl = yield* Config.option(
          Setting.fromConfig("FLOWWISE_BASE_URL", (url) => selfHosted(url, { allowHttp }))
        )
        return Option.isSome(baseUrl)
          ? baseUrl.value
          : yield* Setting.fromConfig("FLOWWISE_ENVIRONMENT", byName).pipe(Config.withDefault(environments.sandbox))
      })
    )
  )
}

const trueOrFalse = (text: string): Result.Result<boolean, string> => {
  const value = text.trim()
  return value === "true" || value === "false" ? Result.succeed(value === "true") : Result.fail("must be true or false")
}

const byName = (text: string): Result.Result<Environment["Service"], string> => {
  const name = text.trim()
  return name === "sandbox" || name === "production"
    ? Result.succeed(environments[name])
    : Result.fail(`must be "sandbox" or "production"`)
}

const selfHosted = (
  baseUrl: string,
  options?: { readonly name?: string | undefined; readonly allowHttp?: boolean | undefined }
): Result.Result<Environment["Service"], string> =>
  Result.map(parseBaseUrl(baseUrl, options?.allowHttp === true), (url) => ({
    name: options?.name ?? url.host,
    baseUrl: withoutTrailingSlash(url)
  }))

/** @internal */
export const withoutTrailingSlash = (url: URL): string => url.href.replace(/\/+$/, "")

/** The URL, or what is wrong with it. @internal */
export const parseBaseUrl = (baseUrl: string, allowHttp: boolean): Result.Result<URL, string> => {
  const parsed = Result.getOrUndefined(Result.try(() => new URL(baseUrl)))
  const problem = baseUrlProblem(baseUrl, parsed, allowHttp)
  return parsed === undefined || problem !== undefined
    ? Result.fail(problem ?? "must be a URL")
    : Result.succeed(parsed)
}
