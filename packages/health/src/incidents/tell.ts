import { newId, type AnyEvent } from '@dotmac/core';
import { healthEvents, type HealthEvents } from '../events.js';
import type { KeptEndpoint } from '../monitoring/directory.js';
import type { IncidentWrite } from '../store/store.js';
import type { IncidentRecord } from './incident.js';
import { changeIncident } from './open-close.js';

/**
 * What a change of an endpoint's status does to its incident, and the event that tells of it; the endpoint is in the
 * changed incident from then on. Nothing when there is none to tell of.
 */
export function tellIncident(
  kept: KeptEndpoint,
  at: number,
): { write: IncidentWrite; event: AnyEvent<HealthEvents> } | undefined {
  const since = Math.min(kept.since ?? at, at);
  const change = changeIncident(kept.incident, { status: kept.status, since }, newId);
  const incident = change?.open ?? kept.incident;
  if (!change || !incident) return undefined;
  const { tenantId, id: endpointId, name: endpointName, tags } = kept.endpoint;
  const { kind } = change;
  const { id: incidentId, severity, startedAt } = incident;
  kept.incident = change.open;
  const { message: text, isFlapping: flapping } = kept;
  const opened =
    kind === 'opened'
      ? {
          ...{ tenantId, id: incidentId, endpointId, endpointName, severity, message: text, startedAt, openedAt: at },
          acknowledgedAt: null,
          acknowledgedBy: null,
          resolvedAt: null,
        }
      : null;
  const entry = { id: newId(), at, kind, actor: 'system', text };
  // A wall clock that was set back meanwhile ends nothing before it began.
  const resolvedAt = kind === 'resolved' ? Math.max(since, startedAt) : null;
  const data = { incidentId, endpointName, severity, text, startedAt, resolvedAt, tags, flapping };
  return {
    write: { tenantId, endpointId, incidentId, opened, severity, resolvedAt, entry },
    event: healthEvents.create(`incident.${kind}`, { tenantId, actor: 'system', subject: endpointId, at, data }),
  };
}

/** What events tell of an incident as it is kept, but for what happened. */
export function toldOf(
  { id: incidentId, endpointName, severity, startedAt, resolvedAt }: IncidentRecord,
  kept: KeptEndpoint | undefined,
) {
  const [tags, flapping] = [kept?.endpoint.tags ?? [], kept?.isFlapping ?? false];
  return { incidentId, endpointName, severity, startedAt, resolvedAt, tags, flapping };
}
