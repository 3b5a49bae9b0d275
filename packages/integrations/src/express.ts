/** Express 5. */
import { once } from "node:events"
import { promisify } from "node:util"
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import express from "express"
import { httpAnswer } from "./httpStatus.js"

export const serve = async (port: number, host: string) => {
  const runtime = ManagedRuntime.make(NodeFlowwise.layerConfig)
  await runtime.runtime() // fails now, not at the first request, where a setting is missing

  const app = express()
  app.delete("/customers/:customerId", async (request, response) => {
    const outcome = await runtime.runPromise(Effect.merge(deleteCustomer(request.params.customerId)))
    const { body, headers, status } = httpAnswer(outcome)
    response.status(status).set(headers).json(body)
  })

  const server = app.listen(port, host)
  await once(server, "listening")
  return {
    server,
    close: async () => {
      await promisify(server.close.bind(server))() // waits for the requests in flight
      await runtime.dispose()
    }
  }
}
