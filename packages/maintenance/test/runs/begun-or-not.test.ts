import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, kyselyMaintenanceStore, type MaintenanceScope } from '../../src/index.js';
import { asTimePasses } from '../support/as-time-passes.js';
import { heapOf, sweepingTask, type Heap } from '../support/sweeping-task.js';

describe('a run that the store did not take', () => {
  let database: Database;
  let heap: Heap;
  let acme: MaintenanceScope;
  beforeEach(async () => {
    database = sqlite(':memory:');
    const store = kyselyMaintenanceStore(database);
    await store.migrate();
    heap = heapOf(30);
    acme = createMaintenance({ store, tasks: [sweepingTask(heap)], throttle: [] }).scope({ tenantId: 'acme' });
  });
  afterEach(() => database.close());

  const refusing = async (work: () => Promise<unknown>) => {
    const refusal = sql`create trigger refuse before insert on dotmac_maintenance_runs
      begin select raise(abort, 'the disk is full'); end`;
    await refusal.execute(database.kysely);
    await work();
    await sql`drop trigger refuse`.execute(database.kysely);
  };
  const refusingRuns = (work: () => Promise<unknown>) => refusing(() => expect(work()).rejects.toThrow());
  const ended = async (id: string) => {
    await expect.poll(async () => (await acme.runs.get(id)).status).not.toBe('running');
    return acme.runs.get(id);
  };

  it('leaves the run that it was to go on from as it was', async () => {
    const { taskId } = await acme.runs.run('sweep', { maxItems: 10 });
    await refusingRuns(() => acme.runs.resume(taskId));
    expect(await acme.runs.get(taskId)).toMatchObject({ resumable: true, resumedBy: null });
    const resumed = await acme.runs.resume(taskId);
    expect(await ended(resumed.taskId)).toMatchObject({ status: 'completed', itemsCleaned: 10 });
    await expect(acme.runs.resume(taskId)).rejects.toMatchObject({ code: 'RUN_NOT_RESUMABLE' });
  });

  it('leaves the plan that it was to apply as it was', async () => {
    const { id } = await acme.plans.create({ maintenanceType: 'sweep', parameters: {} });
    await refusingRuns(() => acme.plans.apply(id));
    expect(await acme.plans.get(id)).toMatchObject({ appliedBy: null });
    expect(await acme.plans.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: 30 });
    await expect(acme.plans.apply(id)).rejects.toMatchObject({ code: 'PLAN_APPLIED' });
  });

  it('is not named by the slot that it was for', async () => {
    const hour = 3_600_000;
    const clock = fakeClock(0);
    const schedules = [{ name: 'it', task: 'sweep', tenantId: 'acme', everyMs: hour }];
    const tasks = [sweepingTask(heap)];
    const store = kyselyMaintenanceStore(database, { clock });
    const maintenance = createMaintenance({ store, tasks, schedules, clock });
    await maintenance.start();
    const scope = maintenance.scope({ tenantId: 'acme' });
    const newest = asTimePasses(clock, async () => (await scope.schedules.slots('it')).items[0]?.outcome);
    await refusing(async () => {
      await clock.advance(hour);
      await expect.poll(newest).toBe('refused');
    });
    expect(await scope.schedules.slots('it')).toMatchObject({
      items: [{ outcome: 'refused', runId: null, attempts: 0 }],
    });
    expect(await scope.schedules.explainSkip('it', hour)).toMatchObject({ ran: false, reason: 'refused' });
    await clock.advance(hour);
    await expect.poll(newest).toBe('completed');
    await maintenance.stop();
  });
});
