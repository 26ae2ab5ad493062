import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { cut } from '../src/databases/rows/cut.js';
import { tableId } from '../src/databases/rows/due.js';
import { planRows } from '../src/databases/rows/plan-rows.js';
import {
  createMaintenance,
  dotmacRetention,
  kyselyMaintenanceStore,
  replicaLag,
  retentionPolicy,
  type MaintenanceModule,
  type MaintenanceOptions,
  type RetentionPolicy,
} from '../src/index.js';
import { neverAborted, planned } from './support/clean.js';
import { dialects, type FreshDatabase } from './support/databases.js';

const dayMs = 86_400_000;
const now = Date.UTC(2026, 5, 1);
const clock = { ...systemClock, now: () => now };
const old = now - 60 * dayMs;

interface Tables {
  readings: { id: number; at: number; meter: number };
}

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`a cleanup of ${title}`, () => {
    let [target, own]: FreshDatabase[] = [];
    let database: Database;
    let storeDatabase: Database;
    const started: MaintenanceModule[] = [];

    beforeAll(async () => {
      // What maintenance keeps of itself lies elsewhere: the target can be compared byte by byte.
      [target, own] = [await createFresh(), await createFresh()];
      [database, storeDatabase] = [databaseFromUrl(target.url), databaseFromUrl(own.url)];
    });
    afterAll(async () => {
      await Promise.all(started.map((it) => it.stop()));
      await Promise.all([database.close(), storeDatabase.close()]);
      await target?.drop();
      await own?.drop();
    });

    const maintain = async (retention: RetentionPolicy[], more: Partial<MaintenanceOptions> = {}) => {
      const maintenance = createMaintenance({
        store: kyselyMaintenanceStore(storeDatabase),
        databases: { main: database },
        retention,
        clock,
        startScheduler: false,
        ...more,
      });
      started.push(maintenance);
      await maintenance.start();
      return maintenance.scope({ tenantId: 'acme' });
    };
    type Scope = Awaited<ReturnType<typeof maintain>>;
    const clean = (scope: Scope, parameters: object = {}) =>
      scope.runs.run('database_cleanup', { vacuumAnalyze: false, ...parameters });
    const detailsOf = ({ details }: Awaited<ReturnType<typeof clean>>) =>
      (details['policies'] as Record<string, unknown>[])[0] ?? {};
    /** `times[i]` is when row i + 1 was written. */
    const fill = async (name: string, times: readonly number[]) => {
      const table = sql.id(name);
      await sql`create table ${table} (id bigint primary key, at bigint, meter bigint)`.execute(database.kysely);
      await sql`create index ${sql.id(`${name}_at`)} on ${table} (at)`.execute(database.kysely);
      for (let from = 0; from < times.length; from += 1_000)
        await sql`insert into ${table} values ${sql.join(times.slice(from, from + 1_000).map((at, i) => sql`(${sql.lit(from + i + 1)}, ${sql.lit(at)}, ${sql.lit((from + i) % 3)})`))}`.execute(
          database.kysely,
        );
    };
    const ids = async (name: string) =>
      (await sql<{ id: number }>`select id from ${sql.id(name)} order by id`.execute(database.kysely)).rows.map(
        ({ id }) => Number(id),
      );
    const ofDays = (...days: number[]) => days.map((ago) => now - ago * dayMs);

    it('predicts what it then does, and changes nothing while it predicts', async () => {
      await fill(
        'frozen',
        Array.from({ length: 3_000 }, (_, i) => (i % 3 ? old + i : now - i)),
      );
      const scope = await maintain([
        retentionPolicy<{ frozen: Tables['readings'] }, 'frozen'>({
          name: 'frozen',
          database: 'main',
          table: 'frozen',
          timeColumn: 'at',
          retentionDays: 30,
          where: (eb) => eb('meter', '=', 1),
        }),
      ]);
      const dump = async () => {
        if (database.dialect === 'sqlite') await sql`pragma wal_checkpoint(truncate)`.execute(database.kysely);
        const bytes = target?.url.startsWith('sqlite:') ? await readFile(target.url.slice(7)) : Buffer.alloc(0);
        const { rows } = await sql`select * from frozen order by id`.execute(database.kysely);
        return createHash('sha256').update(bytes).update(JSON.stringify(rows)).digest('hex');
      };
      const before = await dump();
      const predicted = await clean(scope, { dryRun: true });
      expect(await dump()).toBe(before);
      expect(predicted).toMatchObject({ status: 'completed', itemsProcessed: 1_000, itemsCleaned: 0 });
      const result = await clean(scope);
      expect(result).toMatchObject({ status: 'completed', itemsCleaned: 1_000, errorMessage: null });
      expect(detailsOf(result)).toMatchObject({ outcome: 'done', rows: 1_000, left: 0, retries: 0 });
      expect(await dump()).not.toBe(before);
    });

    it('goes along the index of the time column when little is old, also from the middle', async () => {
      await fill(
        'indexed',
        Array.from({ length: 20_000 }, (_, i) => (i % 20 ? now - i : old + i)),
      );
      await sql
        .raw({ sqlite: 'analyze', postgres: 'analyze indexed', mysql: 'analyze table indexed' }[database.dialect])
        .execute(database.kysely);
      const { prepared, plan } = await planned(
        database,
        { table: 'indexed', timeColumn: 'at', retentionDays: 30 },
        now,
      );
      expect(plan.strategy).toMatchObject({ kind: 'time_keyset', why: expect.stringContaining('only 5 %') });
      const { dialect, selection, facts } = prepared;
      const { walk } = plan.strategy;
      if (!walk) throw new Error('no walk');
      const work = { dialect, selection, facts, walk };
      const first = await cut(database.kysely, work, { after: null }, 100);
      const second = await cut(database.kysely, work, first?.next ?? { after: null }, 100);
      const steps = await dialect.explain(
        database.kysely,
        sql`delete from ${tableId(selection)} where ${second?.condition ?? sql`false`}`,
      );
      expect(steps.join('\n')).toContain('indexed_at');
      expect(await planRows(prepared, neverAborted)).toMatchObject({ due: { items: 1_000, exact: true } });
    });

    it('keeps the newest row of a table that has gone quiet, so that its counter does not begin anew', async () => {
      await fill('quiet', ofDays(90, 80, 70, 60));
      const scope = await maintain([
        { name: 'quiet', database: 'main', table: 'quiet', timeColumn: 'at', retentionDays: 30, keepNewest: 1 },
      ]);
      expect(await clean(scope)).toMatchObject({ itemsCleaned: 3 });
      expect(await ids('quiet')).toEqual([4]);
    });

    it('keeps so many of each group', async () => {
      await fill('grouped', ofDays(99, 98, 97, 96, 95, 94, 93, 92, 1));
      await sql`create index grouped_meter on grouped (meter, at)`.execute(database.kysely);
      const scope = await maintain([
        {
          name: 'grouped',
          database: 'main',
          table: 'grouped',
          timeColumn: 'at',
          retentionDays: 30,
          keepNewest: { count: 2, per: 'meter' },
        },
      ]);
      expect(await clean(scope)).toMatchObject({ itemsCleaned: 3 });
      expect(await ids('grouped')).toEqual([4, 5, 6, 7, 8, 9]);
    });

    it('waits while replicas are behind, and goes on when they are not', async () => {
      await fill(
        'lagging',
        Array.from({ length: 6_000 }, (_, i) => old + i),
      );
      let [seconds, reads] = [60, 0];
      const lag = { ...replicaLag(database), read: () => ((reads += 1), seconds) };
      const scope = await maintain(
        [{ name: 'lagging', database: 'main', table: 'lagging', timeColumn: 'at', retentionDays: 30, maxShare: 1 }],
        { throttle: [lag] },
      );
      const { taskId } = await scope.runs.beginRun('database_cleanup', { vacuumAnalyze: false });
      await expect.poll(() => reads, { timeout: 20_000 }).toBeGreaterThan(0);
      const waiting = (await ids('lagging')).length;
      expect(waiting).toBeGreaterThan(0);
      seconds = 0;
      await expect.poll(async () => (await scope.runs.get(taskId)).status, { timeout: 20_000 }).toBe('completed');
      expect(await ids('lagging')).toEqual([]);
    });

    it('asks before most of a table goes, and does it when that is confirmed', async () => {
      await fill(
        'emptied',
        Array.from({ length: 1_500 }, (_, i) => old + i),
      );
      const scope = await maintain([
        { name: 'emptied', database: 'main', table: 'emptied', timeColumn: 'at', retentionDays: 30 },
      ]);
      const stopped = await clean(scope);
      expect(stopped).toMatchObject({ status: 'needs_confirmation', itemsCleaned: 0 });
      expect(await ids('emptied')).toHaveLength(1_500);
      const { taskId } = await scope.runs.confirm(stopped.taskId);
      await expect.poll(async () => (await scope.runs.get(taskId)).status, { timeout: 20_000 }).toBe('completed');
      expect(await ids('emptied')).toEqual([]);
    });

    it('says when a budget will never do, with one that would', async () => {
      // 400 rows came within the last day.
      await fill('flooded', [
        ...Array.from({ length: 900 }, (_, i) => old + i),
        ...Array.from({ length: 400 }, (_, i) => now - 1 - i),
      ]);
      const scope = await maintain([
        { name: 'flooded', database: 'main', table: 'flooded', timeColumn: 'at', retentionDays: 30 },
      ]);
      const limited = { maxItems: 100 };
      expect(JSON.stringify(await clean(scope, { ...limited, dryRun: true }))).toContain(
        'A budget of 480 items a run would suffice',
      );
      const result = await clean(scope, limited);
      expect(result).toMatchObject({ status: 'completed', itemsCleaned: 100 });
      expect(detailsOf(result)).toMatchObject({
        outcome: 'partial',
        left: 800,
        convergence: { ingest_per_day: 400, converges: false, days_to_catch_up: null },
        warnings: [expect.stringContaining('will never converge')],
      });
      expect(detailsOf(await clean(scope, { maxItems: 600 }))).toMatchObject({
        convergence: { converges: true, days_to_catch_up: 1 },
        warnings: [],
      });
    });

    it('reckons with as many runs as are scheduled of the policy', async () => {
      await fill('hourly', [
        ...Array.from({ length: 900 }, (_, i) => old + i),
        ...Array.from({ length: 400 }, (_, i) => now - 1 - i),
      ]);
      const schedule = { task: 'database_cleanup', tenantId: 'acme', everyMs: 3_600_000 };
      const scope = await maintain(
        [{ name: 'hourly', database: 'main', table: 'hourly', timeColumn: 'at', retentionDays: 30 }],
        {
          schedules: [
            { ...schedule, name: 'hourly', parameters: { policies: ['hourly'] } },
            { ...schedule, name: 'looks', parameters: { dryRun: true } },
          ],
        },
      );
      const said = async (maxItems: number) => JSON.stringify(await clean(scope, { maxItems, dryRun: true }));
      expect(await said(10)).toContain(
        '24 runs a day within this budget delete 240. A budget of 20 items a run would suffice.',
      );
      expect(await said(20)).not.toContain('converge');
    });

    it.each([
      ['the batches of a run', 'rare_batches', { everyMs: 30 * dayMs }, { maxBatches: 1 }, { maxBatches: 100 }],
      ['the time that its schedule gives a run', 'rare_time', { everyMs: 300 * dayMs, timeoutMs: 1_000 }, {}, null],
    ])('reckons with %s', async (_, table, rules, short, enough) => {
      await fill(table, [
        ...Array.from({ length: 900 }, (_, i) => old + i),
        ...Array.from({ length: 400 }, (_, i) => now - 1 - i),
      ]);
      const said = async (parameters: object, more: object = {}): Promise<string> => {
        const scope = await maintain([{ name: table, database: 'main', table, timeColumn: 'at', retentionDays: 30 }], {
          schedules: [{ task: 'database_cleanup', tenantId: 'acme', name: table, ...rules, ...more }],
        });
        return JSON.stringify(await clean(scope, { ...parameters, dryRun: true }));
      };
      expect(await said(short)).toContain('Retention will never converge: 400 rows come each day');
      expect(await said(enough ?? {}, enough === null ? { timeoutMs: 60_000 } : {})).not.toContain('converge');
    });

    it('cleans dotmac’s own tables by one line, but for those of domains that are not said to be there', async () => {
      const maintenance = createMaintenance({
        store: kyselyMaintenanceStore(storeDatabase),
        databases: { own: storeDatabase },
        retention: dotmacRetention({ database: 'own', tenants: ['operator'] }),
        clock,
        historyDays: 36_500,
        startScheduler: false,
      });
      started.push(maintenance);
      await maintenance.start();
      await sql`insert into dotmac_idempotency (tenant_id, key_hash, fingerprint, lease_until, keep_until)
        values ('a', 'expired', 'f', 1, ${now - 1}), ('a', 'kept', 'f', 1, ${now + dayMs})`.execute(
        storeDatabase.kysely,
      );
      await sql`insert into dotmac_outbox (delivery_id, queue, subscriber, lane, tenant_id, event, available_at, parked_at)
        values ('1', 'q', 's', 'l', 'a', '{}', 1, ${now - 91 * dayMs}), ('2', 'q', 's', 'l', 'a', '{}', 1, ${now - dayMs}), ('3', 'q', 's', 'l', 'a', '{}', 1, null)`.execute(
        storeDatabase.kysely,
      );
      await sql`insert into dotmac_maintenance_ledger
        (tenant_id, schedule, scope_id, slot_at, next_at, outcome, instance, attempts, claimed_at)
        values ('a', 's', '', ${now - 92 * dayMs}, ${now - 91 * dayMs}, 'done', 'i', 1, 1), ('a', 's', '', ${now - 91 * dayMs}, ${now - dayMs}, 'done', 'i', 1, 1)`.execute(
        storeDatabase.kysely,
      );
      await sql`insert into dotmac_maintenance_plans
        (tenant_id, id, task, actor, parameters, plan, as_of, created_at, expires_at)
        values ('a', '1', 't', 'u', '{}', '{}', 1, ${now - 91 * dayMs}, 1), ('a', '2', 't', 'u', '{}', '{}', 1, ${now - dayMs}, 1)`.execute(
        storeDatabase.kysely,
      );
      const operator = maintenance.scope({ tenantId: 'operator' });
      const result = await operator.runs.run('database_cleanup', {});
      expect(result).toMatchObject({ status: 'completed', itemsCleaned: 3, errorMessage: null });
      const { rows } = await sql<{
        it: string;
      }>`select key_hash as it from dotmac_idempotency union all select delivery_id from dotmac_outbox order by 1`.execute(
        storeDatabase.kysely,
      );
      expect(rows.map(({ it }) => it)).toEqual(['1', '2', '3', 'kept']);
      // They are about all tenants' rows, so others may not run them.
      await expect(
        maintenance.scope({ tenantId: 'acme' }).runs.run('database_cleanup', { policies: ['dotmac-idempotency'] }),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    });
  });
