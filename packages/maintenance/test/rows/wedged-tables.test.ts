import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const dayMs = 86_400_000;
const tables = ['first', 'wedged', 'last'];

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`a table that somebody holds for long, on ${title}`, () => {
      let fresh: FreshDatabase;
      let [database, other]: Database[] = [];
      const execute = (text: string, { kysely }: Pick<Database, 'kysely'> = database as Database) =>
        sql.raw(text).execute(kysely);
      const rowsOf = async (name: string) => (await execute(`select * from ${name}`)).rows.length;
      beforeEach(async () => {
        fresh = await createFresh();
        [database, other] = [databaseFromUrl(fresh.url), databaseFromUrl(fresh.url)];
        for (const name of tables) {
          await execute(`create table ${name} (id bigint primary key, at bigint)`);
          await execute(`create index ${name}_at on ${name} (at)`);
          const row = (id: number) => `(${id}, ${id > 5 ? Date.now() : Date.now() - 100 * dayMs + id})`;
          await execute(`insert into ${name} values ${Array.from({ length: 10 }, (_, i) => row(i + 1)).join()}`);
        }
      });
      afterEach(async () => {
        await database?.close();
        await other?.close();
        await fresh.drop();
      });
      const started = () =>
        createMaintenance({
          store: memoryMaintenanceStore(),
          throttle: [],
          databases: { main: database as Database },
          retention: tables.map((table) => ({
            name: table,
            database: 'main',
            table,
            timeColumn: 'at',
            retentionDays: 30,
            maxShare: 1,
          })),
        }).scope({ tenantId: 'acme' }).runs;

      const held = {
        'one of its rows': async (work: () => Promise<void>) => {
          await (other as Database).kysely.transaction().execute(async (trx) => {
            await sql.raw('select id from wedged where id = 3 for update').execute(trx);
            await work();
          });
        },
        'all of it': holding,
      };
      async function holding(work: () => Promise<void>, mode = 'access exclusive'): Promise<void> {
        await (other as Database).kysely.connection().execute(async (kysely) => {
          if (dialect === 'postgres') await execute('begin', { kysely });
          await execute(dialect === 'postgres' ? `lock table wedged in ${mode} mode` : 'lock tables wedged write', { kysely }); // prettier-ignore
          try {
            await work();
          } finally {
            await execute(dialect === 'postgres' ? 'commit' : 'unlock tables', { kysely });
          }
        });
      }

      it.each(Object.keys(held) as (keyof typeof held)[])(
        'keeps no other from being cleaned, and the run tells of all of them, when they hold %s',
        { timeout: 120_000 },
        async (what) => {
          const runs = started();
          await held[what](async () => {
            const run = await runs.run('database_cleanup', {});
            expect(run).toMatchObject({ status: 'failed', stopReason: 'error', itemsCleaned: 10 });
            expect(run.errorMessage).toContain('some rows of wedged');
            expect(run.details['policies']).toMatchObject([
              { policy: 'first', outcome: 'done', rows: 5 },
              { policy: 'wedged', outcome: 'failed', rows: 0, warnings: [expect.stringContaining('wedged')] },
              { policy: 'last', outcome: 'done', rows: 5 },
            ]);
          });
          expect([await rowsOf('first'), await rowsOf('wedged'), await rowsOf('last')]).toEqual([5, 10, 5]);
          expect(await runs.run('database_cleanup', {})).toMatchObject({ status: 'completed', itemsCleaned: 5 });
        },
      );

      it('keeps no other from being analysed, and is told as busy', { timeout: 120_000 }, async () => {
        const runs = started();
        await holding(async () => {
          const run = await runs.run('performance_optimization', {});
          expect(run).toMatchObject({ status: 'completed' });
          expect(run.details['databases']).toMatchObject([{ tables_busy: ['wedged'], tables_analyzed: 2 }]);
        }, 'share update exclusive');
        const run = await runs.run('performance_optimization', {});
        expect(run.details['databases']).toMatchObject([{ tables_busy: [], tables_analyzed: 3 }]);
      });
    });

it('a file attached to SQLite that another process holds keeps no table of another database from being cleaned', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-held-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = (name: string) => join(directory, `${name}.db`);
  const opened = (name: string) => {
    const database = databaseFromUrl(`sqlite:${file(name)}`, { busyTimeoutMs: 50 });
    onTestFinished(() => database.close());
    return database;
  };
  const databases = { main: opened('main'), other: opened('other') };
  const execute = (text: string, { kysely }: Database = databases.main) => sql.raw(text).execute(kysely);
  await execute(`attach '${file('held')}' as aside`);
  for (const [table, on] of [
    ['aside.a', databases.main],
    ['b', databases.other],
  ] as const) {
    await execute(`create table ${table} (id integer primary key, at bigint)`, on);
    await execute(`insert into ${table} values (1, 0), (2, 0)`, on);
  }
  const held = new Sqlite(file('held'));
  onTestFinished(() => void held.close());
  const policy = { timeColumn: 'at', retentionDays: 30, allowFullScan: true };
  const { runs, plans } = createMaintenance({
    store: memoryMaintenanceStore(),
    throttle: [],
    databases,
    retention: [
      { ...policy, name: 'first', database: 'main', schema: 'aside', table: 'a' },
      { ...policy, name: 'second', database: 'other', table: 'b' },
    ],
  }).scope({ tenantId: 'acme' });
  held.exec('begin exclusive');
  const reason = expect.stringContaining('some rows of aside.a') as string;
  const { plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
  expect(plan.targets.map(({ target }) => target)).toEqual(['table:other.b']);
  expect(plan.warnings).toEqual([reason]);
  const run = await runs.run('database_cleanup', {});
  expect(run).toMatchObject({ status: 'failed', itemsCleaned: 2, errorMessage: reason });
  held.exec('commit');
  expect(await runs.run('database_cleanup', {})).toMatchObject({ status: 'completed', itemsCleaned: 2 });
});
