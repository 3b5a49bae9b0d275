/** Fastify 5. */
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import fastify from "fastify"
import { httpAnswer } from "./httpStatus.js"

export const serve = async (port: number, host: string) => {
  const runtime = ManagedRuntime.make(NodeFlowwise.layerConfig)
  await runtime.runtime() // fails now, not at the first request, where a setting is missing

  // Without it, Fastify itself answers 404 to an id of more than 100 characters.
  const app = fastify({ routerOptions: { maxParamLength: 4096 } })
  app.delete<{ Params: { customerId: string } }>("/customers/:customerId", async (request, reply) => {
    const outcome = await runtime.runPromise(Effect.merge(deleteCustomer(request.params.customerId)))
    const { body, headers, status } = httpAnswer(outcome)
    return reply.code(status).headers(headers).send(body)
  })
  app.addHook("onClose", () => runtime.dispose()) // runs after the requests in flight

  await app.listen({ port, host })
  return { server: app.server, close: () => app.close() }
}
