import type { ScopeIdentity } from '@dotmac/core';
import { healthEvents, type HealthEvents } from '../events.js';
import type { IncidentRecord } from '../incidents/incident.js';
import type { EndpointRecord } from './endpoint.js';

type EventName = Extract<keyof HealthEvents, 'endpoint.registered' | 'endpoint.updated' | 'endpoint.removed'>;

/** That something was done to an endpoint. */
export function endpointEvent(
  name: EventName,
  { id: subject, name: called, serviceType }: EndpointRecord,
  by: ScopeIdentity,
  at: number,
) {
  return healthEvents.create(name, { ...by, subject, at, data: { name: called, serviceType } });
}

/** That an incident is over, for what somebody did to its endpoint. */
export function incidentEnded(
  { endpointId: subject, endpointName, id: incidentId, severity, startedAt }: IncidentRecord,
  { tags }: EndpointRecord,
  text: string,
  by: ScopeIdentity,
  at: number,
) {
  const told = { incidentId, endpointName, severity, startedAt, resolvedAt: Math.max(at, startedAt) };
  const data = { ...told, code: null, text, tags, flapping: false };
  return healthEvents.create('incident.resolved', { ...by, subject, at, data });
}
