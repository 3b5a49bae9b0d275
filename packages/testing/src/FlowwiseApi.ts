/**
 * The vendor's contract for `DELETE /customer/{customer_id}`, Flowwise Native API 1.0.0.
 *
 * @since 0.1.0
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as OpenApi from "@effect/platform/OpenApi"
import { documented } from "@effect-flowwise/core"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"

const ErrorResponse = Schema.Struct({
  message: Schema.String.annotations({ description: "Human-readable error message describing what went wrong." }),
  code: Schema.String.annotations({ description: "Machine-readable error code for programmatic handling." }),
  type: Schema.String.annotations({ description: "Category or type of error that occurred." })
}).annotations({
  identifier: "ErrorResponse",
  description: "Error response structure returned when an API request fails."
})

/** On the wire only the status distinguishes the four errors, so the tag is not sent. */
const documentedError = <const Tag extends string>(
  tag: Tag,
  status: number,
  description: string,
  example: typeof ErrorResponse.Type
) =>
  Object.assign(
    ErrorResponse.pipe(
      Schema.attachPropertySignature("_tag", tag),
      Schema.annotations({ ...HttpApiSchema.annotations({ status }), description })
    ),
    { status, example, documented: { _tag: tag, ...example } }
  )

/** @internal */
export const errors = {
  InvalidCustomerId: documentedError(
    "InvalidCustomerId",
    400,
    "Bad Request - Invalid customer ID format",
    documented[400]
  ),
  Unauthorized: documentedError(
    "Unauthorized",
    401,
    "Unauthorized - Invalid or missing authentication credentials",
    documented[401]
  ),
  CustomerNotFound: documentedError("CustomerNotFound", 404, "Not Found - Customer not found", documented[404]),
  DeletionFailed: documentedError(
    "DeletionFailed",
    500,
    "Internal Server Error - Customer deletion failed",
    documented[500]
  )
}

const dashboard = "[Merchant Dashboard](https://merchant.cashfree.com/auth/login/pg/developers/api-keys?env=prod)"

/** @internal */
export class ApiCredentials extends HttpApiMiddleware.Tag<ApiCredentials>()("@effect-flowwise/testing/ApiCredentials", {
  failure: errors.Unauthorized,
  security: {
    ApiKeyAuth: HttpApiSecurity.apiKey({ in: "header", key: "x-client-id" }).pipe(
      HttpApiSecurity.annotate(OpenApi.Description, `Client app ID. You can find your app ID in the ${dashboard}.`)
    ),
    ApiSecret: HttpApiSecurity.apiKey({ in: "header", key: "x-client-secret" }).pipe(
      HttpApiSecurity.annotate(
        OpenApi.Description,
        `Client secret key. You can find your secret key in the ${dashboard}.`
      )
    )
  }
}) {}

// Removes what `OpenApi.fromApi` adds and the vendor's document doesn't say.
const asTheVendorSays = OpenApi.annotations({
  title: "Flowwise Native API",
  version: "1.0.0",
  description:
    "Manage orders, payments, refunds, and customers using the Flowwise Native API.\n[Source](https://cashfree.atlassian.net/wiki/spaces/ORC/pages/1084032020/API+Documentation)\n",
  servers: [
    { url: "https://sandbox.flowwise.com/router", description: "Sandbox" },
    { url: "https://app.flowwise.com/router", description: "Production" }
  ],
  transform: (spec) => {
    const { additionalProperties: _, ...schema } = spec.components.schemas.ErrorResponse
    return {
      ...spec,
      // Both keys, where the platform lists one or the other.
      security: [Object.assign({}, ...spec.security)],
      components: { ...spec.components, schemas: { ErrorResponse: schema } }
    }
  }
})

const withExamples = OpenApi.annotations({
  summary: "Delete Customer",
  description:
    "Use this API to remove a customer record from the system. Use this API to permanently delete customer information when it is no longer needed or upon customer request for data deletion.\n",
  transform: (operation) => {
    const responses = { ...operation.responses }
    for (const { ast, status, example } of Object.values(errors)) {
      responses[status] = {
        description: AST.getDescriptionAnnotation(ast).pipe(Option.getOrThrow),
        content: { "application/json": { schema: { $ref: "#/components/schemas/ErrorResponse" }, example } }
      }
    }
    const parameters = operation.parameters.map(({ schema: _, ...parameter }: { readonly schema: unknown }) => ({
      ...parameter,
      schema: { type: "string", example: "cust_priya_sharma_2024" }
    }))
    // An empty list here would say that this operation needs no credentials.
    const { security: _, ...rest } = operation
    return { ...rest, parameters, responses }
  }
})

const personal = {
  name: Schema.optional(Schema.String),
  phone: Schema.optional(Schema.String),
  email: Schema.optional(Schema.String),
  address: Schema.optional(Schema.String)
}

const newCustomer = {
  customer_id: Schema.NonEmptyString,
  scope: Schema.Literal("PROJECT", "GLOBAL"),
  ...personal
}

const Customer = Schema.Struct({
  id: Schema.String,
  added_on: Schema.String,
  updated_on: Schema.String,
  project_id: Schema.String,
  status: Schema.String,
  ...newCustomer
})

// For tests that create customers over HTTP. The vendor documents it elsewhere, so this document leaves it out.
const createCustomer = HttpApiEndpoint.post("createCustomer", "/customer")
  .setPayload(Schema.Struct(newCustomer))
  .addSuccess(Customer)
  .annotate(OpenApi.Exclude, true)

/**
 * The contract as an `HttpApi`. `OpenApi.fromApi(FlowwiseApi)` equals the vendor's document.
 *
 * @example
 * ```ts
 * import { FlowwiseApi } from "@effect-flowwise/testing"
 * import * as OpenApi from "@effect/platform/OpenApi"
 *
 * const document = OpenApi.fromApi(FlowwiseApi)
 * ```
 *
 * @since 0.1.0
 * @category api
 */
export class FlowwiseApi extends HttpApi.make("flowwise")
  .add(
    HttpApiGroup.make("customer")
      .add(
        HttpApiEndpoint.del("deleteCustomer", "/customer/:customer_id")
          .setPath(
            Schema.Struct({
              customer_id: Schema.String.annotations({ description: "Unique identifier for the customer." })
            })
          )
          .addSuccess(HttpApiSchema.NoContent.annotations({ description: "Success response for customer deletion." }))
          .addError(errors.InvalidCustomerId)
          .addError(errors.CustomerNotFound)
          .addError(errors.DeletionFailed)
          .annotateContext(withExamples)
      )
      .add(createCustomer)
  )
  .middleware(ApiCredentials)
  .annotateContext(asTheVendorSays) {}
