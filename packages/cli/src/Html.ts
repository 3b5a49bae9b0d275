/**
 * Text as HTML, escaped unless it is HTML already.
 *
 * @since 0.1.0
 */
import { visible } from "./Output.js"

/** Made by `html` only, so that nothing gets in unescaped. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | ReadonlyArray<Html>

/** HTML with values in it, in the text or in a quoted attribute. */
export const html = (literals: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html =>
  new Html(String.raw({ raw: literals }, ...parts.map(textOf)))

const textOf = (part: Part): string => {
  if (part instanceof Html) return part.text
  return typeof part === "object" ? part.map(({ text }) => text).join("") : escaped(String(part))
}

const escaped = (text: string) => visible(text).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
