import type { ServerResponse } from "node:http"
import * as V8 from "node:v8"
import * as Vm from "node:vm"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as HttpServer from "./HttpServer.js"

const KB = 1024
const MB = 1024 * KB

/** How many bytes a response has given to its socket; it goes on as long as the client takes them. */
const pour = (response: ServerResponse, total: number) => {
  const poured = { bytes: 0 }
  const piece = Buffer.alloc(64 * KB)
  const go = () => {
    while (poured.bytes < total && !response.destroyed) {
      poured.bytes += piece.length
      if (!response.write(piece)) {
        response.once("drain", go)
        return
      }
    }
    response.end()
  }
  go()
  return poured
}

const serve = Effect.gen(function* () {
  const poured: Array<{ readonly bytes: number }> = []
  const server = yield* HttpServer.make((request, response) => {
    switch (request.url) {
      case "/large":
        response.writeHead(200)
        poured.push(pour(response, 64 * MB))
        return
      case "/small":
        response.end("small")
        return
      case "/half":
        response.writeHead(200).write("half")
        return
      case "/too-large":
        response.writeHead(413).end("too large")
        return
      case "/ping":
        request.resume().on("end", () => response.end())
        return
    }
  })
  return { ...server, poured }
})

/** Waits until `value` is the same for a hundred round trips to the server, in which anything that flows would flow. */
const settled = (baseUrl: string, value: () => number) =>
  Effect.gen(function* () {
    let last = Number.NaN
    for (let same = 0; same < 100; same++) {
      yield* Effect.promise(() => fetch(`${baseUrl}/ping`, { method: "POST" }))
      if (value() !== last) {
        last = value()
        same = 0
      }
    }
    return last
  })

const onePool = NodeFlowwise.layerHttpClientWith({ connections: 1, headersTimeout: "1 minute" })

describe("a response's body", () => {
  it.scoped("flows no faster than it is read", () =>
    Effect.gen(function* () {
      const { baseUrl, poured } = yield* serve
      const response = yield* HttpClient.get(`${baseUrl}/large`)
      const seen = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      let read = 0
      const reader = yield* response.stream.pipe(
        Stream.runForEach((piece) => {
          read += piece.length
          return Effect.zipRight(Deferred.succeed(seen, undefined), Deferred.await(goOn))
        }),
        Effect.fork
      )
      yield* Deferred.await(seen)
      assert.isBelow(yield* settled(baseUrl, () => poured[0]!.bytes), 64 * MB)
      assert.isAtMost(read, 64 * KB)
      yield* Deferred.succeed(goOn, undefined)
      yield* reader
      assert.strictEqual(read, 64 * MB)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )

  it.scoped("waits at the server while nobody reads it, and is whole when somebody does", () =>
    Effect.gen(function* () {
      const { baseUrl, poured } = yield* serve
      const response = yield* HttpClient.get(`${baseUrl}/large`)
      assert.isBelow(yield* settled(baseUrl, () => poured[0]!.bytes), 64 * MB)
      assert.strictEqual((yield* response.arrayBuffer).byteLength, 64 * MB)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )

  it.scoped("that is small and unread leaves a pool of one to the next requests", () =>
    Effect.gen(function* () {
      const { baseUrl, connections } = yield* serve
      const unread = yield* Effect.forEach(Array.from({ length: 10 }), () => HttpClient.get(`${baseUrl}/small`))
      assert.strictEqual(yield* connections, 1)
      assert.strictEqual(yield* unread[0]!.text, "small")
    }).pipe(Effect.provide(onePool))
  )

  it.scoped("that is large and unread is let go with the request's scope", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* serve
      const client = HttpClient.withScope(yield* HttpClient.HttpClient)
      for (let request = 0; request < 5; request++) {
        yield* Effect.scoped(client.get(`${baseUrl}/large`))
      }
      yield* openAtMost(0)
    }).pipe(Effect.provide(onePool))
  )

  it.scoped("is not asked for where the request's scope has closed already, nor waited for when it closes", () =>
    Effect.gen(function* () {
      const { baseUrl, requests, received, openAtMost } = yield* serve
      const client = HttpClient.withScope(yield* HttpClient.HttpClient)
      const closed = yield* Scope.make()
      yield* Scope.close(closed, Exit.void)
      const late = yield* Effect.flip(Scope.extend(client.get(`${baseUrl}/small`), closed))
      assert.deepStrictEqual([late._tag, yield* requests], ["RequestError", 0])

      const scope = yield* Scope.make()
      const waiting = yield* Effect.fork(Effect.flip(Scope.extend(client.get(`${baseUrl}/never`), scope)))
      yield* received(1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* waiting)._tag, "RequestError")
      yield* openAtMost(0)
    }).pipe(Effect.provide(onePool))
  )

  it.scoped("is let go when a stream ends early", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* serve
      const response = yield* HttpClient.get(`${baseUrl}/large`)
      yield* Stream.runDrain(Stream.take(response.stream, 1))
      yield* openAtMost(0)
    }).pipe(Effect.provide(onePool))
  )

  it.scoped("is let go when nobody holds the response any more", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* serve
      yield* Effect.flatten(Effect.fork(HttpClient.get(`${baseUrl}/large`)))
      yield* Effect.raceFirst(openAtMost(0), collectGarbage)
    }).pipe(Effect.provide(onePool))
  )

  it.scoped("is read to its end by a reader who holds nothing but the reading", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* serve
      let pieces = 0
      const drain = Effect.map(HttpClient.get(`${baseUrl}/large`), ({ stream }) =>
        Stream.runForEach(stream, () =>
          Effect.sync(() => {
            if (pieces++ < 10) gc()
          })
        )
      )
      assert.strictEqual(yield* Effect.flatten(drain), undefined)
      assert.isAbove(pieces, 10)
    }).pipe(Effect.provide(onePool))
  )

  it.scoped("that breaks while nobody reads it is an error for who reads it later, and for nobody else", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* HttpServer.make((_, response) => {
        response.writeHead(200, { "content-length": 10 }).write("half", () => response.destroy())
      })
      const response = yield* HttpClient.get(baseUrl)
      yield* openAtMost(0)
      assert.strictEqual((yield* Effect.flip(response.text)).reason, "Decode")
    }).pipe(Effect.provide(onePool))
  )
})

