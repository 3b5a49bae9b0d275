/**
 * @since 0.1.0
 */
import { baseUrlProblem } from "@effect-flowwise/core"
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
 *
 * Source: `servers` of the Flowwise Native API 1.0.0; the product can also be self-hosted.
 *
 * @example
 * ```ts
 * import { Environment } from "@effect-flowwise/client"
 *
 * const selfHosted = Environment.layer("https://flowwise.example.com/router", { name: "staging" })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Environment extends Context.Tag("@effect-flowwise/client/Environment")<
  Environment,
  {
    /** Stands in every outcome, so that a sandbox's deletion can't pass for production's. */
    readonly name: string
    /** Absolute, without a trailing slash. */
    readonly baseUrl: string
  }
>() {
  /**
   * A host of your own. The name defaults to the host. A URL is refused that is not absolute http(s), that has user
   * info, a query or a fragment, or that is plain `http:` to another machine, unless `allowHttp`.
   */
  static readonly layer = (
    baseUrl: string,
    options?: { readonly name?: string | undefined; readonly allowHttp?: boolean | undefined }
  ): Layer.Layer<Environment, ConfigError> =>
    Layer.effect(
      Environment,
      options?.name === undefined || (typeof options.name === "string" && options.name.trim() !== "")
        ? Setting.fromOption("baseUrl", selfHosted(baseUrl, options))
        : Setting.fromOption("name", Either.left("must be a text that is not blank"))
    )

  /** `https://sandbox.flowwise.com/router`, named `"sandbox"`. */
  static readonly layerSandbox: Layer.Layer<Environment> = Layer.sync(Environment, () => vendor.sandbox)

  /** `https://app.flowwise.com/router`, named `"production"`. */
  static readonly layerProduction: Layer.Layer<Environment> = Layer.sync(Environment, () => vendor.production)

  /**
   * From `FLOWWISE_BASE_URL`; without one from `FLOWWISE_ENVIRONMENT`, which is `sandbox` or `production`; without
   * either the sandbox. `FLOWWISE_ALLOW_HTTP=true` permits plain http to another machine.
   */
  static readonly layerConfig: Layer.Layer<Environment, ConfigError> = Layer.effect(
    Environment,
    Effect.gen(function* () {
      const allowHttp = yield* Config.withDefault(Setting.fromConfig("FLOWWISE_ALLOW_HTTP", trueOrFalse), false)
      const baseUrl = yield* Config.option(
        Setting.fromConfig("FLOWWISE_BASE_URL", (url) => selfHosted(url, { allowHttp }))
      )
      if (Option.isSome(baseUrl)) {
        return baseUrl.value
      }
      return yield* Config.withDefault(Setting.fromConfig("FLOWWISE_ENVIRONMENT", byName), vendor.sandbox)
    })
  )
}

const vendor = {
  sandbox: { name: "sandbox", baseUrl: "https://sandbox.flowwise.com/router" },
  production: { name: "production", baseUrl: "https://app.flowwise.com/router" }
}

const trueOrFalse = (text: string) => {
  const value = text.trim()
  return value === "true" || value === "false" ? Either.right(value === "true") : Either.left("must be true or false")
}

const byName = (text: string) => {
  const name = text.trim()
  return name === "sandbox" || name === "production"
    ? Either.right(vendor[name])
    : Either.left(`must be "sandbox" or "production"`)
}

const selfHosted = (
  baseUrl: string,
  options?: { readonly name?: string | undefined; readonly allowHttp?: boolean | undefined }
) =>
  Either.map(parseBaseUrl(baseUrl, options?.allowHttp === true), (url) => ({
    name: options?.name ?? url.host,
    baseUrl: withoutTrailingSlash(url)
  }))

/**
 * The base URL without its trailing slashes.
 *
 * @internal
 */
export const withoutTrailingSlash = (url: URL): string => url.href.replace(/\/+$/, "")

/**
 * The URL, or what is wrong with it.
 *
 * @internal
 */
export const parseBaseUrl = (baseUrl: string, allowHttp: boolean): Either.Either<URL, string> => {
  const parsed = Either.getOrUndefined(Either.try(() => new URL(baseUrl)))
  const problem = baseUrlProblem(baseUrl, parsed, allowHttp)
  return parsed === undefined || problem !== undefined ? Either.left(problem ?? "must be a URL") : Either.right(parsed)
}
