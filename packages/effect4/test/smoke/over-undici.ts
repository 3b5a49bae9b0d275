import { NodeFlowwise } from "@effect-flowwise/effect4/node"
import { smoke } from "../../../integrations/src/smoke/smoke.js"
import { clientOver } from "./client.js"

const client = clientOver(NodeFlowwise.layerWith)

export const run = (baseUrl: string) => smoke(client, baseUrl)
