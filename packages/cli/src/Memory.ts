/**
 * Keeps the process small: V8 spends memory to save collections, and a run of a million customers makes garbage all the
 * time. The figures are in `docs/performance.md`.
 *
 * @since 0.1.0
 */
import { setFlagsFromString } from "node:v8"

/** Comes before everything else is loaded, since loading makes the heap grow too. */
export const keepSmall = async (): Promise<void> => {
  // With other flags V8 takes none of Node's own modules out of its code cache, so what every start needs comes first.
  await Promise.all([
    import("node:child_process"),
    import("node:crypto"),
    import("node:fs/promises"),
    import("node:os")
  ])
  void [process.stdout, process.stderr] // loads their modules
  // The old generation grows by so much over what is alive, and not to its double or more.
  setFlagsFromString("--heap-growing-percent=30")
  // undici's parser, which is WebAssembly, stays as it is first compiled: to optimise it takes 40 MB for a moment.
  setFlagsFromString("--liftoff-only")
  // The new generation stays at its first megabyte, which one thread collects faster than several. Later versions of V8
  // want a factor of 2 at least.
  setFlagsFromString("--no-parallel-scavenge")
  if (Number.parseInt(process.versions.v8, 10) < 13) setFlagsFromString("--semi-space-growth-factor=1")
}
