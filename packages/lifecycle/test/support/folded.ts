import { expect } from 'vitest';
import { foldedService, foldServices } from '../../src/services/fold.js';
import type { LifecycleStore } from '../../src/store/store.js';

/** Expects of a customer's services what the history of it says. */
export async function expectFolded(store: LifecycleStore, customerId: string): Promise<void> {
  const { services, history } = store.tenant('acme');
  const folded = foldServices((await history.list(customerId, { limit: 999 })).map(({ event }) => event));
  for (const service of (await services.list({ customerId, limit: 9 })).items)
    expect(folded.get(service.id)).toEqual(foldedService(service));
}
