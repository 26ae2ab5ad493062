import type { HealthContext } from '../context.js';
import type { CheckResult, Ring } from './result.js';
import { decodeResults } from './ring.js';

/** The results of an endpoint that are kept one by one, newest first, the last check included. */
export async function keptResultsOf(
  { store, recorder, keptResults }: Pick<HealthContext, 'store' | 'recorder' | 'keptResults'>,
  { tenantId, endpointId, ring }: { tenantId: string; endpointId: string; ring: Ring },
): Promise<CheckResult[]> {
  await recorder.flush([endpointId]);
  const chunks = await store.tenant(tenantId).chunks(endpointId, ring);
  // A chunk begins with its first instant: of those of one instant, too, the newest is always the first.
  const results = [...chunks].sort().flatMap((body) => decodeResults({ tenantId, endpointId, body }));
  return results
    .reverse()
    .sort((a, b) => b.at - a.at)
    .slice(0, keptResults[ring]);
}
