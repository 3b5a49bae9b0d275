// One competitor in a process of its own, with its own heap and its own compiled code. The bench says what to do when.
import { PerformanceObserver, performance } from "node:perf_hooks"
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises"
import { competitors, type Name } from "./competitors.js"
import { serve } from "./ipc.js"
import { quantile } from "./statistics.js"

let competitor: Awaited<ReturnType<(typeof competitors)[Name]>>
let sent = 0

const nextId = (prefix = "cust_") => `${prefix}${sent++}`

/** Keeps that many requests in flight while there are more to send. */
const keepInFlight = (count: number, more: () => boolean, prefix?: string) =>
  competitor.sendAll(count, () => (more() ? nextId(prefix) : undefined))

const now = () => {
  const { system, user } = process.cpuUsage()
  return { sent, cpu: user + system, time: performance.now() }
}

const memory = () => {
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

/** Every task that sends says how many requests it `sent`, measured or not, so that the server's count can be held to it. */
export const tasks = {
  /** Imports and sets up a competitor, and sends its first request: milliseconds since before the import. */
  load: async (name: Name, baseUrl: string) => {
    const start = performance.now()
    competitor = await competitors[name](baseUrl)
    const ready = performance.now() - start
    await competitor.send(nextId())
    return { ready, firstAnswer: performance.now() - start, sent: 1 }
  },

  /** Imports modules in turn: the milliseconds that it took. */
  importAll: async (specifiers: ReadonlyArray<string>) => {
    const start = performance.now()
    for (const specifier of specifiers) await import(specifier)
    return performance.now() - start
  },

  /** A closed loop for a time. The run-up, which opens connections anew and warms up, is not measured. */
  closedLoop: async (options: { inFlight: number; runUp: number; length: number }) => {
    const before = sent
    let running = true
    const loop = keepInFlight(options.inFlight, () => running)
    await Promise.race([sleep(options.runUp), loop])
    const start = now()
    await Promise.race([sleep(options.length), loop])
    const end = now()
    running = false
    await loop
    // As many are in flight at the end as at the start, so that those sent between are those answered.
    const requests = end.sent - start.sent
    return {
      perSecond: (requests / (end.time - start.time)) * 1000,
      cpuMicros: (end.cpu - start.cpu) / requests,
      sent: sent - before
    }
  },

  /**
   * Requests at fixed times, however long the answers take. A latency counts from when its request was due, so that
   * a client that is busy can't hide it. The sender spins: a timer would add its own millisecond to every figure.
   */
  openLoop: async (options: { requestsPerSecond: number; runUp: number; length: number }) => {
    const interval = 1000 / options.requestsPerSecond
    const unmeasured = Math.round(options.runUp / interval)
    const total = unmeasured + Math.round(options.length / interval)
    const start = performance.now()
    const latencies: Array<number> = []
    await new Promise<void>((resolve, reject) => {
      let answered = 0
      const sendAt = (index: number) => {
        const due = start + index * interval
        competitor.send(nextId()).then(() => {
          if (index >= unmeasured) latencies.push(performance.now() - due)
          if (++answered === total) resolve()
        }, reject)
      }
      let index = 0
      const turn = () => {
        while (index < total && start + index * interval <= performance.now()) sendAt(index++)
        if (index < total) setImmediate(turn)
      }
      turn()
    })
    // Less than was asked for where the competitor can't keep up.
    const perSecond = (total / (performance.now() - start)) * 1000
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), perSecond, sent: total }
  },

  /** So many requests exactly: what they took from the heap until a collection came, and what is in use after one. */
  exactly: async (options: { requests: number; inFlight: number; prefix?: string }) => {
    globalThis.gc?.()
    let collections = 0
    const observer = new PerformanceObserver((list) => {
      collections += list.getEntries().length
    })
    observer.observe({ entryTypes: ["gc"] })
    const before = memory()
    const last = sent + options.requests
    await keepInFlight(options.inFlight, () => sent < last, options.prefix)
    const allocated = memory() - before
    await nextTurn() // in which the observer is told
    observer.disconnect()
    globalThis.gc?.()
    return { allocated, collections, inUse: memory(), sent: options.requests }
  }
}

serve(tasks)
