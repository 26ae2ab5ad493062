import { describe, expect, it } from 'vitest';
import { wireOf } from '@dotmac/core/contract';
import { sqlite } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../src/index.js';

const database = sqlite(':memory:');
const table = { database: 'main', table: 'sessions', timeColumn: 'created_at', retentionDays: 30 };
const nightly = { cron: '0 3 * * *', tenantId: 'acme' };
const maintenance = createMaintenance({
  store: memoryMaintenanceStore(),
  databases: { main: database },
  retention: [
    { ...table, name: 'moved', archive: { schema: 'old', table: 'sessions' }, minRetentionDays: 7 },
    {
      ...{ ...table, name: 'filed', archive: { directory: '/srv/secret/archive' }, maxShare: 0.1 },
      keepNewest: { count: 3, per: 'customer_id' },
      where: (eb) => eb('state', '=', 'condition-of-the-host'),
    },
    { ...table, name: 'theirs', tenants: ['other'] },
  ],
  logs: [{ name: 'app', directory: '/srv/secret/logs', retentionDays: 90, keepFiles: 3, minFreePercent: 5 }],
  caches: [
    { name: 'keys', redis: () => Promise.reject(new Error('never asked')), pattern: 'secret:keys:*' },
    { name: 'pages', directory: '/srv/secret/pages', maxSizeMb: 10 },
  ],
  backups: [
    {
      name: 'main',
      url: 'postgres://me:secret@secret/app',
      directory: '/srv/secret/backups',
      keep: { last: 3, withinDaily: '7d' },
    },
  ],
  schedules: [
    { ...nightly, name: 'all-rows', task: 'database_cleanup' },
    { ...nightly, name: 'files-alone', task: 'cache_cleanup', parameters: { redisCleanup: false } },
    { ...nightly, name: 'redis-alone', task: 'cache_cleanup', parameters: { tiers: ['redis', 'memory'] } },
    { ...nightly, name: 'of-others', task: 'database_cleanup', tenantId: 'other' },
  ],
});
const { catalogue, schedules } = maintenance.scope({ tenantId: 'acme' });

describe('the catalogue of policies', () => {
  it('says what each keeps, how far requests may go, and which schedules use it', async () => {
    const parameters = { policies: ['moved'] };
    await schedules.create({ name: 'made', maintenanceType: 'database_cleanup', cron: '0 4 * * *', parameters });
    await schedules.pause('made');
    const { items } = await catalogue.policies();
    const [moved, filed] = items;
    expect(moved).toEqual({
      ...{ name: 'moved', kind: 'retention', task: 'database_cleanup', subject: 'sessions', keepDays: 30 },
      retention: {
        ...{ database: 'main', timeColumn: 'created_at', conditional: false, keepNewest: null, maxShare: 0.5 },
        fencing: 'process',
        archive: { to: 'table', table: 'old.sessions' },
      },
      ...{ rotation: null, backups: null },
      limits: [{ parameter: 'retention_days', careful: 'more', limit: 7 }],
      schedules: ['all-rows', 'made'],
    });
    expect(filed).toMatchObject({
      retention: {
        conditional: true,
        keepNewest: { count: 3, per: 'customer_id' },
        archive: { to: 'files', table: null },
        maxShare: 0.1,
      },
      limits: [{ limit: 30 }],
      schedules: ['all-rows'],
    });
    const told = items.map(({ name, limits, schedules }) => [name, limits.map(({ limit }) => limit), schedules]);
    expect(told.slice(2)).toEqual([
      ['app', [10, 30], []],
      ['keys', [], ['redis-alone']],
      ['pages', [null], ['files-alone']],
      ['main', [], []],
    ]);
  });

  it('says what stays of rotated logs, and which backups do', async () => {
    const { items } = await catalogue.policies();
    const of = (name: string) => items.find((it) => it.name === name);
    expect(of('app')).toMatchObject({
      ...{ keepDays: 90, retention: null, backups: null },
      rotation: { keepFiles: 3, maxTotalMb: null, minFreePercent: 5 },
    });
    expect(of('main')).toMatchObject({
      ...{ keepDays: null, retention: null, rotation: null },
      backups: { keep: { last: 3, withinDaily: '7d' }, timeZone: 'UTC' },
    });
    expect(of('pages')).toMatchObject({ rotation: null, backups: null });
    // As it goes over the wire.
    const { path, output, run } = maintenance.routes.find(({ path }) => path.endsWith('/policies'))!;
    const told = wireOf(output).render(await run(maintenance.scope({ tenantId: 'acme' }), {} as never)) as {
      items: { name: string; backups: unknown }[];
    };
    expect(told.items.find(({ name }) => name === 'main')?.backups, path).toEqual({
      keep: { last: 3, within_daily: '7d' },
      time_zone: 'UTC',
    });
  });

  it('has no path, pattern, condition or address', async () => {
    const text = JSON.stringify(await catalogue.policies());
    for (const kept of ['secret', 'condition-of-the-host', 'theirs', 'of-others']) expect(text).not.toContain(kept);
  });
});
