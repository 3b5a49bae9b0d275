/** The first argument of each program. */
export const baseUrl = process.argv[2] ?? ""

export const account = { clientId: "app_1", clientSecret: "a-secret-of-the-benchmarks" }

export const keys = { "x-client-id": account.clientId, "x-client-secret": account.clientSecret }
