/** How much of an error's body is read, and what makes it text. */
import type { Answer } from "./Answer.js"

const MAX_BODY_BYTES = 64 * 1024

// Every runtime has it, and ECMAScript has not.
declare const TextDecoder: new (
  name: string,
  options: object
) => { decode(bytes?: Uint8Array, options?: object): string }

/**
 * Collects at most 64 KiB of a body as text, for a transport. `add` returns `false` when that is enough. `end` gives the
 * text; `undefined` where it is not UTF-8. A byte order mark is dropped.
 * @since 0.1.0
 * @category constructors
 */
export const bodyReader = () => {
  const decoder = new TextDecoder("utf-8", { fatal: true })
  const chunks: Array<Uint8Array> = []
  let length = 0
  return {
    add: (chunk: Uint8Array): boolean => {
      chunks.push(chunk.subarray(0, Math.max(0, MAX_BODY_BYTES - length)))
      length += chunk.length
      return length <= MAX_BODY_BYTES
    },
    end: (): Answer["body"] => {
      const complete = length <= MAX_BODY_BYTES
      try {
        const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("")
        return { text: complete ? text + decoder.decode() : text, complete }
      } catch {
        return undefined
      }
    }
  }
}
