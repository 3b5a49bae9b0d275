import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Answer, Ask, Tasks } from "./ipc.js"

export class BenchmarkFailed extends Data.TaggedError("BenchmarkFailed")<{ readonly message: string }> {}

/** A process that does one task at a time, and is gone when the scope closes. */
export interface Process<T extends Tasks> {
  readonly ask: <K extends keyof T & string>(
    task: K,
    ...input: Parameters<T[K]>
  ) => Effect.Effect<Awaited<ReturnType<T[K]>>, BenchmarkFailed>
}

/** Where the programs are, and the flags that Node needs to run them. */
export interface Programs {
  readonly file: (name: "child" | "server") => URL
  readonly flags: ReadonlyArray<string>
}

export const start = <T extends Tasks>(
  programs: Programs,
  name: "child" | "server",
  flags: ReadonlyArray<string> = []
): Effect.Effect<Process<T>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      fork(fileURLToPath(programs.file(name)), {
        execArgv: [...programs.flags, ...flags],
        stdio: ["ignore", "ignore", "inherit", "ipc"]
      })
    ),
    (child) =>
      Effect.async<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  ).pipe(
    Effect.map((child) => ({
      ask: (task, ...input) =>
        Effect.async<Answer, BenchmarkFailed>((resume) => {
          const answered = (answer: Answer) => done(Effect.succeed(answer))
          const ended = () => done(new BenchmarkFailed({ message: `The ${name} ended while it did ${task}` }))
          const forget = () => void child.off("message", answered).off("exit", ended)
          const done = (outcome: Effect.Effect<Answer, BenchmarkFailed>) => {
            forget()
            resume(outcome)
          }
          child.on("message", answered).on("exit", ended)
          child.send({ task, input } satisfies Ask, (error) => {
            if (error !== null) ended()
          })
          return Effect.sync(forget)
        }).pipe(
          Effect.timeoutFail({
            duration: "5 minutes",
            onTimeout: () => new BenchmarkFailed({ message: `The ${name} did not end ${task} in time` })
          }),
          Effect.flatMap((answer) =>
            "problem" in answer
              ? new BenchmarkFailed({ message: `The ${name} failed at ${task}: ${answer.problem}` })
              : Effect.succeed(answer.output as Awaited<ReturnType<T[typeof task]>>)
          )
        )
    }))
  )
