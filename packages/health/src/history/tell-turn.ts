import { healthEvents } from '../events.js';
import { tellIncident } from '../incidents/tell.js';
import type { KeptEndpoint, KeptState } from '../monitoring/directory.js';
import type { Told } from './pending-changes.js';

/**
 * What a check is to tell of its endpoint: that its status is another, and what becomes of its incident, in which the
 * endpoint is from then on.
 * @param before how the endpoint was before the check
 */
export function tellTurn(kept: KeptEndpoint, at: number, before: Pick<KeptState, 'status' | 'isFlapping'>): Told {
  const { tenantId, id: subject, name } = kept.endpoint;
  const { status: to, code, message } = kept;
  const { status: from } = before;
  const data = { name, from, to, code, message, checkedAt: at, since: kept.since ?? at };
  const of = { tenantId, actor: 'system', subject, at, data };
  const changed = from === to ? [] : [healthEvents.create('endpoint.status_changed', of)];
  const incident = tellIncident(kept, at, before);
  return incident
    ? { events: [...changed, incident.event], incidents: [incident.write] }
    : { events: changed, incidents: [] };
}
