import { describe, expect, it } from 'vitest';
import { wireOf } from '@dotmac/core/contract';
import { createMaintenance, maintenanceResult, memoryMaintenanceStore } from '../src/index.js';

describe('the routes of maintenance', () => {
  const maintenance = createMaintenance({ store: memoryMaintenanceStore() });
  const scope = maintenance.scope({ tenantId: 'acme' });

  it('answer an absent body with a result in the contract’s names', async () => {
    for (const route of maintenance.routes.filter(
      ({ body, output, name }) => body && output === maintenanceResult && name !== 'executeMaintenance',
    )) {
      const parsed = wireOf(route.body!).parse({});
      if (!parsed.ok) throw new Error(route.name);
      const result = wireOf(route.output).render(await route.run(scope, { body: parsed.value }));
      expect(Object.keys(result as object)).toEqual(
        expect.arrayContaining([
          'task_id',
          'task_name',
          'status',
          'start_time',
          'end_time',
          'duration_seconds',
          'items_processed',
          'items_cleaned',
          'space_freed_mb',
          'error_message',
          'details',
        ]),
      );
      expect(result).toMatchObject({ status: 'completed', error_message: null });
    }
  });

  it('go on after a deferred answer, at its location', async () => {
    const route = maintenance.routes.find(({ name }) => name === 'cleanDatabase');
    const answer = await route?.deferred?.run(scope, { body: { vacuumAnalyze: true, dryRun: false } });
    expect(answer).toMatchObject({ status: 'running' });
    const { taskId } = answer as { taskId: string };
    expect(route?.deferred?.location(answer)).toBe(`/infrastructure-maintenance/runs/${taskId}`);
    await expect.poll(async () => (await scope.runs.get(taskId)).status).toBe('completed');
  });
});
