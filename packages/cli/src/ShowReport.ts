/**
 * What `flowwise report` does.
 *
 * @since 0.1.0
 */
import { open } from "node:fs/promises"
import * as Effect from "effect/Effect"
import { read } from "./JournalFile.js"
import { printLine } from "./Output.js"
import { Refused, systemMessage } from "./Refused.js"
import * as Report from "./Report.js"
import { toHtml } from "./ReportHtml.js"
import * as Timeline from "./Timeline.js"

export interface ReportOptions {
  readonly json?: boolean
  readonly markdown?: boolean
  readonly html?: boolean
}

export const showReport = (journal: string, { html, json, markdown }: ReportOptions) =>
  Effect.gen(function* () {
    const [form, other] = Object.entries({ json, markdown, html }).filter(([, given]) => given)
    if (form !== undefined && other !== undefined) {
      return yield* new Refused({ message: `give --${form[0]} or --${other[0]}, and not both` })
    }
    const { report, timeline } = yield* Effect.tryPromise({
      try: () => reportOf(journal),
      catch: (error) =>
        error instanceof Refused ? error : new Refused({ message: `${journal}: ${systemMessage(error)}` })
    })
    const text = html
      ? toHtml(report, timeline)
      : json
        ? Report.toJson(report)
        : markdown
          ? Report.toMarkdown(report)
          : Report.toText(report)
    yield* Effect.catchTag(printLine(text), "OutputClosed", () => Effect.void)
  })

const reportOf = async (path: string) => {
  const file = await open(path, "r")
  try {
    const builder = Report.make()
    const timeline = Timeline.make()
    const { end, size } = await read(path, file, (line) => {
      builder.add(line)
      timeline.add(line)
    })
    if (end === 0) throw new Refused({ message: `${path}: there is nothing in this journal yet` })
    return { report: builder.finish(size - end), timeline: timeline.finish() }
  } finally {
    await file.close()
  }
}
