import type { EndpointStatus } from '../endpoints/endpoint.js';

/** What is kept of an endpoint between its checks. */
export interface StatusState {
  status: EndpointStatus;
  /** Results in a row that are worse than the status; troubles of our own in between do not count. */
  streak: number;
  /** Troubles of our own in a row, 0 when left out. They are forgotten over a restart. */
  blind?: number;
}

/** An endpoint that nobody has checked. */
export const unchecked: StatusState = { status: 'unknown', streak: 0 };

const severity = { healthy: 0, degraded: 1, critical: 2, offline: 3 };

/**
 * The state after a check. A better result counts at once; a worse one only after `retryCount` results in a row that
 * are all worse than the status. Results equal to the status end a streak. An endpoint not yet known becomes healthy or
 * degraded at its first good result, and anything else after `retryCount` results. Trouble of our own says nothing of
 * the endpoint, and is counted apart: after `retryCount` of it in a row nothing may be claimed any more.
 */
export function observe(state: StatusState, result: EndpointStatus, retryCount: number): StatusState {
  const { status, streak, blind = 0 } = state;
  if (result === status) return { status, streak: 0, blind: 0 };
  if (result === 'unknown')
    return blind + 1 >= retryCount ? { status: result, streak: 0, blind: 0 } : { status, streak, blind: blind + 1 };
  const improves = status === 'unknown' ? severity[result] <= severity.degraded : severity[result] < severity[status];
  return improves || streak + 1 >= retryCount
    ? { status: result, streak: 0, blind: 0 }
    : { status, streak: streak + 1, blind: 0 };
}
