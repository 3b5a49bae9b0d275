/** One `DELETE` right on an undici dispatcher. */
import { channel } from "node:diagnostics_channel"
import type { Duplex } from "node:stream"
import { type Dispatcher, errors } from "undici"
import { bodyReader, type Transport, type TransportObserver, type TransportRequest } from "../Transport.js"
import type { Route } from "./UndiciDispatcher.js"

/** @internal */
export const make = ({ dispatcher, settings }: Route): Transport["Service"] => ({
  send: ({ headers, origin, path, trace }, observer) => {
    const exchange = new Exchange(observer)
    const options: Options = {
      origin,
      path,
      method: "DELETE",
      headers: flat(headers, trace),
      body: null,
      // One by one: spread, the settings take longer than all the rest of this function.
      headersTimeout: settings.headersTimeout,
      bodyTimeout: settings.bodyTimeout,
      reset: settings.reset as true,
      // For undici's own redirect interceptor, which would take the secret to any host.
      maxRedirections: 0
    }
    withOneTrace(trace, () => dispatcher.dispatch(options, exchange))
    return () => exchange.letGo()
  }
})

interface Options extends Dispatcher.DispatchOptions {
  readonly maxRedirections: 0
}

/** A new list for each request, in undici's own form, since a dispatcher of the user's own may add to it. */
const flat = (headers: TransportRequest["headers"], trace: TransportRequest["trace"]): Array<string> => {
  const list: Array<string> = []
  for (const name in headers) list.push(name, headers[name] as string)
  for (const name in trace) list.push(name, trace[name] as string)
  return list
}

const requestCreated = channel("undici:request:create")

/** An instrumentation of undici adds the trace of a span within ours. Then ours must not be sent as well. */
const withOneTrace = (trace: TransportRequest["trace"], dispatch: () => void): void => {
  if (!requestCreated.hasSubscribers) {
    dispatch()
    return
  }
  // The last subscriber, so that it sees what the others have added.
  const dropOurs = (message: unknown) => {
    const { headers } = (message as { readonly request: { readonly headers: Array<string> } }).request
    if (headers.indexOf("traceparent") < headers.lastIndexOf("traceparent")) {
      for (const name in trace) headers.splice(headers.indexOf(name), 2)
    }
  }
  requestCreated.subscribe(dropOurs)
  try {
    dispatch()
  } finally {
    requestCreated.unsubscribe(dropOurs)
  }
}

/** Reports what undici says of one request, until it is over. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined
  private reader: ReturnType<typeof bodyReader> | undefined
  private over = false

  constructor(private readonly observer: TransportObserver) {}

  /** Just before undici writes, and again where an interceptor resends. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.over) {
      controller.abort(new errors.RequestAbortedError())
      return
    }
    this.controller = controller
    this.observer.left("yes")
  }

  onRequestUpgrade(_: Dispatcher.DispatchController, _status: number, _headers: unknown, socket: Duplex): void {
    socket.destroy()
    this.onResponseError(undefined, new errors.NotSupportedError("no other protocol was asked for"))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // Others, such as 103, come before the answer.
    if (this.over || status < 200) {
      return
    }
    if (this.observer.head(status, headers)) {
      this.reader = bodyReader()
    } else if (status === 204) {
      // No body comes, whatever the headers say.
      this.end()
    } else {
      this.letGo()
    }
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (!this.over && this.reader?.add(chunk) === false) {
      this.observer.body(this.reader.end())
      this.letGo()
    }
  }

  onResponseEnd(): void {
    if (!this.over) {
      this.observer.body(this.reader?.end())
      this.end()
    }
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: unknown): void {
    if (!this.over) {
      if (this.reader === undefined) this.observer.failed(error)
      else this.observer.body(undefined)
      this.end()
    }
  }

  /** Closes the connection. What undici still has queued is aborted as soon as it starts. */
  letGo(): void {
    if (!this.over) {
      const { controller } = this
      this.end()
      controller?.abort(new errors.RequestAbortedError())
    }
  }

  private end(): void {
    this.over = true
    // undici's half would stay with ours until the collector's next full round.
    this.controller = undefined
  }
}

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2]
