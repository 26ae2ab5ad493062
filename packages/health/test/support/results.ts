import { decodeResults } from '../../src/history/ring.js';
import type { CheckResult, HealthStore, Ring } from '../../src/index.js';

/** The results that a store has in an endpoint's ring, newest first. */
export async function storedResults(
  store: HealthStore,
  endpointId: string,
  ring: Ring = 'recent',
): Promise<CheckResult[]> {
  const chunks = await store.tenant('acme').chunks(endpointId, ring);
  return chunks.flatMap((body) => decodeResults({ tenantId: 'acme', endpointId, body })).sort((a, b) => b.at - a.at);
}
