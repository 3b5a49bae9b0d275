/** How much of an error's body is read, and what makes it text. */
import type { Answer } from "./Answer.js"

const MAX_BODY_BYTES = 64 * 1024

/** As much of a `TextDecoder` as is used. It has to be made with `fatal: true`, so that what is no UTF-8 throws. */
export interface Utf8Decoder {
  decode(bytes: Uint8Array, options: { readonly stream: boolean }): string
}

/**
 * Collects at most 64 KiB of a body as text. `add` returns `false` when there is enough; then, or at the end of the body,
 * `end` gives what there is: `undefined` where it is not UTF-8.
 */
export const makeBodyReader = (
  decoder: Utf8Decoder
): {
  readonly add: (chunk: Uint8Array) => boolean
  readonly end: () => Answer["body"]
} => {
  let text: string | undefined = ""
  let length = 0
  const decode = (bytes: Uint8Array, stream: boolean) => {
    try {
      text = text === undefined ? undefined : text + decoder.decode(bytes, { stream })
    } catch {
      text = undefined
    }
  }
  return {
    add: (chunk) => {
      decode(chunk.subarray(0, Math.max(0, MAX_BODY_BYTES - length)), true)
      length += chunk.length
      return text !== undefined && length <= MAX_BODY_BYTES
    },
    end: () => {
      const complete = length <= MAX_BODY_BYTES
      if (complete) decode(new Uint8Array(0), false)
      return text === undefined ? undefined : { text, complete }
    }
  }
}
