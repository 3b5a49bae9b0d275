import { request } from "undici"
import { baseUrl, keys } from "./settings.js"

const url = `${baseUrl}/customer/${encodeURIComponent("cust_1")}`
const { body, statusCode } = await request(url, { method: "DELETE", headers: keys })
await body.dump()
if (statusCode !== 204) throw new Error(`answered ${statusCode}`)
console.log("deleted")
