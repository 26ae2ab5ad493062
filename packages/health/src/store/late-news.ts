import type { AnyEvent } from '@dotmac/core';
import type { HealthEvents } from '../events.js';
import type { IncidentWrite } from './store.js';

/** Whether an event tells of one of these writes, which came when their incident was over. */
export function isLate({ name, at, data }: AnyEvent<HealthEvents>, late: ReadonlySet<IncidentWrite>): boolean {
  if (!('incidentId' in data)) return false;
  return [...late].some(
    ({ incidentId, entry }) => incidentId === data.incidentId && entry.at === at && name === `incident.${entry.kind}`,
  );
}
