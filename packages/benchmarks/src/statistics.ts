/** The middle of several figures, and the range of their middle half. */
export interface Spread {
  readonly median: number
  readonly p25: number
  readonly p75: number
}

/** By linear interpolation between the two nearest. */
export const quantile = (figures: ReadonlyArray<number>, q: number): number => {
  const sorted = [...figures].sort((a, b) => a - b)
  const position = (sorted.length - 1) * q
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

export const spread = (figures: ReadonlyArray<number>): Spread => ({
  median: quantile(figures, 0.5),
  p25: quantile(figures, 0.25),
  p75: quantile(figures, 0.75)
})

/**
 * Round by round, so that what slows down a whole round slows down both and cancels out; on logarithms, so that a ratio
 * and its inverse are judged alike.
 */
export const pairedRatio = (ours: ReadonlyArray<number>, theirs: ReadonlyArray<number>): Spread => {
  const { median, p25, p75 } = spread(ours.map((figure, round) => Math.log(figure / (theirs[round] ?? Number.NaN))))
  return { median: Math.exp(median), p25: Math.exp(p25), p75: Math.exp(p75) }
}

/** A difference that a quarter of the rounds doesn't show is noise. */
export const verdict = (ratio: Spread): "win" | "loss" | "within noise" =>
  ratio.p25 > 1 ? "win" : ratio.p75 < 1 ? "loss" : "within noise"

export const atLeast = (bound: number, { p25, p75 }: Spread): "met" | "not met" | "within noise" =>
  p25 >= bound ? "met" : p75 < bound ? "not met" : "within noise"

export const atMost = (bound: number, { p25, p75 }: Spread): "met" | "not met" | "within noise" =>
  p75 <= bound ? "met" : p25 > bound ? "not met" : "within noise"
