import type { EndpointRecord } from '../endpoints/endpoint.js';
import type { StatusPolicy } from './status.js';

/** When an endpoint's results become its status. */
export function policyOf(endpoint: EndpointRecord): StatusPolicy {
  const { retryCount, recoveryCount, minErrorTime, recoveryResponseTime } = endpoint;
  return {
    retryCount,
    recoveryCount,
    minErrorMs: minErrorTime * 1_000,
    recoveryResponseMs: recoveryResponseTime === null ? null : recoveryResponseTime * 1_000,
  };
}
