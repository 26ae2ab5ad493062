import { newId, type AnyEvent } from '@dotmac/core';
import { healthEvents, type HealthEvents } from '../events.js';
import type { KeptEndpoint, KeptState } from '../monitoring/directory.js';
import { failedOf } from '../monitoring/flapping.js';
import type { Code } from '../probes/outcomes.js';
import type { IncidentWrite } from '../store/store.js';
import type { IncidentRecord } from './incident.js';
import { changeIncident, turnOf } from './open-close.js';

/**
 * What a check does to an endpoint's incident, and the event that tells of it; the endpoint is in the changed incident
 * from then on. Nothing when there is none to tell of.
 * @param before how the endpoint was before the check
 */
export function tellIncident(
  kept: KeptEndpoint,
  at: number,
  before: Pick<KeptState, 'status' | 'isFlapping'>,
): { write: IncidentWrite; event: AnyEvent<HealthEvents> } | undefined {
  const turn = turnOf(before, kept, { at, isOpen: kept.incident !== null });
  const change = turn && changeIncident(kept.incident, turn, newId);
  const incident = change?.open ?? kept.incident;
  if (!turn || !change || !incident) return undefined;
  const { tenantId, id: endpointId, name: endpointName, tags } = kept.endpoint;
  const { kind } = change;
  const { id: incidentId, severity, startedAt } = incident;
  kept.incident = change.open;
  const { since } = turn;
  const { code, text } = foundOf(kept, before);
  const flapping = kept.isFlapping;
  const opened =
    kind === 'opened'
      ? {
          ...{ tenantId, id: incidentId, endpointId, endpointName, severity, code, message: text },
          ...{ startedAt, openedAt: at },
          acknowledgedAt: null,
          acknowledgedBy: null,
          resolvedAt: null,
        }
      : null;
  const entry = { id: newId(), at, kind, actor: 'system', code, text };
  // A wall clock that was set back meanwhile ends nothing before it began.
  const resolvedAt = kind === 'resolved' ? Math.max(since, startedAt) : null;
  const data = { incidentId, endpointName, severity, code, text, startedAt, resolvedAt, tags, flapping };
  return {
    write: { tenantId, endpointId, incidentId, opened, severity, resolvedAt, entry },
    event: healthEvents.create(`incident.${kind}`, { tenantId, actor: 'system', subject: endpointId, at, data }),
  };
}

/** What the check found: what begins or ends flapping is said by the last checks together. */
function foundOf(kept: KeptEndpoint, before: Pick<KeptState, 'status'>): { code: Code; text: string } {
  const { code, message, status, isFlapping, changes, answered } = kept;
  // Another status is said by the check that made it.
  if (status !== 'healthy' || status !== before.status) return { code, text: message };
  const { failed, checks } = failedOf({ changes, answered, checks: kept.checks });
  const share = `${failed} of its last ${checks} checks failed`;
  return isFlapping ? { code: 'flapping', text: `It comes and goes: ${share}` } : { code, text: `Steady: ${share}` };
}

/** What events tell of an incident as it is kept, but for what happened. */
export function toldOf(
  { id: incidentId, endpointName, severity, startedAt, resolvedAt }: IncidentRecord,
  kept: KeptEndpoint | undefined,
) {
  const [tags, flapping] = [kept?.endpoint.tags ?? [], kept?.isFlapping ?? false];
  return { incidentId, endpointName, severity, startedAt, resolvedAt, tags, flapping };
}
