import { afterEach, beforeEach, expect, it } from 'vitest';
import { wireOf } from '@dotmac/core/contract';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceModule } from '../../src/index.js';
import { over } from '../support/over-http.js';

let maintenance: MaintenanceModule;
beforeEach(async () => {
  maintenance = createMaintenance({ store: memoryMaintenanceStore(), startScheduler: false });
  await maintenance.start();
});
afterEach(() => maintenance.stop());

/** The list as it is answered to that query. */
const listed = async (query: Record<string, string>) => {
  const route = maintenance.routes.find(({ name }) => name === 'listMaintenanceRuns')!;
  const parsed = wireOf(route.query!).parse(query);
  if (!parsed.ok) throw new Error('the query is refused');
  const answer = await route.run(maintenance.scope({ tenantId: 'acme' }), { query: parsed.value } as never);
  return (wireOf(route.output).render(answer) as { items: { task_id: string; details: unknown }[] }).items;
};

it('a list of runs has their figures, and their details when it is asked for with them', async () => {
  const { runs } = maintenance.scope({ tenantId: 'acme' });
  const { taskId, details } = await runs.run('system_monitoring', {});
  expect(Object.keys(details).length).toBeGreaterThan(0);
  expect(await listed({})).toMatchObject([{ task_id: taskId, status: 'completed', details: null }]);
  expect(await listed({ details: 'true' })).toMatchObject([{ task_id: taskId, details }]);
  expect((await runs.list({ limit: 1 })).items).toMatchObject([{ taskId, details: null }]);
  expect((await runs.list({ limit: 1, details: true })).items).toMatchObject([{ taskId, details }]);
  expect((await runs.get(taskId)).details).toEqual(details);
});

it('a list of runs goes on after the page before, and is refused after anything else', async () => {
  const { runs, reports } = maintenance.scope({ tenantId: 'acme' });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.unshift((await runs.run('system_monitoring', {})).taskId);
  const first = await runs.list({ limit: 2 });
  const second = await runs.list({ limit: 2, cursor: first.nextCursor ?? undefined });
  expect([...first.items, ...second.items].map(({ taskId }) => taskId)).toEqual(ids);
  const refused = { code: 'INVALID_INPUT', issues: [{ path: 'cursor' }] };
  for (const cursor of ['garbage', '2', `${ids[0]} `]) {
    await expect(runs.list({ limit: 2, cursor })).rejects.toMatchObject(refused);
    await expect(reports.runsCsv({ limit: 2, cursor })).rejects.toMatchObject(refused);
  }
});

it('lists of a task are refused for what is no type of one, before a database that cannot compare it is asked', async () => {
  for (const task of ['\0', '💥', 'ü', 'Cache_Cleanup', 'a'.repeat(65), ''])
    for (const list of ['runs', 'runs.csv', 'trends'])
      expect((await over(maintenance, 'GET', list, { query: { task } })).status, `${list} of ${task}`).toBe(422);
  expect(await over(maintenance, 'GET', 'runs', { query: { task: 'of_nobody' } })).toMatchObject({
    status: 200,
    body: { items: [] },
  });
});
