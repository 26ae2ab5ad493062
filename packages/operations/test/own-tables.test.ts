import { sql, type KyselyPlugin } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { fromKysely, type Database } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { createHealth, kyselyHealthStore } from '@dotmac/health';
import { createLifecycle, kyselyLifecycleStore } from '@dotmac/lifecycle';
import {
  createMaintenance,
  dotmacRetention,
  kyselyMaintenanceStore,
  memoryMaintenanceStore,
  type DotmacRetentionOptions,
  type MaintenanceStore,
} from '@dotmac/maintenance';
import { databases, withAllTables } from './support/own-databases.js';
import { alongside, ownRows, readOwnRows, writeOwnRows } from './support/own-rows.js';

const own = { database: 'main', tenants: ['operator'] };
const all = { ...own, health: {}, lifecycle: {} };

async function maintain(
  database: Database,
  options: { retention?: DotmacRetentionOptions; now?: number; store?: MaintenanceStore } = {},
) {
  const { retention = all, now = Date.now(), store = memoryMaintenanceStore() } = options;
  const maintenance = createMaintenance({
    store,
    databases: { main: database },
    retention: dotmacRetention(retention),
    clock: { ...systemClock, now: () => now },
    historyDays: 36_500,
    startScheduler: false,
  });
  onTestFinished(() => maintenance.stop());
  await maintenance.start();
  return maintenance.scope({ tenantId: 'operator' }).runs;
}

interface Planned {
  warnings: string[];
  targets: { items: number; exact: boolean; cascades: { target: string; items: number }[] }[];
}

/** Why each of the tables that no policy cleans is left alone. */
const kept: Record<string, string> = {
  dotmac_alerts: 'they go when what they tell of is over and told',
  dotmac_endpoints: 'they go when they are deleted',
  dotmac_endpoint_states: 'with its endpoint',
  dotmac_endpoint_tags: 'with their endpoint',
  dotmac_result_chunks: 'with their endpoint: rings of a size',
  dotmac_health_documents: 'what tenants set up',
  dotmac_health_event_feeds: 'a row that counts positions',
  dotmac_customers: 'they are forgotten when they, or the host, ask for it',
  dotmac_customer_terms: 'with their customer',
  dotmac_customer_events: 'history is only ever added to',
  dotmac_customer_feeds: 'a row of a tenant, that counts positions',
  dotmac_customer_keys: 'they go when their customer is forgotten',
  dotmac_verification_tokens: 'one of a customer and channel, which counts what it was sent',
  dotmac_legal_holds: 'they go when they are lifted',
  dotmac_services: 'with their customer',
  dotmac_service_runs: 'what was done for a service',
  dotmac_step_signals: 'with their run',
  dotmac_lifecycle_timers: 'they go when they are due',
  dotmac_dunning_cases: 'they go when everything is paid',
  dotmac_lifecycle_webhooks: 'what tenants set up',
  dotmac_removed_webhooks: 'they go with the last of their deliveries',
  dotmac_lifecycle_limits: 'a row for what is counted under its lock',
  dotmac_maintenance_revision: 'a row that counts changes',
};

