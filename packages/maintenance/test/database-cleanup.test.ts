import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import {
  createMaintenance,
  kyselyMaintenanceStore,
  type MaintenanceModule,
  type RetentionPolicy,
} from '../src/index.js';
import { dialects, type FreshDatabase } from './support/databases.js';

const day = 86_400_000;
const now = Date.UTC(2026, 5, 1);
const clock = { now: () => now, monotonic: () => performance.now() };

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`database cleanup on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    let maintenance: MaintenanceModule;
    const retention: RetentionPolicy[] = [
      { name: 'events', database: 'main', table: 'events', timeColumn: 'at', retentionDays: 30, allowFullScan: true },
      {
        name: 'quoted',
        database: 'main',
        table: 'Odd "Table`',
        timeColumn: 'Made At',
        timeUnit: 's',
        retentionDays: 30,
        allowFullScan: true,
      },
      {
        name: 'composite',
        database: 'main',
        table: 'composite',
        timeColumn: 'at',
        retentionDays: 30,
        minRetentionDays: 10,
        allowFullScan: true,
      },
      {
        name: 'stamped',
        database: 'main',
        table: 'stamped',
        timeColumn: 'at',
        timeUnit: 'timestamp',
        retentionDays: 30,
        allowFullScan: true,
      },
      { name: 'keyless', database: 'main', table: 'keyless', timeColumn: 'at', retentionDays: 30 },
      { name: 'unindexed', database: 'main', table: 'events', timeColumn: 'at', retentionDays: 30 },
      { name: 'absent', database: 'main', table: 'EVENTS_', timeColumn: 'at', retentionDays: 30 },
    ];
    const text = dialect === 'mysql' ? sql`varchar(60)` : sql`text`;
    const stamp = { sqlite: sql`text`, postgres: sql`timestamptz`, mysql: sql`datetime(3)` }[dialect];
    const scope = () => maintenance.scope({ tenantId: 'acme' });
    const clean = (policy: string, more: object = {}) =>
      scope().runs.execute({ maintenanceType: 'database_cleanup', parameters: { policies: [policy], ...more } });
    const rows = async (table: string, column: string) =>
      (
        await sql<{ it: unknown }>`select ${sql.id(column)} as it from ${sql.id(table)} order by 1`.execute(
          database.kysely,
        )
      ).rows.map(({ it }) => (it === null ? null : String(it)));

    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      const { kysely } = database;
      const int = sql`bigint`;
      await sql`create table events (id bigint primary key, at ${int})`.execute(kysely);
      await sql`create table ${sql.id('Odd "Table`')} (${sql.id('Key Col')} ${text} not null primary key, ${sql.id('Made At')} ${int})`.execute(
        kysely,
      );
      await sql`create table composite (a ${text} not null, b bigint not null, at ${int}, primary key (a, b))`.execute(
        kysely,
      );
      await sql`create table stamped (id bigint primary key, at ${stamp})`.execute(kysely);
      await sql`create table keyless (at ${int})`.execute(kysely);
      const { systemClock } = await import('@dotmac/core');
      maintenance = createMaintenance({
        store: kyselyMaintenanceStore(database),
        databases: { main: database },
        retention,
        clock: { ...systemClock, ...clock },
      });
      await maintenance.start();
    });
    afterAll(async () => {
      await maintenance.stop();
      await database.close();
      await fresh.drop();
    });

    const cutoff = now - 30 * day;

    it('deletes exactly the rows before the cutoff, over many batches and keys beyond 2^53', async () => {
      const big = 9_007_199_254_740_993n;
      const values = Array.from(
        { length: 3_000 },
        (_, i) => [big + BigInt(i), i % 3 === 0 ? cutoff : i % 3 === 1 ? cutoff - 1 : null] as const,
      );
      for (let i = 0; i < values.length; i += 500)
        await sql`insert into events (id, at) values ${sql.join(values.slice(i, i + 500).map(([id, at]) => sql`(${sql.lit(id)}, ${sql.lit(at)})`))}`.execute(
          database.kysely,
        );
      const predicted = await clean('events', { dry_run: true });
      expect(predicted).toMatchObject({ status: 'completed', itemsProcessed: 1_000, itemsCleaned: 0 });
      expect(await clean('events')).toMatchObject({ status: 'completed', itemsCleaned: 1_000, errorMessage: null });
      const left = await sql<{ n: number; kept: number }>`
        select count(*) as n, count(case when at is null or at = ${sql.lit(cutoff)} then 1 end) as kept from events`.execute(
        database.kysely,
      );
      expect({ n: Number(left.rows[0]?.n), kept: Number(left.rows[0]?.kept) }).toEqual({ n: 2_000, kept: 2_000 });
      expect((await clean('events')).itemsCleaned).toBe(0);
    });

    it('keeps rows at and after the cutoff in tables of any name, by whole seconds', async () => {
      const table = sql.id('Odd "Table`');
      await sql`insert into ${table} values ('old''"', ${sql.lit(cutoff / 1000 - 1)}), ('edge', ${sql.lit(cutoff / 1000)}), ('null', null)`.execute(
        database.kysely,
      );
      expect((await clean('quoted')).itemsCleaned).toBe(1);
      expect(await rows('Odd "Table`', 'Key Col')).toEqual(['edge', 'null']);
    });

    it('walks composite keys, with equal times at every edge', async () => {
      for (let a = 0; a < 6; a++)
        await sql`insert into composite values ${sql.join(Array.from({ length: 300 }, (_, b) => sql`(${`k${a}`}, ${sql.lit(b)}, ${sql.lit(b % 2 ? cutoff - day : cutoff)})`))}`.execute(
          database.kysely,
        );
      const before = await clean('composite');
      expect(before).toMatchObject({ status: 'completed', itemsCleaned: 900 });
      expect((await rows('composite', 'b')).every((b) => Number(b) % 2 === 0)).toBe(true);
    });

    it('compares instants of the database’s own type', async () => {
      const at = (ms: number) => {
        const iso = new Date(ms).toISOString();
        return dialect === 'mysql' ? iso.replace('T', ' ').slice(0, -1) : iso;
      };
      await sql`insert into stamped values (1, ${at(cutoff - 1)}), (2, ${at(cutoff)}), (3, null), (4, ${at(now + day)})`.execute(
        database.kysely,
      );
      expect((await clean('stamped')).itemsCleaned).toBe(1);
      expect(await rows('stamped', 'id')).toEqual(['2', '3', '4']);
    });

    it('refuses tables without a key, without an index that helps, and that are not there, with a failed run', async () => {
      for (const policy of ['keyless', 'unindexed', 'absent'])
        expect(await clean(policy)).toMatchObject({ status: 'failed', itemsCleaned: 0 });
    });

    it('refuses unknown policies, fields, and less retention than the policy allows', async () => {
      const issue = (path: string) => ({ code: 'INVALID_INPUT', issues: [expect.objectContaining({ path })] });
      await expect(clean('nope')).rejects.toMatchObject(issue('parameters.policies.0'));
      await expect(clean('events', { table: 'users' })).rejects.toMatchObject(issue('parameters.table'));
      const undercut = { ...issue('parameters.retention_days'), code: 'POLICY_UNDERCUT' };
      await expect(clean('composite', { retention_days: 9 })).rejects.toMatchObject(undercut);
      expect(await clean('composite', { retention_days: 10, dry_run: true })).toMatchObject({ status: 'completed' });
      await expect(clean('events', { retention_days: 29 })).rejects.toMatchObject(undercut);
      await expect(scope().runs.execute({ maintenanceType: 'format', parameters: {} })).rejects.toMatchObject(
        issue('maintenance_type'),
      );
    });

    it('updates statistics, rebuilds indexes and finds duplicates', async () => {
      await sql`create index events_at on events (at)`.execute(database.kysely);
      await sql`create index events_at_again on events (at)`.execute(database.kysely);
      const result = await scope().runs.run('performance_optimization', {
        analyzeQueries: true,
        updateStatistics: true,
        optimizeIndexes: true,
      });
      expect(result).toMatchObject({ status: 'completed', errorMessage: null });
      const [main] = result.details['databases'] as {
        findings: { kind: string; object: string | null }[];
        indexes_rebuilt: number;
      }[];
      expect(main?.findings.filter((it) => it.kind === 'duplicate_index').map((it) => it.object)).toEqual([
        'events_at_again',
      ]);
      expect(main?.indexes_rebuilt).toBeGreaterThanOrEqual(dialect === 'mysql' ? 0 : 5);
    });
  });
