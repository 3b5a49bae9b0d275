// Each competitor does what its user would write to delete one customer: both keys as headers, the id encoded into the
// path, the status checked. Imports happen inside, so that a process loads the one that it runs and no other.
import type { HttpClient } from "@effect/platform/HttpClient"
import type { Credentials, Environment, FlowwiseClient } from "@effect-flowwise/client"
import type { Effect } from "effect/Effect"
import type { Layer } from "effect/Layer"

/** Deletes one customer; rejects unless the answer is a 204. */
export type Send = (customerId: string) => Promise<unknown>

/** Deletes one customer after the other, so many at once, until there is none left; rejects as `Send` does. */
export type SendAll = (inFlight: number, next: () => string | undefined) => Promise<unknown>

/** Imports what it needs and sets itself up; connections come with the first requests. */
type Competitor = (baseUrl: string) => Promise<{ readonly send: Send; readonly sendAll: SendAll }>

/** The loop of a program on promises. */
const promised = (send: Send): { readonly send: Send; readonly sendAll: SendAll } => ({
  send,
  sendAll: (inFlight, next) =>
    Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let id = next(); id !== undefined; id = next()) await send(id)
      })
    )
})

export const keys = { "x-client-id": "app_1", "x-client-secret": "a-secret-of-the-benchmarks" }

const expect204 = (status: number | undefined) => {
  if (status !== 204) throw new Error(`answered ${status}`)
}

interface Paths {
  readonly "/customer/{customer_id}": {
    readonly delete: {
      readonly parameters: { readonly path: { readonly customer_id: string } }
      readonly responses: { readonly 204: { readonly content?: never } }
    }
  }
}

interface Ours {
  readonly layer: Layer<FlowwiseClient, never, Credentials | Environment>
  /** Put around each call. */
  readonly around?: <A, E, R>(self: Effect<A, E, R>) => Effect<A, E, R>
}

const ours =
  (setUp: () => Promise<Ours>): Competitor =>
  async (baseUrl) => {
    const [{ Credentials, deleteCustomer, Environment }, Effect, Layer, ManagedRuntime, Redacted] = await Promise.all([
      import("@effect-flowwise/client"),
      import("effect/Effect"),
      import("effect/Layer"),
      import("effect/ManagedRuntime"),
      import("effect/Redacted")
    ])
    const { layer, around = (self) => self } = await setUp()
    const account = Credentials.layer({
      clientId: keys["x-client-id"],
      clientSecret: Redacted.make(keys["x-client-secret"])
    })
    const runtime = ManagedRuntime.make(Layer.provide(layer, [account, Environment.layer(baseUrl)]))
    await runtime.runtime()
    return {
      send: (customerId) => runtime.runPromise(around(deleteCustomer(customerId))),
      sendAll: loops(Effect, deleteCustomer, (all) => runtime.runPromise(around(all)))
    }
  }

const oursOver = (httpClient: () => Promise<Layer<HttpClient>>) =>
  ours(async () => {
    const [{ FlowwiseClient }, Layer] = await Promise.all([import("@effect-flowwise/client"), import("effect/Layer")])
    return { layer: Layer.provide(FlowwiseClient.layer, await httpClient()) }
  })

const oursOnNode = async () => (await import("@effect-flowwise/node")).NodeFlowwise.layer

const oursAsItComes = ours(async () => ({ layer: await oursOnNode() }))

type Dispatch = (customerId: string, deleted: () => void, failed: (error: Error) => void) => void

const dispatching = async (baseUrl: string): Promise<Dispatch> => {
  const { Agent } = await import("undici")
  const agent = new Agent()
  const { origin, pathname } = new URL(baseUrl)
  return (customerId, deleted, failed) => {
    let status: number
    agent.dispatch(
      { origin, path: `${pathname}/customer/${encodeURIComponent(customerId)}`, method: "DELETE", headers: keys },
      {
        onRequestStart: () => {},
        onResponseStart: (_, statusCode) => {
          status = statusCode
        },
        onResponseData: () => {},
        onResponseEnd: () => (status === 204 ? deleted() : failed(new Error(`answered ${status}`))),
        onResponseError: (_, error) => failed(error)
      }
    )
  }
}

/** The loop of a program on Effect, whose fibers need no promise. */
const loops =
  <E, R>(
    Effect: typeof import("effect/Effect"),
    call: (customerId: string) => Effect<unknown, E, R>,
    run: (all: Effect<void, E, R>) => Promise<void>
  ): SendAll =>
  (inFlight, next) => {
    const fiber = Effect.gen(function* () {
      for (let id = next(); id !== undefined; id = next()) yield* call(id)
    })
    const fibers = Array.from({ length: inFlight }, () => fiber)
    return run(Effect.all(fibers, { concurrency: "unbounded", discard: true }))
  }

