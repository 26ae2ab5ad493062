import { memoryMaintenanceStore, createMaintenance, kyselyMaintenanceStore } from '@dotmac/maintenance';
import { sqlite } from '@dotmac/core/kysely';
import { kyselyHealthStore } from '@dotmac/health';
import { kyselyLifecycleStore } from '@dotmac/lifecycle';
import { expect, it } from 'vitest';

it('no index of our own tables is one that our own advice calls superfluous', async () => {
  const database = sqlite(':memory:');
  for (const storeOn of [kyselyHealthStore, kyselyLifecycleStore, kyselyMaintenanceStore])
    await storeOn(database).migrate();
  const maintenance = createMaintenance({
    store: memoryMaintenanceStore(),
    databases: { main: database },
    upkeep: [{ name: 'own', database: 'main' }],
    startScheduler: false,
  });
  await maintenance.start();
  try {
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const { status, details } = await runs.run('performance_optimization', { updateStatistics: false });
    expect(status).toBe('completed');
    const found = JSON.stringify(details);
    expect(found).toContain('findings');
    expect(found).not.toContain('duplicate_index');
  } finally {
    await maintenance.stop();
    await database.close();
  }
});
