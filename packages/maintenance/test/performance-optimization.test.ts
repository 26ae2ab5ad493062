import { spawn } from 'node:child_process';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../test/support/bundle-worker.js';
import { expireLeases } from './support/expire-leases.js';
import { available, freshPostgres, type FreshDatabase } from '../../../test/support/services.js';
import { createMaintenance, kyselyMaintenanceStore, type MaintenanceModule, type UpkeepPolicy } from '../src/index.js';

interface Report {
  findings: { id: string; kind: string; applied: boolean; apply_sql: string[] }[];
  indexes_rebuilt: number;
  indexes_not_rebuilt: { index: string; reason: string }[];
  tables_analyzed: number;
  tables_busy: string[];
  tables_missing: string[];
  notes: string[];
}

describe.skipIf(!available.postgres)('performance optimization (needs PostgreSQL: npm run services)', () => {
  let fresh: FreshDatabase;
  let database: Database;
  const started: MaintenanceModule[] = [];
  const run = (statement: string) => sql.raw(statement).execute(database.kysely);
  const start = async (upkeep: Partial<UpkeepPolicy> = {}): Promise<MaintenanceModule> => {
    const maintenance = createMaintenance({
      store: kyselyMaintenanceStore(database),
      databases: { main: database },
      upkeep: [{ name: 'main', database: 'main', tables: ['airy'], ...upkeep }],
    });
    await maintenance.start();
    started.push(maintenance);
    return maintenance;
  };
  const optimize = async (maintenance: MaintenanceModule, parameters: Record<string, unknown> = {}) => {
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const result = await runs.execute({ maintenanceType: 'performance_optimization', parameters });
    const [report] = (result.details['databases'] ?? []) as Report[];
    return { result, report };
  };

  beforeEach(async () => {
    fresh = await freshPostgres();
    database = databaseFromUrl(fresh.url);
    await run('create table airy (id int, b text, c text) with (autovacuum_enabled = false)');
    // Wide keys that do not compress: 50 MB of index, for what will be a twentieth of it.
    await run(`insert into airy select i, (select string_agg(md5(i || '.' || j), '') from generate_series(1, 20) j), 'x'
      from generate_series(1, 70000) i`);
    await run('create index airy_b on airy (b)');
    await run('delete from airy where id % 20 <> 0');
    await run('vacuum analyze airy');
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((maintenance) => maintenance.stop()));
    await database.close();
    await fresh.drop();
  });

  it('advises, and changes nothing that it was not asked to change', async () => {
    const { result, report } = await optimize(await start({ apply: ['bloated_index'] }));
    expect(result).toMatchObject({ status: 'completed', itemsCleaned: 0 });
    const found = report?.findings.find(({ kind }) => kind === 'bloated_index');
    expect(found).toMatchObject({ id: 'bloated_index:airy.airy_b', applied: false });
    expect(report?.findings.map(({ kind }) => kind)).toContain('table_without_primary_key');
  });

  it('acts on what it is asked to act on, where the host allows that, and says what it gave back', async () => {
    const maintenance = await start({ apply: ['bloated_index'] });
    const plan = await optimize(maintenance, { apply: ['bloated_index'], dry_run: true });
    expect(plan.result.details).toMatchObject({
      plan: { targets: [{ target: 'table:main.airy', action: 'rebuild', items: 1, sample: ['airy_b'] }] },
    });
    const { result, report } = await optimize(maintenance, { apply: ['bloated_index'] });
    expect(result).toMatchObject({ status: 'completed', itemsCleaned: 1 });
    expect(result.spaceFreedMb).toBeGreaterThan(20);
    expect(report).toMatchObject({ indexes_rebuilt: 1, indexes_not_rebuilt: [] });
    expect(report?.findings.find(({ kind }) => kind === 'bloated_index')?.applied).toBe(true);
    const again = await optimize(maintenance, { apply: ['bloated_index'] });
    expect(again.report?.findings.map(({ kind }) => kind)).not.toContain('bloated_index');
    expect(again.result.itemsCleaned).toBe(0);
  });

  it('refuses to act on what the host does not allow, or nobody may', async () => {
    const maintenance = await start({ apply: ['stale_statistics'] });
    for (const kind of ['bloated_index', 'unused_index'])
      await expect(optimize(maintenance, { apply: [kind] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(start({ apply: ['unused_index' as never] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('does not rebuild where there is no room, and says so', async () => {
    const maintenance = await start({ apply: ['bloated_index'], freeBytes: () => 1_000 });
    const { result, report } = await optimize(maintenance, { apply: ['bloated_index'] });
    expect(result).toMatchObject({ status: 'completed', itemsCleaned: 0 });
    expect(report?.indexes_not_rebuilt).toEqual([{ index: 'airy_b', reason: expect.stringContaining('room') }]);
  });

  it('drops what a rebuilding leaves whose connection is cut', async () => {
    const maintenance = await start({ apply: ['bloated_index'] });
    const holder = new Client({ connectionString: fresh.url });
    await holder.connect();
    await holder.query('begin; lock table airy in row exclusive mode');
    const running = optimize(maintenance, { apply: ['bloated_index'] });
    // Not asked by the holder: in a transaction the answer stays what it was.
    const pid = async (): Promise<number | undefined> => {
      const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity
        where datname = current_database() and query like 'reindex%' and wait_event_type = 'Lock'`.execute(
        database.kysely,
      );
      return rows[0]?.pid;
    };
    await expect.poll(pid, { timeout: 20_000, interval: 20 }).toBeDefined();
    await sql`select pg_terminate_backend(${await pid()})`.execute(database.kysely);
    await holder.query('commit');
    await holder.end();
    const { report } = await running;
    expect(report?.indexes_not_rebuilt).toHaveLength(1);
    expect((await sql`select 1 from pg_index where not indisvalid`.execute(database.kysely)).rows).toEqual([]);
  }, 120_000);

  it('cancels a rebuilding that is held up by somebody’s transaction, and does it in the run that resumes', async () => {
    const maintenance = await start({ apply: ['bloated_index'] });
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const holder = new Client({ connectionString: fresh.url });
    await holder.connect();
    await holder.query('begin; lock table airy in row exclusive mode');
    const { taskId } = await runs.beginRun('performance_optimization', { apply: ['bloated_index'] });
    const waiting = async () =>
      (
        await sql`select 1 from pg_stat_activity
          where datname = current_database() and query like 'reindex%' and wait_event_type = 'Lock'`.execute(
          database.kysely,
        )
      ).rows.length;
    await expect.poll(waiting, { timeout: 20_000, interval: 20 }).toBe(1);
    await runs.cancel(taskId);
    await expect.poll(waiting, { timeout: 20_000, interval: 20 }).toBe(0);
    await holder.query('commit');
    await holder.end();
    await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 20_000 }).toBe('cancelled');
    const cancelled = await runs.get(taskId);
    expect(cancelled).toMatchObject({ itemsCleaned: 0, resumable: true });
    const reason = 'it was to end';
    expect(cancelled.details).toMatchObject({
      databases: [{ indexes_rebuilt: 0, indexes_not_rebuilt: [{ index: 'airy_b', reason }] }],
    });
    const indexes = async () =>
      (
        await sql<{ name: string }>`select indexrelid::regclass::text as name from pg_index
          where indrelid = 'airy'::regclass order by 1`.execute(database.kysely)
      ).rows.map(({ name }) => name);
    expect(await indexes()).toEqual(['airy_b']);
    const resumed = await runs.resume(taskId);
    await expect.poll(async () => (await runs.get(resumed.taskId)).status, { timeout: 20_000 }).toBe('completed');
    expect(await runs.get(resumed.taskId)).toMatchObject({ itemsCleaned: 1 });
    expect(await indexes()).toEqual(['airy_b']);
  }, 120_000);

  it('drops what a process left that died, when its run is resumed, and rebuilds', async () => {
    const maintenance = await start({ apply: ['bloated_index'] });
    const holder = new Client({ connectionString: fresh.url });
    await holder.connect();
    await holder.query('begin; lock table airy in row exclusive mode');
    const worker = await bundleWorker(new URL('support/optimizing-worker.ts', import.meta.url));
    onTestFinished(() => worker.remove());
    const child = spawn(process.execPath, [worker.path, fresh.url], { stdio: 'inherit' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const leftovers = async (): Promise<number> =>
      (await sql`select 1 from pg_index where not indisvalid`.execute(database.kysely)).rows.length;
    await expect.poll(leftovers, { timeout: 20_000 }).toBe(1);
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const [run] = (await runs.list({ limit: 1 })).items;
    // The process dies while it waits for the lock; what it was at is kept by then.
    const kept = async () =>
      (
        await kyselyMaintenanceStore(database)
          .runs('acme')
          .get(run?.taskId ?? '')
      )?.cursors;
    await expect.poll(async () => JSON.stringify(await kept()), { timeout: 20_000 }).toContain('rebuilding');
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like 'reindex%'`.execute(database.kysely);
    await holder.query('commit');
    await holder.end();
    expect(await leftovers()).toBe(1);
    // Once the leases of the dead have run out, whoever starts takes its run up.
    await maintenance.stop();
    await expireLeases(database);
    await maintenance.start();
    const abandoned = async (): Promise<boolean> => {
      if ((await runs.get(run?.taskId ?? '')).status !== 'running') return true;
      await maintenance.stop();
      await maintenance.start();
      return false;
    };
    await expect.poll(abandoned, { timeout: 30_000, interval: 500 }).toBe(true);
    const newest = async () => (await runs.list({ limit: 1 })).items[0];
    await expect.poll(async () => (await newest())?.status, { timeout: 30_000 }).toBe('completed');
    expect((await newest())?.taskId).not.toBe(run?.taskId);
    expect(await newest()).toMatchObject({ itemsCleaned: 1 });
    expect(await leftovers()).toBe(0);
  }, 120_000);
});
