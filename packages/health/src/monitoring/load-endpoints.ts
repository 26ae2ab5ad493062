import type { Page } from '@dotmac/core/contract';
import type { HealthStore } from '../store/store.js';
import type { StoredEndpoint } from '../store/stored-endpoint.js';
import { lastingOf, uncheckedState, type Directory, type KeptState } from './directory.js';

/** What is known of an endpoint that was stored; one that is paused begins anew. */
export function restored({ endpoint, state }: StoredEndpoint): KeptState {
  return endpoint.pausedAt === null && state ? state : { ...uncheckedState, ...lastingOf(state) };
}

/** Makes a directory be what a store has. */
export async function loadEndpoints(store: HealthStore, directory: Directory): Promise<void> {
  const gone = new Map([...directory.all()].map(({ endpoint }) => [endpoint.id, endpoint.tenantId]));
  const removed = directory.noteRemovals();
  let after: string | null = null;
  do {
    const page: Page<StoredEndpoint> = await store.everyEndpoint({ limit: 500, after });
    for (const stored of page.items) {
      if (!removed.has(stored.endpoint.id)) directory.add(stored.endpoint, restored(stored));
      gone.delete(stored.endpoint.id);
    }
    after = page.nextCursor;
  } while (after !== null);
  for (const [endpointId, tenantId] of gone) directory.remove(tenantId, endpointId);
}
