/**
 * The last question before what can't be undone.
 *
 * @since 0.1.0
 */
import { createInterface } from "node:readline"
import type { Environment } from "@effect-flowwise/client"
import * as Effect from "effect/Effect"
import { count, place } from "./Output.js"
import { Refused } from "./Refused.js"

/** Ends well where the environment's name was given, as an option or typed in; the sandbox's needs not be. */
export const confirm = (
  { baseUrl, name }: Environment["Type"],
  given: string | undefined,
  ids: number,
  stdinIsInput: boolean
): Effect.Effect<void, Refused> =>
  Effect.gen(function* () {
    const { host, hostname, pathname } = new URL(baseUrl)
    // A host of one's own is the name.
    const at = host !== name ? ` at ${place(baseUrl)}` : pathname === "/" ? "" : ` under ${pathname}`
    // A name that was given is compared everywhere: what listens on loopback may be a tunnel.
    const isSandbox = name === "sandbox" && host !== name
    if (given === undefined && (isSandbox || isLoopback(hostname))) return
    if (given === undefined && (stdinIsInput || !process.stdin.isTTY || !process.stderr.isTTY)) {
      return yield* new Refused({
        message: `this deletes in ${name}${at}, and there is no terminal to confirm it: add --confirm ${name}`
      })
    }
    const answer =
      given ?? (yield* ask(`This can't be undone. Type ${name} to delete ${count(ids, "customer")}${at}: `))
    if (answer !== name) {
      return yield* new Refused({ message: `not confirmed, because the environment is ${name}` })
    }
  })

/** What listens on this machine is nobody's production. */
const isLoopback = (hostname: string) => /^(127\.\d+\.\d+\.\d+|\[::1\]|(.+\.)?localhost)$/.test(hostname)

const ask = (question: string) =>
  Effect.async<string>((resume) => {
    // The terminal edits the line and turns Ctrl-C into a signal, as long as nobody makes it raw.
    const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
    reader.once("line", (line) => {
      resume(Effect.succeed(line.trim()))
      reader.close()
    })
    reader.once("close", () => resume(Effect.succeed("")))
    process.stderr.write(question)
    return Effect.sync(() => reader.close())
  })
