/**
 * What the emulator does in place of its own answer, as a value and as a line of JSON.
 *
 * @since 0.1.0
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Script from "./Script.js"

const MAX_MESSAGE_LENGTH = 300

/**
 * What the emulator does in place of its own answer.
 *
 * - `status`, with headers and a body. A text is sent as it is, anything else as JSON. Nobody is deleted, even by a 204.
 * - `drop`: closes the connection without an answer, before or after the deletion.
 * - `never`: takes the request, and stays silent until the client closes the connection.
 * - `delay` alone: its own answer, later.
 *
 * @since 0.1.0
 * @category models
 */
export type ScriptedResponse =
  | ((
      | {
          readonly status: number
          readonly headers?: Readonly<Record<string, string>> | undefined
          readonly body?: unknown
        }
      | { readonly drop: "beforeDeletion" | "afterDeletion" }
      | { readonly never: true }
    ) & {
      /** How long to wait first, on top of the emulator's own delay. */
      readonly delay?: Duration.DurationInput | undefined
    })
  | { readonly delay: Duration.DurationInput }

/**
 * The script of an emulator, and the secrets that it accepts.
 *
 * @internal
 */
export interface EmulatorScript {
  /** The step for a request of this customer, used up by it. */
  readonly next: (customerId: string) => Option.Option<ScriptedResponse>
  /** The wait before every answer. */
  readonly latency: Effect.Effect<void>
  /** Which secrets are accepted. */
  readonly secrets: () => ReadonlyArray<string>
  readonly respondWith: (
    response: ScriptedResponse,
    options?: Script.ScriptOptions
  ) => Effect.Effect<void, Script.InvalidScript>
  readonly delay: (duration: Duration.DurationInput) => Effect.Effect<void, Script.InvalidScript>
  readonly acceptSecrets: (clientSecrets: ReadonlyArray<string>) => Effect.Effect<void>
  /** Does what a line of a script says. */
  readonly add: (line: string) => Effect.Effect<void, Script.InvalidScript>
  /** Back to the state at the start. */
  readonly clear: Effect.Effect<void>
}

/** @internal */
export const make = (clientSecret: string): EmulatorScript => {
  let steps = Script.make<ScriptedResponse>()
  let latency = Effect.void
  let secrets: ReadonlyArray<string> = [clientSecret]

  const script: EmulatorScript = {
    next: (customerId) => steps.next(customerId),
    latency: Effect.suspend(() => latency),
    secrets: () => secrets,
    respondWith: (step, options) =>
      Effect.zipRight(
        validate(step),
        Effect.suspend(() => steps.set(step, options))
      ),
    delay: (duration) =>
      Effect.map(Script.validDelay(duration), (valid) => {
        latency = Effect.sleep(valid)
      }),
    acceptSecrets: (clientSecrets) =>
      Effect.sync(() => {
        secrets = Array.from(clientSecrets)
      }),
    add: (text) =>
      Effect.flatMap(parse(text), (line) => {
        if ("clientSecrets" in line) return script.acceptSecrets(line.clientSecrets)
        // Nothing but a delay is for every request, on top of what else is scripted.
        return Object.keys(line).join() === "delay" ? script.delay(line.delay ?? 0) : script.respondWith(line, line)
      }),
    clear: Effect.sync(() => {
      steps = Script.make()
      latency = Effect.void
      secrets = [clientSecret]
    })
  }
  return script
}

/** @internal */
export const toResponse = ({ status, headers, body = "" }: Extract<ScriptedResponse, { status: number }>) =>
  HttpServerResponse.setHeaders(
    typeof body === "string"
      ? HttpServerResponse.text(body, { status })
      : HttpServerResponse.unsafeJson(body, { status }),
    headers ?? {}
  )

