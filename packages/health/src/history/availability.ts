import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { Bucket } from './bucket.js';

/** How much of the time an endpoint was there, in percent. Null where nothing is known. */
export interface Availability {
  /** Healthy and degraded checks among those whose outcome is known. */
  bySamples: number | null;
  /** The same by how long the status was which. */
  byDuration: number | null;
  /** The share of the window in which the status is known. */
  coverage: number | null;
}

/** The availability over a window. Troubles of our own are not the endpoint's: `unknown` counts neither way. */
export function availability(
  { counts, durationMs }: Pick<Bucket, 'counts' | 'durationMs'>,
  windowMs: number,
): Availability {
  const [checks, lasted] = [split(counts), split(durationMs)];
  return {
    bySamples: percent(checks.available, checks.known),
    byDuration: percent(lasted.available, lasted.known),
    coverage: percent(lasted.known, windowMs),
  };
}

function split({ healthy, degraded, critical, offline }: Record<EndpointStatus, number>) {
  const available = healthy + degraded;
  return { available, known: available + critical + offline };
}

function percent(part: number, whole: number): number | null {
  return whole > 0 ? Math.round((1_000_000 * part) / whole) / 10_000 : null;
}
