import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { FlowwiseClient } from "@effect-flowwise/client"
import * as Layer from "effect/Layer"
import { clientOver } from "./client.js"
import { smoke } from "./smoke.js"

const client = clientOver((options) => Layer.provide(FlowwiseClient.layerWith(options), FetchHttpClient.layer))

export const run = (baseUrl: string) => smoke(client, baseUrl)
