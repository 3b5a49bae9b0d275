/**
 * The version of this package.
 *
 * @since 0.1.0
 */
import { createRequire } from "node:module"

export const { version } = createRequire(import.meta.url)("@effect-flowwise/cli/package.json") as { version: string }
