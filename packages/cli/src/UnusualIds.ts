/**
 * What a spreadsheet, a paste or an export makes of an id. Nobody has such an id, and "nobody there" looks like success.
 *
 * @since 0.1.0
 */

/** Each kind: how to know it, what it is, and what to do. The first that fits is told. Arguments have no table to read. */
const kinds: ReadonlyArray<readonly [pattern: RegExp, problem: string, ofArgument?: string]> = [
  [/\0/, "holds NUL characters, as UTF-16 without a byte order mark does; save the file as UTF-8"],
  [/\ufffd/, "holds U+FFFD, which stands for a lost character; export the ids again, as UTF-8"],
  // Format characters, what is never drawn, and blanks other than the usual one.
  [/[\p{Cf}\p{Default_Ignorable_Code_Point}]|[^\S\p{Cc} ]/u, "holds an invisible character; remove it"],
  [
    /^[+-]?\d+([.,]\d+)?E[+-]\d+$|^[+-]?\d+[.,]\d+E\d+$/i,
    "is a number in scientific notation, which has lost digits; export the column as text"
  ],
  [/^\d+[.,]0+$/, "is a number with a decimal point; export the column as text"],
  [/^=/, "is a formula; export its value"],
  [/^["'`\u2018-\u201f\u00ab\u00bb]|["'`\u2018-\u201f\u00ab\u00bb]$/, "begins or ends with a quote; remove it"],
  [
    /^([(<[]?(null|nil|none|nan|undefined)[)>\]]?|n\/?a|true|false|\\N|-+|\?+|\[object Object\]|#N\/A|#[A-Z/0-9]+[!?]|#+)$/i,
    "stands for a missing or a wrong value; remove it"
  ]
]

/** Where nothing but separators could part an id from others. */
const bareKinds: typeof kinds = [
  ...kinds,
  [/^(\{"|\[)/, "looks like JSON; --field reads JSON Lines", "looks like JSON; give nothing but the id"],
  [
    /[,;\t]/,
    "looks like a row of a table; say with --column which column has the ids",
    "looks like several ids; separate them with spaces"
  ]
]

const heading = /^(customers?|users?|accounts?|clients?)?[ _-]?(ids?|uuid|uid)$|^customers?$/i

export interface Place {
  /** In text, among the arguments, and in a table of one column. */
  readonly bare: boolean
  readonly first: boolean
  readonly argument?: boolean
}

/** What is unusual about an id, and what to do about it. */
export const whyUnusual = (id: string, { argument, bare, first }: Place): string | undefined => {
  const [, problem, ofArgument = problem] = (bare ? bareKinds : kinds).find(([pattern]) => pattern.test(id)) ?? []
  if (problem !== undefined) return argument ? ofArgument : problem
  return bare && first && heading.test(id) ? "looks like a heading; remove it, or name it with --column" : undefined
}
