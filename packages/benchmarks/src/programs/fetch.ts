import { baseUrl, keys } from "./settings.js"

const url = `${baseUrl}/customer/${encodeURIComponent("cust_1")}`
const response = await fetch(url, { method: "DELETE", headers: keys })
await response.body?.cancel()
if (response.status !== 204) throw new Error(`answered ${response.status}`)
console.log("deleted")
