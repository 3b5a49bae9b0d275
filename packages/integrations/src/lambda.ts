/** AWS Lambda, behind an API Gateway. */
import { Credentials, deleteCustomer, Environment } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { httpAnswer } from "./httpStatus.js"

// Of the module, so that later invocations of the same instance have it.
const runtime = ManagedRuntime.make(
  NodeFlowwise.layerWith({
    connectionPerRequest: true, // a connection that was kept alive may be dead after a freeze
    timeout: "8 seconds" // less than the function's own, which would end it without an answer
  }).pipe(Layer.provide([Credentials.layerConfig, Environment.layerConfig]))
)

export const handler = async (event: { readonly pathParameters: { readonly customerId: string } }) => {
  const outcome = await runtime.runPromise(Effect.merge(deleteCustomer(event.pathParameters.customerId)))
  const { body, headers, status } = httpAnswer(outcome)
  return { statusCode: status, headers, body: body === undefined ? "" : JSON.stringify(body) }
}
