/** Settings whose errors name the setting and never show its value. */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"

/** A setting from the `ConfigProvider`. `parse` says in words what is wrong with it. @internal */
export const fromConfig = <A>(name: string, parse: (text: string) => Either.Either<A, string>): Config.Config<A> =>
  Config.string().pipe(
    Config.mapOrFail((text) => Either.mapLeft(parse(text), (problem) => ConfigError.InvalidData([], problem))),
    // Named last, so that what `parse` refuses is named too.
    Config.nested(name)
  )

/** A setting from a layer's options. @internal */
export const fromOption = <A>(name: string, parsed: Either.Either<A, string>) =>
  Either.mapLeft(parsed, (problem) => ConfigError.InvalidData([name], problem))
