import axios from "axios"
import { baseUrl, keys } from "./settings.js"

const client = axios.create({ baseURL: baseUrl, headers: keys, validateStatus: (status) => status === 204 })
await client.delete(`/customer/${encodeURIComponent("cust_1")}`)
console.log("deleted")
