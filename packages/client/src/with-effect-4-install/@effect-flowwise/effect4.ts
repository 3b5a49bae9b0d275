// Effect 4 has no such module. Node's error then names this file, and with it the package to install.
import "effect/Either"

export { type ClientCredentials, Credentials } from "../../Credentials.js"
export { CustomerAlreadyAbsent, CustomerDeleted, CustomerId } from "../../Customer.js"
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
} from "../../DeleteCustomerError.js"
export { DeletionOutcome, DeletionUnconfirmed } from "../../DeletionOutcome.js"
export { type DeleteCustomersOptions, deleteCustomers } from "../../deleteCustomers.js"
export { Environment } from "../../Environment.js"
export { type ClientOptions, deleteCustomer, ensureCustomerDeleted, FlowwiseClient } from "../../FlowwiseClient.js"
export * as Retry from "../../Retry.js"
export { bodyReader, Transport, type TransportObserver, type TransportRequest } from "../../Transport.js"
