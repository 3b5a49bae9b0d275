/** What is wrong with options, in words. Types can't check ranges, and JavaScript has none. */

/** Says what is wrong with a value of this name; `undefined` means nothing is. */
type Check = (value: unknown, name?: string) => string | undefined
type Is = (value: never) => boolean

const mustBe =
  (what: string, is: Is): Check =>
  (value, name) =>
    value === undefined || is(value as never) ? undefined : `${name} must be ${what}`

const object =
  (checks: Readonly<Record<string, Check>>): Check =>
  (options, name = "options") => {
    if (typeof options !== "object" || options === null) return `${name} must be an object`
    const problems = Object.entries(checks).map(([key, check]) => check(Reflect.get(options, key), `${name}.${key}`))
    return problems.find((problem) => problem !== undefined)
  }

/** A duration in milliseconds; `NaN` for what is none. `toMillis` is the edition's own, which may throw. */
export const millisOf = (toMillis: (duration: never) => number, duration: unknown): number => {
  try {
    // Effect reads `NaN` as 0, and Effect 3 negative ones too.
    if (!/^-|NaN/.test(String(duration))) return toMillis(duration as never)
  } catch {}
  return Number.NaN
}

/** The checks of what `Retry.transient`, `deleteCustomers` and the client take. */
export const optionChecks = (toMillis: (duration: never) => number, isBudget: Is, isEffect: Is) => {
  const millis = (duration: unknown) => millisOf(toMillis, duration)
  const isWhole = (value: number, least: number, most = Number.POSITIVE_INFINITY) =>
    (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) && value >= least && value <= most
  const isAboveZero = (value: unknown) => Number.isFinite(value) && Number(value) > 0
  const isRate = (value: { readonly limit?: unknown; readonly interval?: unknown } | null) =>
    value !== null && isAboveZero(value.limit) && isAboveZero(millis(value.interval))
  const delay = mustBe('a duration, such as "30 seconds"', (value) => millis(value) >= 0)
  const timeLimit = mustBe('a duration above 0, such as "30 seconds"', (value) => millis(value) > 0)
  const retry = object({
    times: mustBe("a whole number, such as 3", (value) => isWhole(value, 0)),
    baseDelay: delay,
    maxDelay: delay,
    attemptTimeout: timeLimit,
    budget: mustBe("what Retry.makeBudget gives", isBudget)
  })
  const bulk = object({
    concurrency: mustBe("a whole number from 1 to 1000", (value) => isWhole(value, 1, 1000)),
    rateLimit: mustBe('a limit above 0 and an interval, such as { limit: 100, interval: "1 minute" }', isRate),
    retry: (value, name) => (value === undefined || value === false ? undefined : retry(value, name)),
    haltWhen: mustBe("an Effect, such as Deferred.await(stop)", isEffect)
  })
  return { retry, bulk, client: object({ timeout: timeLimit }) }
}
