import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passes } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import type { NamedLeases } from '@dotmac/core';
import { mysql, postgres, sqlite, type Database, type PoolOptions } from '@dotmac/core/kysely';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available, freshMysql, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';
import {
  createHealth,
  kyselyHealthStore,
  memoryHealthStore,
  type Bucket,
  type HealthStore,
  type HostHealth,
  type Resolution,
} from '../../src/index.js';
import { receiver, staged } from '../support/staged.js';
import { cutLine, type LineMood } from './support/cut-line.js';
import { storedResults } from '../support/results.js';

const waits = 'checks cannot be stored, and wait in memory';

const checksIn = (buckets: readonly Bucket[]): number =>
  buckets.flatMap(({ counts }) => Object.values(counts)).reduce((sum, count) => sum + count, 0);

/** More than are settled at once. */
const crowdSize = 60;

/**
 * A monitor on a database that is out of reach for a minute, while an endpoint fails and comes back, and traffic to others
 * is told in this process and in one that does not monitor.
 */
async function outage(database: Database, fail: () => void, mend: () => void, isEnough = () => true) {
  const warned: string[] = [];
  const metrics = new Registry();
  const warn = (_: unknown, text?: string): void => void warned.push(text ?? '');
  const logger = { debug: () => undefined, info: () => undefined, warn, error: warn };
  const it = await staged((clock) => kyselyHealthStore(database, { clock }), { logger, metrics });
  const { clock, health, scope, states, probed, register, becomes, until } = it;
  const told: string[] = [];
  const bornAt = clock.now();
  const other = createHealth({
    ...{ store: kyselyHealthStore(database, { clock }), clock, logger, monitoring: false },
    ...{ egress: { allow: ['loopback'] }, secret: 'a secret of thirty-two characters' },
  });
  for (const { events } of [health, other])
    events.on('endpoint.status_changed', ({ id, data }) => void told.push(`${id} ${data.name} ${data.to}`));
  const hook = await receiver();
  const { id: channelId } = await scope.channels.create({
    ...{ name: 'operators', kind: 'webhook', config: { url: hook.url }, groupWait: 0 },
    secrets: { key: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
  });
  await scope.alerts.create({ name: 'all', channelIds: [channelId] });
  /** What a receiver makes of it that takes each message once, by its id, as `<endpoint> <what>`. */
  const alerts = (): string[] => {
    const sent = hook.received.map(
      ({ headers, text }) => [headers['webhook-id'], JSON.parse(text) as { items: Record<string, string>[] }] as const,
    );
    return [...new Map(sent).values()].flatMap(({ items }) => items.map((it) => `${it.endpoint_name} ${it.kind}`));
  };
  const names = ['steady', 'other', 'third', 'brief', 'known'];
  const endpoints = [];
  for (const name of names) endpoints.push(await register(name, { checkInterval: 5 }));
  for (const endpoint of endpoints) await becomes(endpoint, 'healthy');
  // One that fails before the outage, whose message is under way when it begins.
  const known = endpoints.find(({ name }) => name === 'known') as (typeof endpoints)[number];
  const busy = await register('busy', { checkInterval: 3_600 });
  const crowd = [];
  for (let index = 0; index < crowdSize; index++)
    crowd.push(await register(`crowd ${index}`, { checkInterval: 3_600 }));
  await until(() => scope.summary().details.every(({ status }) => status === 'healthy'));
  await other.start();
  onTestFinished(() => other.stop());
  const elsewhere = other.scope({ tenantId: 'acme' });
  /** Traffic by endpoint. */
  const traffic = new Map<string, number>();
  const tells = (host: HostHealth, { id }: { id: string }, at?: number): void => {
    host.record(id, { ok: true, ...(at !== undefined && { at }) });
    traffic.set(id, (traffic.get(id) ?? 0) + 1);
  };
  // The first of a second's is handed over; what more is told of it is just summed up.
  const [remote] = crowd as [(typeof crowd)[number]];
  const heardAt = clock.now();
  tells(elsewhere, remote, heardAt);
  const heard = async (): Promise<number> => {
    await scope.history.results(remote.id);
    const span = { resolution: 'day' as const, from: 0, until: clock.now() + 1 };
    return checksIn(await it.store.tenant('acme').buckets(remote.id, span));
  };
  // Two: its first check as well. What is taken, and not known to be, is taken again.
  await until(async () => (await heard()) > 1 && (await it.store.handed(1)).length === 0);
  hook.is.status = 503;
  await becomes(known, 'offline');
  await until(() => hook.received.length > 0);

  fail();
  hook.is.status = 200;
  // For a minute, and for as long as the store takes to show it, which it does not by this clock.
  for (let second = 0; second < 60 || !isEnough() || !warned.includes(waits); second++) {
    expect(second).toBeLessThan(400);
    if (second === 10) states.set('brief', 'offline');
    if (second === 40) states.set('brief', 'healthy');
    for (let count = 0; count < 20 && second < 60; count++) tells(scope, busy);
    // Older than their last check: they count for no status.
    for (const endpoint of crowd) tells(scope, endpoint, bornAt);
    for (let count = 0; count < 3; count++) tells(elsewhere, remote, heardAt);
    await clock.advance(1_000);
    await passes(25);
  }
  states.set('known', 'healthy');
  const reported = [...warned];
  const figures = scope.status();
  mend();
  for (const name of ['brief', 'known'])
    await until(() => told.filter((it) => it.endsWith(`${name} healthy`)).length > 1);
  const areTold = (): boolean => ['brief', 'known'].every((name) => alerts().includes(`${name} resolved`));
  await until(areTold, 1_000);
  await clock.advance(20_000);
  // What is out of reach just now comes with the next attempt.
  await until(
    () =>
      scope.incidents.list().then(
        () => true,
        () => false,
      ),
    1_000,
  );
  await other.stop();
  await clock.advance(5_000);
  await health.stop();

  const store = kyselyHealthStore(database, { clock }).tenant('acme');
  const history = await Promise.all(
    [...endpoints, busy, ...crowd].map(async ({ id, name }) => {
      const span = (resolution: Resolution) => ({ resolution, from: 0, until: clock.now() + 1 });
      const sums = await Promise.all(
        (['minute', 'hour', 'day'] as const).map(async (it) => checksIn(await store.buckets(id, span(it)))),
      );
      const ring = await storedResults(kyselyHealthStore(database, { clock }), id);
      const made = probed.filter((it) => it === name).length;
      // Of what is told within a second the first goes into the ring, if it is no older than the last check.
      const heard = id === busy.id ? 60 : 0;
      const isKept = id === remote.id ? made <= ring.length : made + heard === ring.length;
      return { name, sums, isKept, found: made + (traffic.get(id) ?? 0) };
    }),
  );
  const { items: incidents } = await store.incidents({ limit: 100, after: null, filter: {} });
  const timelines = await Promise.all(
    incidents.map(async ({ id }) => (await store.timeline(id)).entries.map(({ kind }) => kind)),
  );
  return { told, alerts: alerts(), reported, figures, history, incidents, timelines };
}

function expectNothingLost({
  told,
  alerts,
  reported,
  figures,
  history,
  incidents,
  timelines,
}: Awaited<ReturnType<typeof outage>>) {
  // Summaries answer all the while.
  expect(figures).toMatchObject({ healthyCount: 5 + crowdSize, offlineCount: 1 });
  expect(reported).toContain(waits);
  // At least once each, and each once for who remembers their ids.
  const once = [...new Set(told)].map((it) => it.split(' ').slice(1).join(' '));
  expect(once.filter((it) => /^crowd \d+ healthy$/.test(it))).toHaveLength(crowdSize);
  expect(once.filter((it) => !it.startsWith('crowd')).toSorted()).toEqual([
    'brief healthy',
    'brief healthy',
    'brief offline',
    'busy healthy',
    'known healthy',
    'known healthy',
    'known offline',
    'other healthy',
    'steady healthy',
    'third healthy',
  ]);
  for (const { found, sums, isKept, name } of history)
    expect({ name, sums, isKept }).toEqual({ name, sums: [found, found, found], isKept: true });
  const resolved = { severity: 'offline', resolvedAt: expect.any(Number) as number };
  expect(incidents.toSorted((a, b) => (a.endpointName < b.endpointName ? -1 : 1))).toMatchObject([
    { endpointName: 'brief', ...resolved },
    { endpointName: 'known', ...resolved },
  ]);
  const changes = timelines.map((all) => all.filter((kind) => kind !== 'told'));
  expect(changes).toEqual([
    ['opened', 'resolved'],
    ['opened', 'resolved'],
  ]);
  // Each incident to its end, and nothing of it twice; what came and went meanwhile may be told in one.
  expect(alerts.filter((it) => it.startsWith('known'))).toEqual(['known opened', 'known resolved']);
  const brief = alerts.filter((it) => it.startsWith('brief'));
  expect([['brief resolved'], ['brief opened', 'brief resolved']]).toContainEqual(brief);
  expect(alerts).toHaveLength(2 + brief.length);
}

describe('a store that is out of reach for a minute', () => {
  it('loses nothing when it is a SQLite file that somebody else writes to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dotmac-health-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'health.db');
    const database = sqlite(path, { busyTimeoutMs: 50, acquireTimeoutMs: 5_000 });
    onTestFinished(() => database.close());
    let other: Sqlite.Database | undefined;
    onTestFinished(() => void other?.close());
    const fail = (): void => {
      other = new Sqlite(path);
      other.exec('begin immediate');
    };
    expectNothingLost(await outage(database, fail, () => other?.exec('rollback')));
  }, 120_000);

  /** What is lost when the line between the monitor and its database is in a mood. */
  async function outageOfLine(
    mood: LineMood,
    { url, drop }: FreshDatabase,
    open: (url: string, options?: PoolOptions) => Database,
    port: number,
  ) {
    onTestFinished(drop);
    // Not over the line, whose patience is short: making tables may take longer than that.
    const direct = open(url);
    await kyselyHealthStore(direct).migrate();
    await direct.close();
    const line = await cutLine(Number(new URL(url).port) || port);
    const throughLine = new URL(url);
    throughLine.host = `127.0.0.1:${line.port}`;
    const database = open(throughLine.href, { queryTimeoutMs: 5_000, acquireTimeoutMs: 5_000 });
    onTestFinished(() => database.close());
    expectNothingLost(
      await outage(
        database,
        () => line.become(mood),
        () => line.become('passes'),
        () => mood !== 'loses commits' || line.commits.lost > 5,
      ),
    );
  }

  it.skipIf(!available.postgres).each<LineMood>(['refuses', 'swallows', 'loses commits'])(
    'loses nothing, and counts nothing twice, when the line to PostgreSQL %s (needs PostgreSQL)',
    async (mood) => {
      await outageOfLine(mood, await freshPostgres(), postgres, 5432);
    },
    120_000,
  );

  it.skipIf(!available.mysql).each<LineMood>(['refuses', 'swallows', 'loses commits'])(
    'loses nothing, and counts nothing twice, when the line to MySQL %s (needs MySQL)',
    async (mood) => {
      await outageOfLine(mood, await freshMysql(), mysql, 3306);
    },
    120_000,
  );
});

