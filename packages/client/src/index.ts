/**
 * @since 0.1.0
 */
export { type ClientCredentials, Credentials } from "./Credentials.js"
export { CustomerAlreadyAbsent, CustomerDeleted, CustomerId } from "./Customer.js"
export {
  CustomerNotFound,
  DeleteCustomerError,
  DeletionFailed,
  InvalidCustomerId,
  isAmbiguous,
  RateLimited,
  RequestFailed,
  Unauthorized,
  UnexpectedResponse
} from "./DeleteCustomerError.js"
export {
  type DeleteCustomersOptions,
  DeletionOutcome,
  DeletionUnconfirmed,
  deleteCustomers
} from "./deleteCustomers.js"
export { Environment } from "./Environment.js"
export { deleteCustomer, ensureCustomerDeleted, FlowwiseClient } from "./FlowwiseClient.js"
export * as Retry from "./Retry.js"
