/** `@dotmac/operations`: health, lifecycle and maintenance on one tenant model and one database. */
export { createOperations } from './operations.js';
export type { Operations, OperationsOptions } from './operations.js';
export type { OperationsScope } from './scope.js';
export type { DatabaseEndpoint } from './links/yield-to-health.js';
export { operationsStatus } from './status/status.js';
export type { OperationsStatus } from './status/status.js';
