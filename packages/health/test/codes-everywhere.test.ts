import { createApi } from '@dotmac/core/http';
import { mysql, postgres, sqlite, type Database } from '@dotmac/core/kysely';
import type { FakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { freshMysql, freshPostgres, type FreshDatabase } from '../../../test/support/services.js';
import {
  defineProbe,
  kyselyHealthStore,
  memoryHealthStore,
  WrongAnswer,
  type HealthStore,
  type StreamedEvent,
} from '../src/index.js';
import { receiver, staged } from './support/staged.js';

const onDatabase = (database: Database) => {
  onTestFinished(() => database.close());
  return (clock: FakeClock): HealthStore => kyselyHealthStore(database, { clock });
};
const onServer = ({ url, drop }: FreshDatabase, open: (url: string) => Database) => {
  onTestFinished(drop);
  return onDatabase(open(url));
};
const stores: [string, () => Promise<(clock: FakeClock) => HealthStore>][] = [
  ['in memory', () => Promise.resolve((clock) => memoryHealthStore({ clock }))],
  ['on SQLite', () => Promise.resolve(onDatabase(sqlite(':memory:')))],
  ['on PostgreSQL', async () => onServer(await freshPostgres(), postgres)],
  ['on MariaDB', async () => onServer(await freshMysql(), mysql)],
];

describe.each(stores)('the code of what a check found, %s,', (_, open) => {
  it('is in results, states, events, incidents and alerts, here and on the wire', async () => {
    const is = { failing: false };
    const queue = defineProbe({
      ...{ serviceType: 'queue', summary: 'Looks for a queue', addressing: 'none' as const, config: z.object({}) },
      run: () =>
        is.failing
          ? Promise.reject(new WrongAnswer('There is no such queue', { code: 'queue_missing' }))
          : Promise.resolve({ responseTimeMs: 1, message: 'It is there' }),
    });
    const { health, scope, until, clock } = await staged(await open(), { probes: [queue] });
    const told: { name: string; code: unknown }[] = [];
    health.events.onAny(({ name, data }) => void ('code' in data && told.push({ name, code: data.code })));
    const streamed: StreamedEvent[] = [];
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    void (async () => {
      for await (const event of scope.stream.follow({ signal: leaving.signal })) streamed.push(event);
    })().catch(() => undefined);
    const hook = await receiver();
    const { id: channelId } = await scope.channels.create({
      ...{ name: 'noc', kind: 'webhook', config: { url: hook.url }, groupWait: 0 },
      secrets: { key: `whsec_${Buffer.alloc(24, 1).toString('base64')}` },
    });
    await scope.alerts.create({ name: 'all', channelIds: [channelId] });
    const { id } = await scope.endpoints.register({
      ...{ name: 'mail queue', serviceType: 'queue', checkInterval: 5, retryCount: 1 },
    });
    await until(async () => (await scope.endpoints.get(id)).lastStatus === 'healthy');
    is.failing = true;
    await until(() => hook.received.length > 0);

    const code = 'queue_missing';
    const { items } = await scope.history.results(id);
    expect(items.map((it) => it.code)).toEqual(items.map(({ status }) => (status === 'healthy' ? 'ok' : code)));
    expect((await scope.history.results(id, { kind: 'issues' })).items[0]).toMatchObject({ status: 'critical', code });
    expect((await scope.history.trend(id)).recentIssues[0]).toMatchObject({ code });
    const explained = await scope.explain(id);
    expect([explained.code, explained.recent[0]?.code]).toEqual([code, code]);
    expect(scope.summary().details).toMatchObject([{ code }]);
    expect((await scope.simulate(id)).transitions.at(-1)).toMatchObject({ to: 'critical', code });
    const [incident] = (await scope.incidents.list()).items;
    // The receiver knows before the timeline does.
    const kinds = async () => (await scope.incidents.get(incident?.id ?? '')).timeline.map(({ kind }) => kind);
    await until(async () => (await kinds()).includes('told'));
    const story = await scope.incidents.acknowledge(incident?.id ?? '');
    expect(story).toMatchObject({ code });
    const codes = story.timeline.map((entry) => `${entry.kind} ${entry.code}`);
    expect(codes).toEqual(['opened queue_missing', 'told null', 'acknowledged null']);
    expect(JSON.parse(hook.received[0]?.text ?? '')).toMatchObject({ items: [{ kind: 'opened', code }] });

    // What another process reads is what this one has.
    const api = createApi(health, {
      clock,
      authenticate: () => ({ tenantId: 'acme', actorId: 'neo', permissions: ['*'] }),
    });
    const asked = async (path: string) => {
      const route = api.routes.find((it) => it.method === 'GET' && it.path.endsWith(path));
      const more = { query: {}, headers: {}, body: { parsed: undefined }, remoteAddress: '127.0.0.1', mountedAt: '' };
      const request = { ...more, method: 'GET', path: '', params: { id }, signal: new AbortController().signal };
      return JSON.parse(String((await route?.handle(request))?.body)) as unknown;
    };
    // While the story was waited for, checks went on.
    const { items: later } = await scope.history.results(id);
    expect(await asked('/endpoints/{id}/results')).toMatchObject({ items: later.map((it) => ({ code: it.code })) });
    expect(await asked('/endpoints/{id}/explanation')).toMatchObject({ code });
    expect(await asked('/network-monitoring/incidents')).toMatchObject({ items: [{ code }] });

    is.failing = false;
    await until(() => told.some(({ name }) => name === 'incident.resolved'));
    await until(() => streamed.some(({ event }) => event === 'incident.resolved'));
    const expected = [
      { name: 'endpoint.status_changed', code: 'ok' },
      { name: 'endpoint.status_changed', code },
      { name: 'incident.opened', code },
      { name: 'incident.acknowledged', code: null },
      { name: 'endpoint.status_changed', code: 'ok' },
      { name: 'incident.resolved', code: 'ok' },
    ];
    expect(told).toEqual(expected);
    const followed = streamed.flatMap(({ event, data }) =>
      'code' in data ? [{ name: event, code: data['code'] }] : [],
    );
    expect(followed).toEqual(expected);
  }, 60_000);
});
