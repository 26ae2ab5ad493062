import type { EndpointStatus } from '../endpoints/endpoint.js';

/** What is kept of an endpoint between its checks. */
export interface StatusState {
  status: EndpointStatus;
  /** Results in a row that are worse than the status, and what the last of them was. */
  streak: number;
}

/** An endpoint that nobody has checked. */
export const unchecked: StatusState = { status: 'unknown', streak: 0 };

/** How bad each status is. What we cannot know is worst: after enough of it, nothing may be claimed. */
const severity: Record<EndpointStatus, number> = { healthy: 0, degraded: 1, critical: 2, offline: 3, unknown: 4 };

/**
 * The state after a check. A better result counts at once; a worse one only after `retryCount` results in a row that
 * are all worse than the status. Results equal to the status end a streak. An endpoint not yet known becomes healthy or
 * degraded at its first good result, and anything else after `retryCount` results.
 */
export function observe(state: StatusState, result: EndpointStatus, retryCount: number): StatusState {
  if (result === state.status) return { status: state.status, streak: 0 };
  const improves =
    state.status === 'unknown' ? severity[result] <= severity.degraded : severity[result] < severity[state.status];
  if (improves) return { status: result, streak: 0 };
  const streak = state.streak + 1;
  return streak >= retryCount ? { status: result, streak: 0 } : { status: state.status, streak };
}
