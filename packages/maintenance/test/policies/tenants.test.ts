import { expect, it } from 'vitest';
import { createMaintenance, memoryMaintenanceStore, type MemoryCache } from '../../src/index.js';

it('what names no policy is about those of its own tenant, in plans, in runs, and in runs by a plan', async () => {
  const cleared: string[] = [];
  const cache = (name: string, tenants?: string[]) => {
    const memory = (): MemoryCache => ({ size: 1, purgeStale: () => true, clear: () => void cleared.push(name) });
    return { name, memory, remove: 'all' as const, ...(tenants && { tenants }) };
  };
  const maintenance = createMaintenance({
    store: memoryMaintenanceStore(),
    caches: [cache('mine', ['acme']), cache('theirs', ['other']), cache('shared')],
    throttle: [],
  });
  const { runs, plans } = maintenance.scope({ tenantId: 'acme' });
  const asked = { maintenanceType: 'cache_cleanup', parameters: {} };
  const { id, plan } = await plans.create(asked);
  expect(plan.targets.map(({ target }) => target)).toEqual(['memory:mine', 'memory:shared']);
  expect(await runs.execute(asked)).toMatchObject({ status: 'completed' });
  expect(cleared).toEqual(['mine', 'shared']);
  expect(await plans.apply(id)).toMatchObject({ status: 'completed' });
  expect(cleared).toEqual(['mine', 'shared', 'mine', 'shared']);
  await maintenance.scope({ tenantId: 'other' }).runs.execute(asked);
  expect(cleared.slice(4)).toEqual(['theirs', 'shared']);
});
