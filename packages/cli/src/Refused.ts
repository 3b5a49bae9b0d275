/**
 * What the command says no to, in one line that tells what to correct.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/** Wrong usage or configuration, found before anything was sent: exit status 2. */
export class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

/** What is wrong with a file or a port, in the words of the system, but without its path and call: `no such file or directory`. */
export const systemMessage = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return inWords[code ?? ""] ?? message
}

const inWords: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "another program uses it; end that program, or give another --port",
  EDQUOT: "the disk quota is used up",
  EFBIG: "a file may not be so large here",
  EISDIR: "it is a directory",
  ENOENT: "no such file or directory",
  ENOSPC: "no space is left on the disk",
  ENOTDIR: "a part of its path is no directory",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only"
}