describe("interruption", () => {
  it.scoped("before the headers closes the connection", () =>
    Effect.gen(function* () {
      const { baseUrl, received, openAtMost } = yield* serve
      const request = yield* Effect.fork(HttpClient.get(`${baseUrl}/never`))
      yield* received(1)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(request)))
      yield* openAtMost(0)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )

  const readers: Record<string, (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<unknown, unknown>> =
    {
      text: ({ text }) => text,
      stream: ({ stream }) => Stream.runDrain(stream)
    }
  for (const [name, read] of Object.entries(readers)) {
    it.scoped(`of a reader closes the connection: ${name}`, () =>
      Effect.gen(function* () {
        const { baseUrl, openAtMost } = yield* serve
        const response = yield* HttpClient.get(`${baseUrl}/half`)
        const reading = yield* Effect.fork(read(response))
        yield* Effect.yieldNow()
        assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(reading)))
        yield* openAtMost(0)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(response.text)))
      }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
    )
  }

  it.scoped("of a request that waits for the pool means that it is never sent, and the pool goes on", () =>
    Effect.gen(function* () {
      const { baseUrl, received, requests } = yield* serve
      const first = yield* Effect.fork(HttpClient.get(`${baseUrl}/never`))
      yield* received(1)
      const queued = yield* Effect.fork(HttpClient.get(`${baseUrl}/queued`))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(queued)
      yield* Fiber.interrupt(first)
      assert.strictEqual((yield* HttpClient.get(`${baseUrl}/small`)).status, 200)
      assert.strictEqual(yield* requests, 2)
    }).pipe(Effect.provide(onePool))
  )

  it.scoped("of an upload stops what is uploaded", () =>
    Effect.gen(function* () {
      const { baseUrl, received, openAtMost } = yield* serve
      const stopped = yield* Deferred.make<void>()
      const body = Stream.concat(Stream.make(Buffer.from("a")), Stream.never).pipe(
        Stream.ensuring(Deferred.succeed(stopped, undefined))
      )
      const upload = yield* Effect.fork(
        HttpClient.execute(HttpClientRequest.post(baseUrl).pipe(HttpClientRequest.setBody(HttpBody.stream(body))))
      )
      yield* received(1)
      yield* Fiber.interrupt(upload)
      yield* Deferred.await(stopped)
      yield* openAtMost(0)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )
})

