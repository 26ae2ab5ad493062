import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Permission } from '@dotmac/core/contract';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceModule } from '../../src/index.js';
import { over } from '../support/over-http.js';

let maintenance: MaintenanceModule;
beforeEach(async () => {
  maintenance = createMaintenance({ store: memoryMaintenanceStore() });
  await maintenance.start();
});
afterEach(() => maintenance.stop());

/** Asks over HTTP, as somebody who may do this and nothing else. */
const ask = async (action: 'start' | 'stop', permissions: Permission[]): Promise<number> =>
  (await over(maintenance, 'POST', action, {}, permissions)).status;
const isRunning = async () => (await maintenance.scope({ tenantId: 'acme' }).state()).schedulerRunning;

it('only who may operate maintenance starts and stops the scheduler, which serves all tenants', async () => {
  const everyOther = new Set(maintenance.routes.flatMap(({ permission }) => permission ?? []));
  everyOther.delete('maintenance:operate');
  expect([...everyOther]).toContain('maintenance:execute');
  expect(await ask('stop', [...everyOther])).toBe(403);
  expect(await isRunning()).toBe(true);
  expect(await ask('stop', ['maintenance:operate'])).toBe(200);
  expect(await isRunning()).toBe(false);
  expect(await ask('start', [...everyOther])).toBe(403);
  expect(await isRunning()).toBe(false);
  expect(await ask('start', ['maintenance:operate'])).toBe(200);
  expect(await isRunning()).toBe(true);
});
