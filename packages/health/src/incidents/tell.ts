import { newId, type AnyEvent } from '@dotmac/core';
import { healthEvents, type HealthEvents } from '../events.js';
import type { KeptEndpoint } from '../monitoring/directory.js';
import type { IncidentWrite } from '../store/store.js';
import { changeIncident } from './open-close.js';

/**
 * What a change of an endpoint's status does to its incident, and the event that tells of it; the endpoint is in the
 * changed incident from then on. Nothing when there is none to tell of.
 */
export function tellIncident(
  kept: KeptEndpoint,
  at: number,
): { write: IncidentWrite; event: AnyEvent<HealthEvents> } | undefined {
  const change = changeIncident(kept.incident, kept.status, newId);
  if (!change) return undefined;
  const { tenantId, id: endpointId, name: endpointName } = kept.endpoint;
  const { kind } = change;
  const { id: incidentId, severity } = change.open ?? kept.incident ?? { id: '', severity: 'offline' as const };
  const since = kept.since ?? at;
  kept.incident = change.open;
  const { message } = kept;
  const opened =
    kind === 'opened'
      ? {
          ...{ tenantId, id: incidentId, endpointId, endpointName, severity, message, startedAt: since, openedAt: at },
          acknowledgedAt: null,
          acknowledgedBy: null,
          resolvedAt: null,
        }
      : null;
  const entry = { id: newId(), at, kind, actor: 'system', text: message };
  const resolvedAt = kind === 'resolved' ? since : null;
  const data = { incidentId, endpointName, severity, text: message };
  return {
    write: { tenantId, endpointId, incidentId, opened, severity, resolvedAt, entry },
    event: healthEvents.create(`incident.${kind}`, { tenantId, actor: 'system', subject: endpointId, at, data }),
  };
}
