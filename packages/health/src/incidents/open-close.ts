import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { IncidentEntry, IncidentSeverity } from './incident.js';

/** The incident that an endpoint is in, as the monitor keeps it. */
export interface OpenIncident {
  id: string;
  /** The worst so far. */
  severity: IncidentSeverity;
  /** Epoch ms. */
  startedAt: number;
}

/** What a change of status does to an incident. */
export interface IncidentChange {
  kind: Extract<IncidentEntry['kind'], 'opened' | 'worsened' | 'eased' | 'resolved'>;
  /** The incident afterwards; null when it is over. */
  open: OpenIncident | null;
}

const severities: readonly IncidentSeverity[] = ['degraded', 'critical', 'offline'];

function isWorse(one: IncidentSeverity, other: IncidentSeverity): boolean {
  return severities.indexOf(one) > severities.indexOf(other);
}

/**
 * What becomes of an endpoint's incident when its status changes. One begins when it is not healthy any more, and ends
 * when it is again; in between it worsens and eases. `unknown` is trouble of our own, and changes nothing.
 * @param since when the status began, epoch ms
 * @param newId gives the id of an incident that begins
 */
export function changeIncident(
  open: OpenIncident | null,
  { status, since }: { status: EndpointStatus; since: number },
  newId: () => string,
): IncidentChange | undefined {
  if (status === 'unknown') return undefined;
  if (status === 'healthy') return open ? { kind: 'resolved', open: null } : undefined;
  if (!open) return { kind: 'opened', open: { id: newId(), severity: status, startedAt: since } };
  return isWorse(status, open.severity)
    ? { kind: 'worsened', open: { ...open, severity: status } }
    : { kind: 'eased', open };
}
