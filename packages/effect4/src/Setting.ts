/** Settings whose errors name the setting and never show its value. */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** @internal */
export const invalid = (name: string, problem: string): Config.ConfigError =>
  new Config.ConfigError(new ConfigProvider.SourceError({ message: `${name} ${problem}` }))

/** A setting from the `ConfigProvider`. `parse` says in words what is wrong with it. @internal */
export const fromConfig = <A>(name: string, parse: (text: string) => Result.Result<A, string>): Config.Config<A> =>
  Config.mapEffect(Config.String(name), (text) => fromOption(name, parse(text)))

/** A setting from a layer's options. @internal */
export const fromOption = <A>(name: string, parsed: Result.Result<A, string>): Effect.Effect<A, Config.ConfigError> =>
  Effect.fromResult(Result.mapError(parsed, (problem) => invalid(name, problem)))
