import {
  deletions,
  errorTypeOf,
  requestDuration,
  spanAttributes,
  spanName,
  statusOf,
  unauthorizedAfterAmbiguous
} from "@effect-flowwise/core"
import { assert, describe, it } from "vitest"

describe("the span", () => {
  it("has the name of the route, and the metrics have OpenTelemetry's and ours", () => {
    assert.deepStrictEqual(
      [spanName, requestDuration.name, deletions.name],
      ["DELETE /customer/{customer_id}", "http.client.request.duration", "flowwise.customer.deletions"]
    )
  })

  it.each([
    ["https:", "api.example.com", "", "api.example.com", 443],
    ["http:", "api.example.com", "", "api.example.com", 80],
    ["http:", "[::1]", "8049", "::1", 8049],
    ["https:", "127.0.0.1", "8443", "127.0.0.1", 8443]
  ])("of %s//%s:%s is at %s, port %d", (protocol, hostname, port, address, number) => {
    assert.deepStrictEqual(spanAttributes({ protocol, hostname, port }), {
      "http.request.method": "DELETE",
      "url.template": "/customer/{customer_id}",
      "server.address": address,
      "server.port": number
    })
  })
})

describe("an error", () => {
  it.each([
    [{ _tag: "InvalidCustomerId" }, 400],
    [{ _tag: "Unauthorized" }, 401],
    [{ _tag: "CustomerNotFound" }, 404],
    [{ _tag: "DeletionFailed" }, 500],
    [{ _tag: "RateLimited" }, 429],
    [{ _tag: "UnexpectedResponse", status: 404 }, 404],
    [{ _tag: "RequestFailed", reason: "Timeout" }, undefined]
  ])("%j stands for the status %s", (error, status) => {
    assert.strictEqual(statusOf(error), status)
  })

  it.each([
    [{ _tag: "CustomerNotFound" }, 404, "404"],
    [{ _tag: "InvalidCustomerId" }, undefined, "InvalidCustomerId"],
    [{ _tag: "RequestFailed", reason: "Timeout" }, undefined, "Timeout"],
    [{ _tag: "RequestFailed", reason: "Transport" }, 401, "Transport"],
    [{ _tag: "RequestFailed" }, undefined, "RequestFailed"]
  ])("%j with the status %s is of type %s", (error, status, type) => {
    assert.strictEqual(errorTypeOf(error, status), type)
  })

  it("that stands in for a 401 after an ambiguous attempt leaves it open whether the customer is deleted", () => {
    assert.deepStrictEqual(unauthorizedAfterAmbiguous, {
      _tag: "RequestFailed",
      message: "The credentials were refused, and an earlier attempt may have deleted the customer. Ask again",
      reason: "Transport",
      delivered: "unknown"
    })
  })
})
