import type { Page } from '@dotmac/core/contract';
import type { HealthStore, StoredEndpoint } from '../store/store.js';
import { lastingOf, uncheckedState, type Directory } from './directory.js';

/** Brings every endpoint of a store into a directory; one that is paused begins anew. */
export async function loadEndpoints(store: HealthStore, directory: Directory): Promise<void> {
  let after: string | null = null;
  do {
    const page: Page<StoredEndpoint> = await store.everyEndpoint({ limit: 500, after });
    for (const { endpoint, state } of page.items)
      directory.add(endpoint, endpoint.pausedAt === null && state ? state : { ...uncheckedState, ...lastingOf(state) });
    after = page.nextCursor;
  } while (after !== null);
}