/** Makes a scripted response once, so that one that can't be sent fails where it is set. */
const validate = (step: ScriptedResponse): Effect.Effect<void, Script.InvalidScript> =>
  Effect.gen(function* () {
    yield* Script.validDelay(step.delay ?? 0)
    if ("status" in step) {
      if (!Number.isInteger(step.status) || step.status < 200 || step.status > 599) {
        return yield* Script.invalid(`status must be a whole number from 200 to 599, and is ${String(step.status)}`)
      }
      yield* Effect.try(() => [new Headers(step.headers), toResponse(step)]).pipe(
        Effect.catchAll(() =>
          Script.invalid("the headers or the body can't be sent: use header text, and JSON without cycles")
        )
      )
    } else if (
      "drop" in step ? !drops.includes(step.drop) : "never" in step ? step.never !== true : !("delay" in step)
    ) {
      return yield* Script.invalid(
        "a response has a status, or drop: beforeDeletion or afterDeletion, or never: true, or a delay"
      )
    }
  })

const drops = ["beforeDeletion", "afterDeletion"] as const

/** A property that may be missing, but not `undefined`, which JSON doesn't have. */
const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** Replaces the usual message, which would name one choice of several, and show a secret. */
const or = <A, I>(schema: Schema.Schema<A, I>, message: string) =>
  schema.annotations({ message: () => ({ message, override: true }) })

const isDelay = (delay: unknown): delay is Duration.DurationInput =>
  ["string", "number"].includes(typeof delay) && Option.isSome(Duration.decodeUnknown(delay))

const Delay = or(Schema.Unknown.pipe(Schema.filter(isDelay)), 'give milliseconds, or a text such as "2 seconds"')
const Drop = or(Schema.Literal(...drops), 'give "beforeDeletion" or "afterDeletion"')
const Secrets = or(Schema.NonEmptyArray(Schema.NonEmptyString), "give a list of secrets, none of them empty")

/** Refuses a misspelt name. */
const reader = <A, I>(schema: Schema.Schema<A, I>) => Schema.decodeUnknown(schema, { onExcessProperty: "error" })

/** Whom a line is for, and how often. */
const scope = { customerId: optional(Schema.String), times: optional(Schema.Number) }

/** A line is of the first kind whose name it has. */
const kinds = {
  status: reader(
    Schema.Struct({
      ...scope,
      status: Schema.Number,
      headers: optional(Schema.Record({ key: Schema.String, value: Schema.String })),
      body: optional(Schema.Unknown),
      delay: optional(Delay)
    })
  ),
  drop: reader(Schema.Struct({ ...scope, drop: Drop, delay: optional(Delay) })),
  never: reader(Schema.Struct({ ...scope, never: Schema.Literal(true), delay: optional(Delay) })),
  clientSecrets: reader(Schema.Struct({ clientSecrets: Secrets })),
  delay: reader(Schema.Struct({ ...scope, delay: Delay }))
}

type ScriptLine = Effect.Effect.Success<ReturnType<(typeof kinds)[keyof typeof kinds]>>

const parse = (text: string): Effect.Effect<ScriptLine, Script.InvalidScript> =>
  Effect.gen(function* () {
    const json = yield* Effect.try((): unknown => JSON.parse(text)).pipe(
      Effect.catchAll(() => Script.invalid("this is not JSON"))
    )
    const names = Object.keys(kinds) as Array<keyof typeof kinds>
    const kind = Predicate.isRecord(json) ? names.find((name) => Object.hasOwn(json, name)) : undefined
    if (kind === undefined) {
      return yield* Script.invalid(`this is not a JSON object with one of ${names.join(", ")}`)
    }
    const line: Effect.Effect<ScriptLine, ParseResult.ParseError> = kinds[kind](json)
    return yield* Effect.mapError(line, (error) => new Script.InvalidScript({ message: inOneLine(error) }))
  })

const inOneLine = (error: ParseResult.ParseError) => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  return `${issue?.path.map(String).join(".") ?? "this line"}: ${issue?.message ?? "can't be read"}`
    .replaceAll(/\s+/g, " ")
    .slice(0, MAX_MESSAGE_LENGTH)
}
