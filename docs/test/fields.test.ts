import { readFileSync } from "node:fs"
import * as Client from "@effect-flowwise/client"
import { assert, it } from "vitest"

const page = readFileSync(new URL("../errors.md", import.meta.url), "utf8")

/** The last row of a table that begins with this tag. */
const rowOf = (tag: string) => page.match(new RegExp(`^\\| \`${tag}\` \\|.*$`, "gm"))?.at(-1) ?? ""

const outcomes = [
  ...Client.DeleteCustomerError.members,
  Client.CustomerDeleted,
  Client.CustomerAlreadyAbsent,
  Client.DeletionUnconfirmed
]

it.each(outcomes.map(({ _tag, fields }) => ({ tag: _tag, fields })))(
  "the page of the errors has every field of $tag",
  ({ tag, fields }) => {
    const named = Array.from(
      rowOf(tag)
        .split("|")
        .slice(2)
        .join("|")
        .matchAll(/`(\w+)/g),
      ([, field]) => field
    )
    const expected = Object.keys(fields).filter((field) => field !== "_tag" && field !== "message")
    assert.sameMembers(named, expected)
  }
)
