import type { Draft, Leave } from './carried.js';

const within = (seconds: number, least: number, most: number): number => Math.min(most, Math.max(least, seconds));

/**
 * A job that pushes its results, as a heartbeat. It has a path of its own here, which only the host's monitor can give.
 * @param periodSeconds how often it is to call
 * @param graceSeconds how late it may be
 */
export function pushedTarget(periodSeconds: number, graceSeconds: number, leave: Leave): Draft {
  const period = within(periodSeconds, 60, 31_536_000);
  if (period !== periodSeconds) leave('interval', `${periodSeconds} s became ${period} s, which is the bound here`);
  leave(
    'token',
    'The job calls another path, and says by that whether it failed: GET /network-monitoring/endpoints/{id}/heartbeat',
  );
  // Waiting is what the grace is for: what it comes to counts at once.
  return {
    serviceType: 'heartbeat',
    retryCount: 1,
    config: { period, grace: within(graceSeconds, 1, 604_800) },
  };
}
