/** How much of an error's body is read, and what makes it text. */
import type { Answer } from "./Answer.js"

const MAX_BODY_BYTES = 64 * 1024

/** As much of a `TextDecoder` as is used, made with `fatal: true`. */
export type Utf8Decoder = { decode(bytes?: Uint8Array, options?: { readonly stream: boolean }): string }

/**
 * Collects at most 64 KiB of a body as text. `add` returns `false` when that is enough. `end` gives the text; `undefined`
 * where it is not UTF-8.
 */
export const makeBodyReader = (
  decoder: Utf8Decoder
): { readonly add: (chunk: Uint8Array) => boolean; readonly end: () => Answer["body"] } => {
  const chunks: Array<Uint8Array> = []
  let length = 0
  return {
    add: (chunk) => {
      chunks.push(chunk.subarray(0, Math.max(0, MAX_BODY_BYTES - length)))
      length += chunk.length
      return length <= MAX_BODY_BYTES
    },
    end: () => {
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
