import type { EndpointRecord } from '../endpoints/endpoint.js';
import type { Ring } from '../history/result.js';
import type { RingChunk } from '../history/ring.js';
import type { HealthStore, Settlement } from '../store/store.js';

/** A chunk of an endpoint's results. */
export const chunk = (
  { tenantId, id: endpointId }: EndpointRecord,
  body: string,
  { ring = 'recent', slot = 0 }: { ring?: Ring; slot?: number } = {},
): RingChunk => ({ tenantId, endpointId, ring, slot, body, added: 1 });

/** Has a store settle what is given, and nothing besides. */
export const settled = (store: HealthStore, settlement: Partial<Settlement>): Promise<void> =>
  store.settle({ states: [], chunks: [], deltas: [], incidents: [], events: [], ...settlement });
