import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger, systemClock } from '@dotmac/core';
import { databaseFromUrl, sqlite, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { checkPolicies } from '../../src/policies/policy-set.js';
import { databaseCleanup } from '../../src/tasks/database-cleanup.js';
import { performanceOptimization } from '../../src/tasks/performance-optimization.js';
import type { AnyMaintenanceTask } from '../../src/tasks/task.js';
import type { MaintenancePolicies } from '../../src/policies/policy.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

/** Plans by `task`, until `signal` aborts. */
function planning(task: AnyMaintenanceTask, signal: AbortSignal, policies: MaintenancePolicies): Promise<unknown> {
  const context = {
    ...{ tenantId: 'acme', policies: checkPolicies(policies), clock: systemClock, logger: silentLogger },
    ...{ signal, asOf: Date.now() },
    schedules: () => [],
    earlier: () => Promise.resolve([]),
    fencing: () => 'transaction' as const,
  };
  return task.plan(context, task.parameters.parse({ dryRun: true }) as never);
}
const ended = new Error('ended');

/** The database, which tells of each statement before it is executed. */
const telling = (database: Database, told: (text: string) => void): Database => ({
  ...database,
  kysely: database.kysely.withPlugin({
    transformQuery({ node }) {
      told(JSON.stringify(node, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  }) as Kysely<unknown>,
});

const isCount = (text: string): boolean => text.includes('count(*)') || text.includes('as old from');

for (const { title, fresh: createFresh, dialect } of dialects.filter(({ present }) => present))
  describe(`a plan of what goes that nobody waits for any more, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const run = (text: string) => sql.raw(text).execute(database.kysely);
    const tables = ['a', 'b', 'parted'].slice(0, dialect === 'sqlite' ? 2 : 3);
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      for (const table of ['a', 'b']) {
        await run(`create table ${table} (id int primary key, at bigint)`);
        await run(`create table ${table}_line (id int primary key, parent int,
          foreign key (parent) references ${table} (id) on delete cascade)`);
        await run(`create table ${table}_note (id int primary key, parent int,
          foreign key (parent) references ${table} (id) on delete cascade)`);
        await run(`insert into ${table} values (1, 0), (2, 0), (100000, 0), (200000, 0)`);
      }
      if (dialect === 'postgres') {
        await run('create table parted (id int, at bigint, primary key (id, at)) partition by range (at)');
        for (const part of [1, 2, 3])
          await run(`create table parted_${part} partition of parted for values from (${part - 1}) to (${part})`);
      }
      if (dialect === 'mysql')
        await run(`create table parted (id int, at bigint, primary key (id, at)) partition by range (at)
          (partition p1 values less than (1), partition p2 values less than (2), partition p3 values less than (3),
           partition rest values less than maxvalue)`);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });
    /** Ended before the Nth statement. */
    const endedAt = async (nth: number): Promise<{ statements: number; countsAfter: number; isEnded: boolean }> => {
      const ending = new AbortController();
      const after: string[] = [];
      let statements = 0;
      const on = telling(database, (text) => {
        statements += 1;
        if (statements === nth) ending.abort(ended);
        else if (statements > nth) after.push(text);
      });
      const plan = planning(databaseCleanup, ending.signal, {
        databases: { main: on },
        retention: tables.map((table) => ({
          ...{ name: table, database: 'main', table, timeColumn: 'at', retentionDays: 30, allowFullScan: true },
        })),
      });
      const isEnded = await plan.then(
        () => false,
        (error: unknown) => error === ended,
      );
      return { statements, countsAfter: after.filter(isCount).length, isEnded };
    };

    it('counts no more than what it was at', async () => {
      const whole = await endedAt(Infinity);
      expect(whole).toMatchObject({ isEnded: false, countsAfter: 0 });
      for (let nth = 1; nth < whole.statements; nth++) {
        const cut = await endedAt(nth);
        expect(cut.countsAfter, `ended at statement ${nth}`).toBeLessThanOrEqual(1);
        // What it is at is finished, and then it ends, unless that was the last thing to be found out.
        if (nth < whole.statements - 10) expect(cut.isEnded, `ended at statement ${nth}`).toBe(true);
      }
    });
  });

it('a plan of upkeep that nobody waits for any more looks at no other database', async () => {
  const databases = { first: sqlite(':memory:'), second: sqlite(':memory:') };
  for (const { kysely } of Object.values(databases))
    await sql`create table a (id integer primary key, at integer)`.execute(kysely);
  let looked = 0;
  const ending = new AbortController();
  const plan = planning(performanceOptimization, ending.signal, {
    databases: {
      first: telling(databases.first, () => ending.abort(ended)),
      second: telling(databases.second, () => (looked += 1)),
    },
    upkeep: [
      { name: 'first', database: 'first' },
      { name: 'second', database: 'second' },
    ],
  });
  await expect(plan).rejects.toBe(ended);
  expect(looked).toBe(0);
  for (const database of Object.values(databases)) await database.close();
});

it('a run that is stopped while it counts tells what it did before', async () => {
  const database = sqlite(':memory:');
  for (const table of ['a', 'b']) {
    await sql.raw(`create table ${table} (id integer primary key, at integer)`).execute(database.kysely);
    await sql.raw(`insert into ${table} values (1, 0), (2, 0)`).execute(database.kysely);
  }
  let [isDeleting, stopped]: [boolean, Promise<void> | undefined] = [false, undefined];
  const on = telling(database, (text) => {
    isDeleting ||= text.includes('delete from');
    if (isDeleting && isCount(text)) stopped ??= maintenance.stop();
  });
  const maintenance = createMaintenance({
    store: memoryMaintenanceStore(),
    databases: { main: on },
    throttle: [],
    retention: ['a', 'b'].map((table) => ({
      ...{ name: table, database: 'main', table, timeColumn: 'at', retentionDays: 30, allowFullScan: true },
    })),
  });
  await maintenance.start();
  const { runs } = maintenance.scope({ tenantId: 'acme' });
  expect(await runs.execute({ maintenanceType: 'database_cleanup', parameters: {} })).toMatchObject({
    ...{ status: 'cancelled', stopReason: 'stopped', itemsCleaned: 2 },
    details: {
      policies: [
        { policy: 'a', outcome: 'done', rows: 2 },
        { policy: 'b', outcome: 'partial', rows: 0 },
      ],
    },
  });
  await stopped;
  await database.close();
});
