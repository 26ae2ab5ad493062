import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';

const policy = (table: string, database = 'main'): RetentionPolicy => {
  return { name: table, table, database, timeColumn: 'at', retentionDays: 30, allowFullScan: true };
};

async function databaseWith(...tables: string[]): Promise<Database> {
  const database = sqlite(':memory:');
  onTestFinished(() => database.close());
  for (const table of tables) await sql.raw(table).execute(database.kysely);
  return database;
}
const filled = (table: string): string[] => [
  `create table ${table} (id integer primary key, at bigint)`,
  `insert into ${table} values (1, 0), (2, 0)`,
];

it('a policy whose table is gone fails by itself, and keeps none of the others from its turn', async () => {
  const main = await databaseWith(...filled('a'), ...filled('c'));
  const { runs } = createMaintenance({
    ...{ store: memoryMaintenanceStore(), throttle: [], databases: { main } },
    retention: [policy('a'), policy('gone'), policy('c')],
  }).scope({ tenantId: 'acme' });
  expect(await runs.run('database_cleanup', {})).toMatchObject({
    ...{
      status: 'failed',
      errorMessage: 'The policy gone cannot be applied: its table does not exist.',
      itemsCleaned: 4,
    },
    details: {
      policies: expect.arrayContaining([
        expect.objectContaining({ policy: 'gone', outcome: 'failed', rows: 0 }),
        expect.objectContaining({ policy: 'c', outcome: 'done', rows: 2 }),
      ]) as unknown,
    },
  });
});

it('one of a database that had to wait hides nothing of what was done before', async () => {
  const [main, other] = [await databaseWith(...filled('a')), await databaseWith(...filled('b'))];
  let isBusy = true;
  const busy = {
    name: 'busy',
    unit: 'jobs',
    pauseAt: 1,
    database: 'other',
    read: () => Promise.resolve(Number(isBusy)),
  };
  const { runs } = createMaintenance({
    ...{ store: memoryMaintenanceStore(), throttle: [busy], databases: { main, other } },
    retention: [policy('a'), policy('gone', 'other'), policy('b', 'other')],
  }).scope({ tenantId: 'acme' });
  const { taskId } = await runs.beginRun('database_cleanup', {});
  await expect.poll(async () => (await sql`select id from a`.execute(main.kysely)).rows.length).toBe(0);
  isBusy = false;
  await expect.poll(async () => (await runs.get(taskId)).status).toBe('failed');
  expect(await runs.get(taskId)).toMatchObject({
    itemsCleaned: 4,
    details: {
      policies: [
        { policy: 'a', rows: 2 },
        { policy: 'gone', outcome: 'failed' },
        { policy: 'b', rows: 2 },
      ],
    },
  });
});

it('policies whose tables refer to each other in a circle fail alone', async () => {
  const main = await databaseWith(
    'create table x (id integer primary key, at bigint, y integer references y (id))',
    'create table y (id integer primary key, at bigint, x integer references x (id))',
    ...filled('a'),
  );
  const { runs } = createMaintenance({
    ...{ store: memoryMaintenanceStore(), throttle: [], databases: { main } },
    retention: [policy('x'), policy('a'), policy('y')],
  }).scope({ tenantId: 'acme' });
  const outcomes = { x: 'failed', y: 'failed', a: 'done' };
  const done = await runs.run('database_cleanup', {});
  expect(done).toMatchObject({
    status: 'failed',
    errorMessage: expect.stringContaining('in a circle') as string,
    itemsCleaned: 2,
  });
  const policies = done.details['policies'] as { policy: string; outcome: string }[];
  expect(Object.fromEntries(policies.map((it) => [it.policy, it.outcome]))).toEqual(outcomes);
});