describe("a request's body", () => {
  it.scoped("is pulled no faster than the server reads it", () =>
    Effect.gen(function* () {
      let total = 0
      let read: () => void = () => {}
      const { baseUrl, received } = yield* HttpServer.make((request, response) => {
        if (request.url === "/ping") {
          response.end()
          return
        }
        read = () => {
          request.on("data", (piece: Buffer) => (total += piece.length))
          request.on("end", () => response.end())
        }
      })
      let pulled = 0
      const piece = new Uint8Array(64 * KB)
      const body = Stream.repeatValue(piece).pipe(
        Stream.rechunk(1),
        Stream.take(1024),
        Stream.tap(() => Effect.sync(() => pulled++))
      )
      const upload = yield* Effect.fork(
        HttpClient.execute(HttpClientRequest.post(baseUrl).pipe(HttpClientRequest.setBody(HttpBody.stream(body))))
      )
      yield* received(1)
      assert.isBelow(yield* settled(baseUrl, () => pulled), 1024)
      read()
      assert.strictEqual((yield* upload).status, 200)
      assert.strictEqual(total, 64 * MB)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )

  it.scoped("stops where the server has answered before its end", () =>
    Effect.gen(function* () {
      const { baseUrl, openAtMost } = yield* serve
      const stopped = yield* Deferred.make<void>()
      const body = Stream.concat(Stream.make(Buffer.from("a")), Stream.never).pipe(
        Stream.ensuring(Deferred.succeed(stopped, undefined))
      )
      const response = yield* HttpClient.execute(
        HttpClientRequest.post(`${baseUrl}/too-large`).pipe(HttpClientRequest.setBody(HttpBody.stream(body)))
      )
      assert.deepStrictEqual([response.status, yield* response.text], [413, "too large"])
      yield* Deferred.await(stopped)
      yield* openAtMost(0)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )

  it.scoped("is let go where there is no connection", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* Effect.scoped(serve)
      const stopped = yield* Deferred.make<void>()
      const body = Stream.ensuring(Stream.never, Deferred.succeed(stopped, undefined))
      const error = yield* Effect.flip(
        HttpClient.execute(HttpClientRequest.post(baseUrl).pipe(HttpClientRequest.setBody(HttpBody.stream(body))))
      )
      assert.strictEqual(error._tag, "RequestError")
      yield* Deferred.await(stopped)
    }).pipe(Effect.provide(NodeFlowwise.layerHttpClient))
  )
})

describe("the pool", () => {
  it.scoped("closes with its layer, and fails what is under way and what comes after", () =>
    Effect.gen(function* () {
      const { baseUrl, received, openAtMost } = yield* serve
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(NodeFlowwise.layerHttpClient, scope)
      const client = Context.get(context, HttpClient.HttpClient)
      const read = yield* client.get(`${baseUrl}/half`)
      const waiting = yield* Effect.fork(Effect.flip(client.get(`${baseUrl}/never`)))
      yield* received(2)
      yield* Scope.close(scope, Exit.void)
      yield* openAtMost(0)
      for (const error of [yield* waiting, yield* Effect.flip(client.get(baseUrl)), yield* Effect.flip(read.text)]) {
        assert.strictEqual((error.cause as { readonly code?: string }).code, "UND_ERR_DESTROYED")
      }
    })
  )

  it.scoped("is another one for each layer that is built", () =>
    Effect.gen(function* () {
      const { baseUrl, connections } = yield* serve
      const get = Effect.provide(HttpClient.get(`${baseUrl}/small`), NodeFlowwise.layerHttpClient)
      yield* get
      yield* get
      assert.strictEqual(yield* connections, 2)
    })
  )
})

V8.setFlagsFromString("--expose-gc")
const gc: () => void = Vm.runInNewContext("gc")

const collectGarbage = Effect.gen(function* () {
  for (;;) {
    gc()
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
  }
})
