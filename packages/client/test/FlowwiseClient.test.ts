import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import {
  type ClientCredentials,
  Credentials,
  deleteCustomer,
  Environment,
  FlowwiseClient,
  Transport
} from "@effect-flowwise/client"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"

/** A client whose answers come when the test says so. */
const clientOver = (httpClient: HttpClient.HttpClient, get?: (typeof Credentials)["Service"]["get"]) =>
  FlowwiseClient.make().pipe(
    Effect.provide(Transport.layerHttpClient),
    Effect.provideService(HttpClient.HttpClient, httpClient),
    Effect.provideService(Environment, { name: "test", baseUrl: "https://flowwise.test" }),
    Effect.provideService(Credentials, {
      get: get ?? Effect.succeed({ clientId: "app_1", clientSecret: Redacted.make("secret") })
    })
  )

/** Answers the first request with silence that ends in a time-out, every other one with the vendor's 404. */
const lostAndThenAbsent = () => {
  let sent = 0
  return Layer.effect(FlowwiseClient, FlowwiseClient.make({ timeout: "1 second" })).pipe(
    Layer.provide(
      Layer.succeed(Transport, {
        send: (_, observer) => {
          observer.left("yes")
          if (sent++ > 0 && observer.head(404, {})) {
            const body = { message: "no", code: "customer_not_found", type: "resource_error" }
            observer.body({ text: JSON.stringify(body), complete: true })
          }
          return () => {}
        }
      })
    ),
    Layer.provide(Layer.succeed(Environment, { name: "test", baseUrl: "https://flowwise.test" })),
    Layer.provide(
      Layer.succeed(Credentials, {
        get: Effect.succeed({ clientId: "app_1", clientSecret: Redacted.make("secret") })
      })
    )
  )
}

describe("FlowwiseClient", () => {
  it.effect("a call whose client is provided within what is retried knows of its earlier runs", () =>
    Effect.gen(function* () {
      const client = lostAndThenAbsent()
      const retried = deleteCustomer("cust_1").pipe(
        Effect.provide(client),
        Effect.retry({ times: 2, while: ({ _tag }) => _tag === "RequestFailed" }),
        Effect.flip
      )
      const fiber = yield* Effect.fork(retried)
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
    })
  )

  it.effect("a second parameter of somebody's own, as Array.map gives it, changes nothing", () =>
    Effect.gen(function* () {
      const client = yield* Effect.provide(FlowwiseClient, lostAndThenAbsent())
      const calls = ["cust_1", "cust_2"].map(client.deleteCustomer)
      const withNull = client.deleteCustomer as (id: string, more: unknown) => ReturnType<typeof client.deleteCustomer>
      const fiber = yield* Effect.fork(Effect.forEach([...calls, withNull("cust_3", null)], Effect.flip))
      yield* TestClock.adjust("2 seconds")
      const [first, ...others] = yield* Fiber.join(fiber)
      assert.deepInclude(first, { _tag: "RequestFailed", reason: "Timeout" })
      for (const other of others) assert.deepInclude(other, { _tag: "CustomerNotFound", afterAmbiguousAttempt: false })
    })
  )

  it.effect("a transport that throws when it is let go of still ends in time", () =>
    Effect.gen(function* () {
      const client = yield* FlowwiseClient.make({ timeout: "1 second" }).pipe(
        Effect.provideService(Transport, {
          send: () => () => {
            throw new Error("not mine to close")
          }
        }),
        Effect.provideService(Environment, { name: "test", baseUrl: "https://flowwise.test" }),
        Effect.provideService(Credentials, {
          get: Effect.succeed({ clientId: "app_1", clientSecret: Redacted.make("secret") })
        })
      )
      const fiber = yield* Effect.fork(Effect.flip(client.deleteCustomer("cust_1")))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "RequestFailed", reason: "Timeout", delivered: "no" })
      const interrupted = yield* Effect.fork(client.deleteCustomer("cust_1"))
      yield* Effect.yieldNow()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(interrupted)))
    })
  )

  it.effect("an error has no stack of ours", () =>
    Effect.gen(function* () {
      const client = yield* Effect.provide(FlowwiseClient, lostAndThenAbsent())
      const fiber = yield* Effect.fork(Effect.flip(client.deleteCustomer("cust_1")))
      yield* TestClock.adjust("1 second")
      assert.notMatch(String((yield* Fiber.join(fiber)).stack), /\n\s+at /)
    })
  )

  it.effect.each(["interruption, answer", "answer, interruption"])("comes to an end at %s in one turn", (order) =>
    Effect.gen(function* () {
      let answer = () => {}
      const client = yield* clientOver(
        HttpClient.make((request) =>
          Effect.async((resume) => {
            answer = () =>
              resume(Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status: 204 }))))
          })
        )
      )
      const fiber = yield* Effect.fork(client.deleteCustomer("cust_1"))
      yield* Effect.yieldNow()
      const interrupt = () => fiber.unsafeInterruptAsFork(fiber.id())
      for (const act of order.startsWith("answer") ? [answer, interrupt] : [interrupt, answer]) act()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
    })
  )

  it.effect("a run that began later and deleted the customer explains the 404 of the one before", () =>
    Effect.gen(function* () {
      const answers: Array<(response: Response) => void> = []
      const client = yield* clientOver(
        HttpClient.make((request) =>
          Effect.async((resume) => {
            answers.push((response) => resume(Effect.succeed(HttpClientResponse.fromWeb(request, response))))
          })
        )
      )
      const call = client.deleteCustomer("cust_1")
      const first = yield* Effect.fork(Effect.flip(call))
      yield* Effect.yieldNow()
      const second = yield* Effect.fork(call)
      yield* Effect.yieldNow()
      answers[1]!(new Response(null, { status: 204 }))
      yield* Fiber.join(second)
      answers[0]!(Response.json({ message: "no", code: "customer_not_found", type: "t" }, { status: 404 }))
      assert.deepInclude(yield* Fiber.join(first), { _tag: "CustomerNotFound", afterAmbiguousAttempt: true })
    })
  )

  it.effect("a pair that is changed in place takes effect at once", () =>
    Effect.gen(function* () {
      const sent: Array<string | undefined> = []
      const pair = { clientId: "app_1", clientSecret: Redacted.make("old") } satisfies ClientCredentials
      const client = yield* clientOver(
        HttpClient.make((request) =>
          Effect.sync(() => {
            sent.push(request.headers["x-client-secret"])
            return HttpClientResponse.fromWeb(request, new Response(null, { status: 204 }))
          })
        ),
        Effect.succeed(pair)
      )
      yield* client.deleteCustomer("cust_1")
      pair.clientSecret = Redacted.make("new")
      yield* client.deleteCustomer("cust_2")
      assert.deepStrictEqual(sent, ["old", "new"])
    })
  )

  it.effect("credentials are read as their caller would, and not as a request is sent", () =>
    Effect.gen(function* () {
      const seen: Array<boolean> = []
      const client = yield* clientOver(
        HttpClient.make((request) =>
          Effect.map(HttpClient.currentTracerDisabledWhen, (disabledWhen) => {
            seen.push(disabledWhen(request))
            return HttpClientResponse.fromWeb(request, new Response(null, { status: 204 }))
          })
        ),
        Effect.map(HttpClient.currentTracerDisabledWhen, (disabledWhen) => {
          seen.push(disabledWhen({} as never))
          return { clientId: "app_1", clientSecret: Redacted.make("secret") }
        })
      )
      yield* client.deleteCustomer("cust_1")
      assert.deepStrictEqual(seen, [false, true])
    })
  )
})
