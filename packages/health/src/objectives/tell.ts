import type { HealthContext } from '../context.js';
import { healthEvents } from '../events.js';
import type { BurnVerdict } from './budget.js';
import type { ObjectiveRecord } from './objective.js';

type Told = Pick<HealthContext, 'directory' | 'clock'>;

/** @param left the share of the budget that is left */
function factsOf({ directory, clock }: Told, objective: ObjectiveRecord, left: number) {
  const { tenantId, id: subject, name, endpointId, tag, windowDays, burn } = objective;
  const tags = tag === null ? ((endpointId && directory.get(endpointId)?.endpoint.tags) ?? []) : [tag];
  const now = clock.now();
  const data = { name, burnId: burn?.id ?? '', startedAt: burn?.startedAt ?? now, endpointId, windowDays, left };
  return { of: { tenantId, actor: 'system', subject, at: now }, data: { ...data, tags: [...(tags || [])] } };
}

/** The event that a budget burns, or burns worse or less; `objective` is as it is from now on. */
export function burning(
  context: Told,
  objective: ObjectiveRecord,
  { alert, window, rate, left }: NonNullable<BurnVerdict['burning']> & { left: number },
) {
  const { of, data } = factsOf(context, objective, left);
  return healthEvents.create('objective.burning', {
    ...of,
    data: { ...data, severity: alert, burnRate: rate, window },
  });
}

/** The event that a budget burns no more; `objective` is as it was until now. */
export function recovered(context: Told, objective: ObjectiveRecord, left: number) {
  const { of, data } = factsOf(context, objective, left);
  const severity = objective.alert === 'page' ? 'page' : 'ticket';
  return healthEvents.create('objective.recovered', { ...of, data: { ...data, severity } });
}
