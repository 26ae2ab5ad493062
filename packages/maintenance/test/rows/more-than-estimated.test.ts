import { sql, type KyselyPlugin } from 'kysely';
import { expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { dialects } from '../support/databases.js';

/** Counts of rows that are due take too long. */
const uncountable: KyselyPlugin = {
  transformQuery({ node }) {
    if (node.kind === 'RawNode' && node.sqlFragments[0]?.includes('select count(*) as n from')) {
      const condition = node.parameters.at(-1);
      if (condition?.kind !== 'RawNode' || !('sqlFragments' in condition) || String(condition.sqlFragments) !== '')
        throw Object.assign(new Error('took too long'), { code: '57014' });
    }
    return node;
  },
  transformResult: ({ result }) => Promise.resolve(result),
};

for (const { title, fresh: createFresh } of dialects.filter(
  ({ dialect, present }) => present && dialect === 'postgres',
)) {
  it(`a table of which far more is due than ${title} expects is not emptied unasked`, async () => {
    const fresh = await createFresh();
    const database = databaseFromUrl(fresh.url);
    const run = (text: string) => sql.raw(text).execute(database.kysely);
    try {
      await run('create table events (id int primary key, at bigint) with (autovacuum_enabled = false)');
      await run(`insert into events select i, ${Date.now()} from generate_series(1, 3000) i`);
      await run('create index on events (at)');
      await run('analyze events');
      await run('update events set at = 0 where id <= 2900');
      const { runs } = createMaintenance({
        ...{ store: memoryMaintenanceStore(), throttle: [] },
        databases: { main: { ...database, kysely: database.kysely.withPlugin(uncountable) } },
        retention: [{ name: 'events', table: 'events', database: 'main', timeColumn: 'at', retentionDays: 30 }],
      }).scope({ tenantId: 'acme' });
      const asked = await runs.run('database_cleanup', {});
      expect(asked).toMatchObject({
        ...{ status: 'needs_confirmation', itemsCleaned: 1_500 },
        details: { asked: [{ target: 'table:main.events', planned: 1_500, total: 3_000 }] },
      });
      const { taskId } = await runs.confirm(asked.taskId);
      await expect.poll(async () => (await runs.get(taskId)).status).toBe('completed');
      expect((await run('select id from events')).rows).toHaveLength(100);
    } finally {
      await database.close();
      await fresh.drop();
    }
  });

  it(`a table that was much larger when it was last analysed is not emptied unasked on ${title}`, async () => {
    const fresh = await createFresh();
    const database = databaseFromUrl(fresh.url);
    const run = (text: string) => sql.raw(text).execute(database.kysely);
    try {
      await run('create table parted (id bigint, at bigint, primary key (id, at)) partition by range (at)');
      await run('create table parted_0 partition of parted for values from (minvalue) to (1000)');
      await run('create table parted_1 partition of parted for values from (1000) to (maxvalue)');
      await run(`insert into parted select i, 1 from generate_series(1, 30) i`);
      await run(`insert into parted select i, ${Date.now()} from generate_series(31, 50) i`);
      await run(`update pg_class set reltuples = 50000000 where oid = 'parted'::regclass`);
      const { runs } = createMaintenance({
        ...{ store: memoryMaintenanceStore(), throttle: [], unaskedItems: 0, databases: { main: database } },
        retention: [{ name: 'parted', table: 'parted', database: 'main', timeColumn: 'at', retentionDays: 30 }],
      }).scope({ tenantId: 'acme' });
      expect(await runs.run('database_cleanup', {})).toMatchObject({
        ...{ status: 'needs_confirmation', itemsCleaned: 0 },
        details: { asked: [{ target: 'table:main.parted', planned: 30, total: 50 }] },
      });
    } finally {
      await database.close();
      await fresh.drop();
    }
  });
}
