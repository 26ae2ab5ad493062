import type { HealthContext } from '../context.js';
import { planWindow, type Resolution } from '../history/resolution.js';
import {
  addTallies,
  burningBy,
  burnRate,
  burnWindows,
  goodOf,
  noTally,
  tallyOf,
  type BurnWindow,
  type Tally,
} from './budget.js';
import type { ObjectiveRecord, ObjectiveReport } from './objective.js';

/** As many endpoints of a tag as are reckoned together. */
const mostEndpoints = 100;

type Measured = Pick<HealthContext, 'store' | 'directory' | 'retention' | 'clock'>;

/** The endpoints that an objective is about. */
function endpointsOf({ directory }: Measured, { tenantId, endpointId, tag }: ObjectiveRecord): string[] {
  if (endpointId !== null) return directory.get(endpointId)?.endpoint.tenantId === tenantId ? [endpointId] : [];
  const tagged = [...directory.ofTenant(tenantId)].filter(
    ({ endpoint }) => tag !== null && endpoint.tags.includes(tag),
  );
  return tagged.slice(0, mostEndpoints).map(({ endpoint }) => endpoint.id);
}

async function tallyOver(
  { store, retention, clock }: Measured,
  {
    objective,
    ids,
    ms,
    coarsest,
  }: { objective: ObjectiveRecord; ids: readonly string[]; ms: number; coarsest: Resolution },
): Promise<Tally> {
  const now = clock.now();
  const spans = planWindow({ from: now + 1 - ms, until: now + 1, now, coarsest }, retention);
  let sum = noTally;
  for (const id of ids)
    for (const span of spans)
      for (const bucket of await store.tenant(objective.tenantId).buckets(id, span))
        sum = addTallies(sum, tallyOf(bucket, objective));
  return sum;
}

/** How fast an objective's budget is spent, over every window. */
export async function burnRatesOf(
  context: Measured,
  objective: ObjectiveRecord,
): Promise<Record<BurnWindow, number | null>> {
  const ids = endpointsOf(context, objective);
  const rates: Record<BurnWindow, number | null> = { '5m': null, '30m': null, '1h': null, '6h': null, '3d': null };
  for (const [name, minutes] of Object.entries(burnWindows) as [BurnWindow, number][]) {
    const coarsest = minutes > 60 ? 'hour' : 'minute';
    const tally = await tallyOver(context, { objective, ids, ms: minutes * 60_000, coarsest });
    rates[name] = burnRate(tally, objective.target);
  }
  return rates;
}

/** How an objective is doing. */
export async function reportOn(context: Measured, record: ObjectiveRecord): Promise<ObjectiveReport> {
  const { tenantId: _, ...objective } = record;
  const ids = endpointsOf(context, record);
  const windowMs = objective.windowDays * 86_400_000;
  const tally = await tallyOver(context, { objective: record, ids, ms: windowMs, coarsest: 'day' });
  const rates = await burnRatesOf(context, record);
  const spent = burnRate(tally, objective.target) ?? 0;
  return {
    ...objective,
    attained: tally.total === 0 ? null : goodOf(tally) / tally.total,
    checks: tally.total,
    coverage: ids.length === 0 ? 0 : Math.min(1, tally.coveredMs / (windowMs * ids.length)),
    budget: { seconds: ((1 - objective.target) * windowMs) / 1_000, spent, left: 1 - spent },
    burnRates: Object.entries(rates).map(([window, rate]) => ({ window, rate })),
    burning: burningBy(rates)?.alert ?? 'none',
  };
}