export const competitors = {
  "undici dispatch": async (baseUrl) => {
    const dispatch = await dispatching(baseUrl)
    return promised((customerId) => new Promise<void>((resolve, reject) => dispatch(customerId, resolve, reject)))
  },
  // The least that any program on Effect does: a fiber that waits for a dispatch, and nothing else.
  "a bare fiber over undici dispatch": async (baseUrl) => {
    const [dispatch, Effect] = await Promise.all([dispatching(baseUrl), import("effect/Effect")])
    const call = (customerId: string) =>
      Effect.async<void, Error>((resume) =>
        dispatch(
          customerId,
          () => resume(Effect.void),
          (error) => resume(Effect.fail(error))
        )
      )
    return {
      send: (customerId) => Effect.runPromise(call(customerId)),
      sendAll: loops(Effect, call, Effect.runPromise)
    }
  },
  "undici.request": async (baseUrl) => {
    const { request } = await import("undici")
    return promised(async (customerId) => {
      const { body, statusCode } = await request(`${baseUrl}/customer/${encodeURIComponent(customerId)}`, {
        method: "DELETE",
        headers: keys
      })
      await body.dump()
      expect204(statusCode)
    })
  },
  "node:http": async (baseUrl) => {
    const { request } = await import("node:http")
    return promised(
      (customerId) =>
        new Promise<void>((resolve, reject) => {
          request(
            `${baseUrl}/customer/${encodeURIComponent(customerId)}`,
            { method: "DELETE", headers: keys },
            (response) => {
              response.resume()
              response.on("error", reject)
              response.on("end", () =>
                response.statusCode === 204 ? resolve() : reject(new Error(`answered ${response.statusCode}`))
              )
            }
          )
            .on("error", reject)
            .end()
        })
    )
  },
  fetch: async (baseUrl) =>
    promised(async (customerId) => {
      const response = await fetch(`${baseUrl}/customer/${encodeURIComponent(customerId)}`, {
        method: "DELETE",
        headers: keys
      })
      await response.body?.cancel()
      expect204(response.status)
    }),
  "openapi-fetch": async (baseUrl) => {
    const { default: createClient } = await import("openapi-fetch")
    const client = createClient<Paths>({ baseUrl, headers: keys })
    return promised(async (customerId) => {
      const { response } = await client.DELETE("/customer/{customer_id}", {
        params: { path: { customer_id: customerId } }
      })
      expect204(response.status)
    })
  },
  ky: async (baseUrl) => {
    const { default: ky } = await import("ky")
    const client = ky.create({ prefixUrl: baseUrl, headers: keys })
    return promised(async (customerId) => {
      const response = await client.delete(`customer/${encodeURIComponent(customerId)}`)
      expect204(response.status)
    })
  },
  axios: async (baseUrl) => {
    const { default: axios } = await import("axios")
    const client = axios.create({ baseURL: baseUrl, headers: keys, validateStatus: (status) => status === 204 })
    return promised((customerId) => client.delete(`/customer/${encodeURIComponent(customerId)}`))
  },
  "ours over NodeHttpClient.layerUndici": oursOver(
    async () => (await import("@effect/platform-node/NodeHttpClient")).layerUndici
  ),
  "ours over NodeHttpClient.layer": oursOver(async () => (await import("@effect/platform-node/NodeHttpClient")).layer),
  "ours over FetchHttpClient.layer": oursOver(async () => (await import("@effect/platform/FetchHttpClient")).layer),
  "ours, OpenTelemetry": ours(async () => {
    const [NodeSdk, { BatchSpanProcessor }, Layer, layer] = await Promise.all([
      import("@effect/opentelemetry/NodeSdk"),
      import("@opentelemetry/sdk-trace-base"),
      import("effect/Layer"),
      oursOnNode()
    ])
    // What an exporter sends is another's time; everything before it is the client's and the SDK's.
    const exporter = {
      export: (_: unknown, done: (result: { code: 0 }) => void) => done({ code: 0 }),
      shutdown: async () => {}
    }
    const sdk = NodeSdk.layer(() => ({
      resource: { serviceName: "benchmarks" },
      spanProcessor: new BatchSpanProcessor(exporter)
    }))
    return { layer: Layer.merge(layer, sdk) }
  }),
  "ours, a promise each": async (baseUrl) => promised((await oursAsItComes(baseUrl)).send),
  ours: oursAsItComes,
  "ours, tracing off": ours(async () => {
    const [{ withTracerEnabled }, layer] = await Promise.all([import("effect/Effect"), oursOnNode()])
    return { layer, around: withTracerEnabled(false) }
  })
} satisfies Record<string, Competitor>

export type Name = keyof typeof competitors

export const names = Object.keys(competitors) as ReadonlyArray<Name>
