import { NodeFlowwise } from "@effect-flowwise/node"
import { clientOver } from "./client.js"
import { smoke } from "./smoke.js"

const client = clientOver(NodeFlowwise.layerWith)

export const run = (baseUrl: string) => smoke(client, baseUrl)
