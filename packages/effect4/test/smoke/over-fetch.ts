import { FlowwiseClient } from "@effect-flowwise/effect4"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { smoke } from "../../../integrations/src/smoke/smoke.js"
import { clientOver } from "./client.js"

const client = clientOver((options) => Layer.provide(FlowwiseClient.layerWith(options), FetchHttpClient.layer))

export const run = (baseUrl: string) => smoke(client, baseUrl)