describe('each of dotmac’s own tables', () => {
  it('is cleaned by a policy, or kept for a reason', async () => {
    const { kysely } = await withAllTables();
    const { rows } = await sql<{ name: string }>`
      select name from sqlite_master where type = 'table' and substr(name, 1, 7) = 'dotmac_' order by 1`.execute(
      kysely,
    );
    const cleaned = new Set(
      dotmacRetention(all).flatMap(({ table, along = [] }) => [table, ...along.map((it) => it.table)]),
    );
    // What was applied is remembered for ever.
    const tables = rows.map(({ name }) => name).filter((name) => !/_migrations(_lock)?$/.test(name));
    expect([...cleaned, ...Object.keys(kept)].sort()).toEqual(tables);
    expect(new Set(ownRows(0).map(({ table }) => table))).toEqual(cleaned);
  });

  it('is left alone where it is another domain’s, and not said to be there', () => {
    const tables = (more: object) => dotmacRetention({ ...own, ...more }).map(({ table }) => table);
    expect(tables({})).not.toContain('dotmac_outbox');
    expect(tables({ health: {} })).toContain('dotmac_incidents');
    expect(tables({ health: {} })).not.toContain('dotmac_bulk_operations');
    expect(tables({ lifecycle: {} })).toContain('dotmac_bulk_operations');
  });

  it('is kept for as many days as its domain is told, at least one, or for ever', () => {
    const health = { retentionDays: { minute: 2 }, keptDays: { incidents: 500, undelivered: Infinity } };
    const lifecycle = { keptDays: { bulk: Infinity, parked: 7 }, webhooks: { keepDays: 60 } };
    const days = Object.fromEntries(
      dotmacRetention({ ...own, health, lifecycle }).map(({ name, retentionDays }) => [name, retentionDays]),
    );
    expect(days).toMatchObject({
      ...{ 'dotmac-check-buckets-minute': 2, 'dotmac-check-buckets-hour-maintenance': 35, 'dotmac-incidents': 500 },
      ...{ 'dotmac-parked-lifecycle': 7, 'dotmac-webhook-deliveries': 60 },
    });
    expect(Object.keys(days)).not.toContain('dotmac-undelivered-alerts');
    expect(Object.keys(days)).not.toContain('dotmac-bulk-operations');
    for (const wrong of [
      { health: { keptDays: { incidents: 0.5 } } },
      { health: { retentionDays: { day: 0 } } },
      { lifecycle: { keptDays: { bulk: Number.NaN } } },
      { lifecycle: { webhooks: { keepDays: 40_000 } } },
    ])
      expect(() => dotmacRetention({ ...own, ...wrong })).toThrowError(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
  });
});

it('requests for fewer days cut maintenance’s own history as far as the host says, and the domains’ rows not at all', async () => {
  const database = await withAllTables();
  const now = Date.now();
  const rows = ownRows(now).filter(({ table }) => !table.startsWith('dotmac_maintenance'));
  const { stay } = await writeOwnRows(database, rows);
  const runs = await maintain(database, { now, retention: { ...all, minRetentionDays: 7 } });
  const run = await runs.run('database_cleanup', { retentionDays: 7, vacuumAnalyze: false });
  expect(run).toMatchObject({ status: 'completed', errorMessage: null });
  const left = await readOwnRows(database, rows);
  for (const table of [
    'dotmac_incidents',
    'dotmac_incident_entries',
    'dotmac_bulk_targets',
    'dotmac_webhook_deliveries',
  ])
    expect(left.get(table)).toEqual(stay.get(table));
  expect(left.get('dotmac_check_buckets')).toEqual(expect.arrayContaining(stay.get('dotmac_check_buckets') ?? []));
  const undercut = runs.run('database_cleanup', { retentionDays: 7, policies: ['dotmac-incidents'] });
  await expect(undercut).rejects.toMatchObject({ code: 'POLICY_UNDERCUT' });
});

for (const { title, present, fresh } of databases)
  describe.skipIf(!present)(`a cleanup of all of dotmac’s own tables, on ${title}`, () => {
    it('deletes just those rows that are old and over, as many as its dry run said', { timeout: 120_000 }, async () => {
      const database = await withAllTables(fresh);
      const now = Date.now();
      const written = ownRows(now);
      const { stay, gone } = await writeOwnRows(database, written);
      const before = await readOwnRows(database, written);
      const runs = await maintain(database, { now });

      const { details } = await runs.run('database_cleanup', { dryRun: true });
      const { targets, warnings } = details['plan'] as Planned;
      expect(await readOwnRows(database, written)).toEqual(before);
      expect(warnings).toEqual([]);
      const along = alongside.reduce((sum, table) => sum + (gone.get(table) ?? 0), 0);
      const items = [...gone.values()].reduce((sum, count) => sum + count, 0) - along;
      expect(targets).toHaveLength(dotmacRetention(all).length);
      expect(targets.every(({ exact }) => exact)).toBe(true);
      expect(targets.reduce((sum, it) => sum + it.items, 0)).toBe(items);
      const cascades = targets.flatMap((it) => it.cascades.map(({ target, items: count }) => [target, count]));
      expect(new Map(cascades as [string, number][])).toEqual(
        new Map(alongside.map((table) => [`cascade: ${table}`, gone.get(table)])),
      );

      const run = await runs.run('database_cleanup', {});
      expect(run).toMatchObject({ status: 'completed', itemsCleaned: items, errorMessage: null });
      const reports = run.details['policies'] as { outcome: string; left: number; rows_along: number }[];
      expect(reports.filter(({ outcome, left }) => outcome !== 'done' || left !== 0)).toEqual([]);
      expect(reports.reduce((sum, it) => sum + it.rows_along, 0)).toBe(along);
      expect(await readOwnRows(database, written)).toEqual(stay);
    });

    it('does its part while the domains remove the same rows themselves', { timeout: 120_000 }, async () => {
      const database = await withAllTables(fresh);
      const now = Date.now();
      const old = now - 500 * 86_400_000;
      const ids = (count: number) =>
        Array.from({ length: count }, (_, index) => `it-${String(index).padStart(5, '0')}`);
      const insert = async (table: string, rows: object[]) => {
        for (let at = 0; at < rows.length; at += 500)
          await database.kysely
            .insertInto(table as never)
            .values(rows.slice(at, at + 500) as never)
            .execute();
      };
      const incident = { tenant_id: 'acme', endpoint_id: 'e', endpoint_name: 'e', severity: 's', message: '', started_at: 1, opened_at: 1 }; // prettier-ignore
      const operation = { tenant_id: 'acme', command: 'c', input: '{}', filter: '{}', dry_run: 0, status: 'completed', processed: 0, changed: 0, refused: 0, outcomes: '{}', last_customer_id: '', up_to: '', created_by: 'a', created_at: 1, touched_at: 1 }; // prettier-ignore
      const entry = { tenant_id: 'acme', endpoint_id: 'e', at: 1, kind: 'note', actor: 'a', text: '' };
      await insert(
        'dotmac_incidents',
        ids(1_500).map((id) => ({ ...incident, id, resolved_at: old })),
      );
      await insert('dotmac_incident_entries', ids(4_500).map((id, nr) => ({ ...entry, id, incident_id: ids(1_500)[nr % 1_500] }))); // prettier-ignore
      await insert(
        'dotmac_bulk_operations',
        ids(20).map((id) => ({ ...operation, id, ended_at: old })),
      );
      await insert('dotmac_bulk_targets', ids(6_000).map((id, nr) => ({ tenant_id: 'acme', customer_id: id, operation_id: ids(20)[nr % 20] }))); // prettier-ignore
      const parcel = { queue: 'lifecycle', subscriber: 's', lane: 'l', tenant_id: 'acme', event: '{}', available_at: 1, parked_at: old }; // prettier-ignore
      await insert(
        'dotmac_outbox',
        ids(2_000).map((delivery_id) => ({ ...parcel, delivery_id })),
      );
      const [health, lifecycle] = [kyselyHealthStore(database), kyselyLifecycleStore(database)];
      const runs = await maintain(database, { now, store: kyselyMaintenanceStore(database) });
      const until = async (prune: () => Promise<number>) => {
        while ((await prune()) > 0);
      };
      const before = now - 450 * 86_400_000;
      const [run] = await Promise.all([
        runs.run('database_cleanup', {}),
        until(() => health.pruneIncidents(before, 50)),
        until(() => lifecycle.pruneBulk(before, 50)),
        until(async () => (await lifecycle.outbox.pruneParked({ before, limit: 50 })).length),
      ]);
      expect(run).toMatchObject({ status: 'completed', errorMessage: null });
      for (const table of [
        'dotmac_incidents',
        'dotmac_incident_entries',
        'dotmac_bulk_operations',
        'dotmac_bulk_targets',
        'dotmac_outbox',
      ])
        // prettier-ignore
        expect(await database.kysely.selectFrom(table as never).selectAll().execute()).toEqual([]);
    });
  });

it('what the domains remove by themselves is tried again when a deadlock chose theirs', async () => {
  const plain = await withAllTables();
  const now = Date.now();
  await writeOwnRows(plain, ownRows(now));
  await sql`insert into dotmac_removed_webhooks (tenant_id, id) values ('acme', 'gone')`.execute(plain.kysely);
  const hit = new Set<string>();
  const deadlockOnce: KyselyPlugin = {
    transformQuery({ node }) {
      const table = node.kind === 'DeleteQueryNode' ? JSON.stringify(node.from) : undefined;
      if (table === undefined || hit.has(table)) return node;
      hit.add(table);
      throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  const database = fromKysely(plain.kysely.withPlugin(deadlockOnce), 'sqlite');
  const [health, lifecycle] = [kyselyHealthStore(database), kyselyLifecycleStore(database)];
  const removed = [
    await health.pruneBuckets('minute', now, 9),
    await health.pruneShared(now, 9),
    await health.pruneEvents(now, 9),
    await health.pruneReceipts(now, 9),
    await health.pruneIncidents(now, 9),
    await lifecycle.pruneDeliveries(now, 9),
    await lifecycle.pruneRemovedWebhooks(9),
    await lifecycle.pruneAnswers(now, 9),
    await lifecycle.pruneIssues(now, 9),
    await lifecycle.pruneBulk(now, 9),
  ];
  expect(removed.every((count) => count > 0)).toBe(true);
  // Of incidents with their entries, of operations with two tables.
  expect(hit.size).toBe(14);
});

it('health and lifecycle remove the same rows of theirs by themselves, by the days that the policies take for theirs', async () => {
  const database = await withAllTables();
  const clock = fakeClock();
  // Of what processes tell each other it is an hour; policies leave it for a day, whatever their clock says.
  const written = ownRows(clock.now()).filter(
    ({ table }) => !/^dotmac_(idempotency|leases|maintenance|endpoint_changes|handed)/.test(table),
  );
  const { stay } = await writeOwnRows(database, written);
  const health = createHealth({ store: kyselyHealthStore(database, { clock }), clock });
  const lifecycle = createLifecycle({
    store: kyselyLifecycleStore(database, { clock }),
    sendVerification: () => undefined,
    secret: 'a secret of thirty-two characters',
    webhooks: {},
    clock,
  });
  onTestFinished(() => Promise.all([health.stop(), lifecycle.stop()]).then(() => undefined));
  await Promise.all([health.start(), lifecycle.start()]);
  for (let minute = 0; minute < 12; minute++) await clock.advance(60_000);
  const left = await readOwnRows(database, written);
  expect(left).toEqual(stay);
});