describe('a monitor whose lease ran out, as nobody could renew it,', () => {
  /** Stopped before it looked at the lease again. */
  async function stopped(meanwhile: (leases: NamedLeases) => Promise<unknown>) {
    let isCut = false;
    const unreachable = (store: HealthStore): HealthStore => {
      const renew: NamedLeases['renew'] = (...asked) =>
        isCut ? Promise.reject(new Error('out of reach')) : store.leases.renew(...asked);
      return { ...store, leases: { ...store.leases, renew } };
    };
    const it = await staged((clock) => unreachable(memoryHealthStore({ clock })));
    const { clock, health, store, probed, register, becomes } = it;
    const endpoint = await register('steady');
    await becomes(endpoint, 'healthy');
    isCut = true;
    await clock.advance(30_000);
    isCut = false;
    await meanwhile(store.leases);
    await health.stop();
    return { probed, stored: await storedResults(store, endpoint.id) };
  }

  it('stores what it found when it is stopped, if nobody has taken over', async () => {
    const { probed, stored } = await stopped(() => Promise.resolve());
    expect(stored).toHaveLength(probed.length);
  });

  it('stores nothing of it if somebody has', async () => {
    const { probed, stored } = await stopped((leases) => leases.acquire('health/monitor', 'another', 60_000));
    expect(probed.length).toBeGreaterThan(5);
    expect(stored).toHaveLength(1);
  });
});
