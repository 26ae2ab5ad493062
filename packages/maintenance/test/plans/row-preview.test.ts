import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceModule } from '../../src/index.js';
import type { PlannedTarget } from '../../src/tasks/plan.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { over } from '../support/over-http.js';

const now = Date.UTC(2026, 5, 1);
const old = now - 60 * 86_400_000;
const clock = { ...systemClock, now: () => now };

const sessions = Array.from({ length: 200 }, (_, index) => {
  const id = index + 1;
  // One in ten is due; the greater its id, the older it is; and the oldest is still open.
  return [id, id % 10 === 0 ? old - id : now, id === 200 ? 'open' : 'ended'] as const;
});
const visits = Array.from({ length: 20 }, (_, index) => [index + 1, index < 15 ? old - index : now] as const);
const marks = [['eu', 1, old] as const, ['eu', 2, old - 1] as const, ['us', 1, now] as const];

/** What each database says of how it finds the rows: by `at`, by windows of the key, and along two columns of a key. */
const explained = {
  sqlite: {
    sessions: /^SEARCH sessions USING INDEX sessions_at /m,
    visits: /^SEARCH visits USING INTEGER PRIMARY KEY /m,
    marks: /^SEARCH marks USING (COVERING )?INDEX marks_at /m,
  },
  postgres: {
    sessions: /^Delete on sessions .*\n +-> +.*Scan.* on sessions .*/,
    visits: /^Delete on visits .*\n +-> +.*Scan.* on visits .*/,
    marks: /^Delete on marks .*\n +-> +.*Scan.* on marks .*/,
  },
  mysql: {
    sessions: /^table: sessions, type: \w+.*, rows: \d+/,
    visits: /^table: visits, type: \w+.*, rows: \d+/,
    marks: /^table: marks, type: \w+.*, rows: \d+/,
  },
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`what a plan shows of rows, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    let maintenance: MaintenanceModule;
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      const { kysely } = database;
      const insert = (table: string, rows: readonly (readonly (string | number)[])[]) =>
        sql`insert into ${sql.id(table)} values ${sql.join(rows.map((row) => sql`(${sql.join(row.map((it) => sql.lit(it)))})`))}`.execute(
          kysely,
        );
      for (const columns of [
        'sessions (id integer primary key, at bigint, state varchar(9))',
        'visits (id integer primary key, at bigint)',
        `marks (region varchar(9), number integer, at bigint, primary key (region, number))${dialect === 'sqlite' ? ' without rowid' : ''}`,
      ])
        await sql.raw(`create table ${columns}`).execute(kysely);
      for (const table of ['sessions', 'visits', 'marks'])
        await sql.raw(`create index ${table}_at on ${table} (at)`).execute(kysely);
      await insert('sessions', sessions);
      await insert('visits', visits);
      await insert('marks', marks);
      const common = { database: 'main', timeColumn: 'at', retentionDays: 30 };
      maintenance = createMaintenance({
        store: memoryMaintenanceStore(),
        databases: { main: database },
        retention: [
          { ...common, name: 'sessions', table: 'sessions', where: (eb) => eb('state', '=', 'ended') },
          { ...common, name: 'visits', table: 'visits' },
          { ...common, name: 'marks', table: 'marks' },
        ],
        clock,
        startScheduler: false,
      });
      await maintenance.start();
    });
    afterAll(async () => {
      await maintenance.stop();
      await database.close();
      await fresh.drop();
    });

    const expectPreview = (targets: readonly Pick<PlannedTarget, 'target' | 'sample' | 'statements'>[]): void => {
      const all = Object.fromEntries(targets.map((it) => [it.target.replace('table:main.', ''), it]));
      expect(Object.keys(all).sort()).toEqual(['marks', 'sessions', 'visits']);
      // Ten at the most, as they will go: the oldest first, or in the order of the key; and none that is not due.
      expect(all['sessions']?.sample).toEqual(Array.from({ length: 10 }, (_, index) => String(190 - index * 10)));
      expect(all['visits']?.sample).toEqual(Array.from({ length: 10 }, (_, index) => String(index + 1)));
      expect(all['marks']?.sample).toEqual(dialect === 'sqlite' ? ["'eu', 2", "'eu', 1"] : ['eu, 2', 'eu, 1']);
      for (const table of ['sessions', 'visits', 'marks'] as const) {
        const statements = all[table]?.statements ?? [];
        expect([table, statements.length]).toEqual([table, 1]);
        const [{ sql: text, explain } = { sql: '', explain: [] }] = statements;
        expect(text.replaceAll('`', '"')).toMatch(new RegExp(`^delete from "${table}" where .*"at" < `));
        expect(explain.join('\n')).toMatch(explained[dialect][table]);
      }
      expect(all['sessions']?.statements[0]?.sql.replaceAll('`', '"')).toContain('"state" = ');
      expect(all['visits']?.statements[0]?.sql.replaceAll('`', '"')).toMatch(/"(row)?id".* > .*"(row)?id".* <= /);
    };
    const counts = async () => {
      const { rows } = await sql<{ n: number }>`select count(*) as n from sessions
        union all select count(*) from visits union all select count(*) from marks`.execute(database.kysely);
      return rows.map(({ n }) => Number(n));
    };

    it('are the first that will go, the first statement, and how the database goes about it', async () => {
      const { plans } = maintenance.scope({ tenantId: 'acme' });
      const { id, plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
      expectPreview(plan.targets);
      expectPreview((await plans.get(id)).plan.targets);
      expect(await counts()).toEqual([200, 20, 3]);
    });

    it('is the same over HTTP: in the plan that is made, in the one that is kept, and in the result of a dry run', async () => {
      type Shown = { id: string; plan: { targets: PlannedTarget[] } };
      const asked = { maintenance_type: 'database_cleanup', parameters: {} };
      const made = await over(maintenance, 'POST', 'plans', { body: { parsed: asked } });
      expect(made.status).toBe(201);
      const { id, plan } = made.body as Shown;
      expectPreview(plan.targets);
      const kept = await over(maintenance, 'GET', 'plans/{id}', { params: { id } });
      expect(kept).toEqual({ status: 200, body: made.body });
      const dry = { ...asked, parameters: { dry_run: true } };
      const ran = await over(maintenance, 'POST', 'execute', { body: { parsed: dry } });
      expect(ran.status).toBe(200);
      expectPreview((ran.body as { details: Shown }).details.plan.targets);
      expect(await counts()).toEqual([200, 20, 3]);
    });
  });
