// The child's end of the channel to the bench: it answers one task after the other, and ends with its parent.

export type Tasks = { readonly [name: string]: (...input: ReadonlyArray<never>) => unknown }

export interface Ask {
  readonly task: string
  readonly input: ReadonlyArray<unknown>
}

export type Answer = { readonly output: unknown } | { readonly problem: string }

export const serve = (tasks: Tasks): void => {
  process.on("message", async ({ task, input }: Ask) => {
    let answer: Answer
    try {
      answer = { output: await tasks[task]?.(...(input as ReadonlyArray<never>)) }
    } catch (error) {
      answer = { problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
    }
    process.send?.(answer)
  })
  // However the parent ended, the channel closes with it.
  process.on("disconnect", () => process.exit())
}
