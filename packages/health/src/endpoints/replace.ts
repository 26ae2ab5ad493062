import { newId, type ScopeIdentity } from '@dotmac/core';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import { lastingOf, shown, uncheckedState, withoutIncident } from '../monitoring/directory.js';
import type { Endpoint, EndpointRecord } from './endpoint.js';
import { keep } from './keep.js';
import { sameOrigin } from './secrets.js';
import { stateAfter } from './state-after.js';
import { endpointEvent, incidentEnded } from './tell.js';

/**
 * Puts what is made of an endpoint in its place: of what the store has then, for other processes change it too. Asked
 * somewhere else, it begins anew.
 * @param get how an endpoint that was left as it was is shown
 */
export function replacing(context: HealthContext, identity: ScopeIdentity, get: (id: string) => Promise<Endpoint>) {
  const { store, directory, recorder, clock } = context;
  const endpoints = store.tenant(identity.tenantId);
  /** @throws ENDPOINT_NOT_FOUND, and what `make` throws */
  return async (id: string, make: (before: EndpointRecord) => EndpointRecord): Promise<Endpoint> => {
    const ended = new Set<string>();
    const { before, after } = await context.change([], async (trx, tell) => {
      ended.clear();
      const changed = await endpoints.change(id, make, trx);
      if (!changed) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId: id });
      const { before, after } = changed;
      if (after === before) return changed;
      tell(endpointEvent('endpoint.updated', after, identity, clock.now()));
      for (const incident of sameOrigin(before, after) ? [] : await endpoints.unresolvedOf(id, trx)) {
        const event = incidentEnded(incident, before, 'The endpoint was changed', identity, clock.now());
        const { at, data } = event;
        const { actor } = identity;
        const entry = { id: newId(), at, kind: 'resolved' as const, actor, code: null, text: data.text };
        const { resolvedAt } = data;
        if (!(await endpoints.noteIncident(incident.id, entry, { resolvedAt }, trx))) continue;
        tell(event);
        ended.add(incident.id);
      }
      await endpoints.restate(
        id,
        (known) => {
          const state = stateAfter(before, after, known) ?? { ...uncheckedState, ...lastingOf(known) };
          return [...ended].reduce(withoutIncident, state);
        },
        trx,
      );
      return changed;
    });
    // As it is known now: a check may have ended while this was written, and begun an incident.
    const known = directory.get(id);
    if (after === before) return known ? shown(after, known) : get(id);
    if (known?.incident && ended.has(known.incident.id)) known.incident = null;
    const kept = keep(
      context,
      after,
      stateAfter(before, after, known ?? (await endpoints.get(id))?.state ?? undefined),
    );
    // A check that was settled meanwhile may have put back what was known before.
    recorder.touch(id);
    return kept;
  };
}
