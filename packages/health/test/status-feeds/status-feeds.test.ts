import { sqlite } from '@dotmac/core/kysely';
import type { FakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, kyselyHealthStore, memoryHealthStore, publicStatus, type HealthStore } from '../../src/index.js';
import { staged } from '../support/staged.js';

const onSqlite = (clock: FakeClock) => {
  const database = sqlite(':memory:');
  onTestFinished(() => database.close());
  return kyselyHealthStore(database, { clock });
};
const stores = [
  ['in memory', (clock: FakeClock) => memoryHealthStore({ clock })],
  ['on SQLite', onSqlite],
] as const;
const gone = { code: 'STATUS_NOT_FOUND', details: {} };

async function stage(makeStore: (clock: FakeClock) => HealthStore) {
  const it = await staged(makeStore);
  const open = it.health.open.statusFeeds;
  const tokenOf = ({ path }: { path: string }) => path.split('/').at(-1) ?? '';
  return { ...it, open, tokenOf };
}

describe.each(stores)('a status feed %s', (_, makeStore) => {
  it('shows states, uptime, incidents and windows, and nothing else', async () => {
    const { clock, scope, open, tokenOf, register, becomes } = await stage(makeStore);
    const web = await register('db-secret.internal', { tags: ['edge-tag'] });
    const api = await register('API', { tags: ['edge-tag'] });
    await register('not shown', { tags: ['other'] });
    await becomes(web, 'healthy');
    await becomes(api, 'healthy');
    const draft = {
      ...{ name: 'an internal name', title: 'Example Networks' },
      ...{ tags: ['edge-tag'], endpoints: [{ id: web.id, displayName: 'Web' }] },
    };
    const token = tokenOf(await scope.statusFeeds.create(draft));
    expect(await open.read(token)).toMatchObject({ status: 'healthy', incidents: [], maintenance: [] });
    await clock.advance(30 * 60_000);
    await becomes(web, 'offline');
    await clock.advance(10 * 60_000);
    const [startsAt, endsAt] = [clock.now() + 60_000, clock.now() + 120_000];
    await scope.windows.create({ name: 'patching host db-1', startsAt, endsAt, tags: ['edge-tag'] });
    await scope.windows.create({ name: 'elsewhere', startsAt, endsAt, tags: ['other'] });
    await clock.advance(61_000);

    const told = await open.read(token);
    expect(publicStatus.encode(told)).toMatchObject({ title: 'Example Networks' });
    expect(told.status).toBe('critical');
    expect(told.endpoints.map(({ name, status }) => [name, status])).toEqual([
      ['Web', 'offline'],
      ['API', 'healthy'],
    ]);
    const [shownWeb, shownApi] = told.endpoints;
    expect(shownWeb?.uptime24h).toBeGreaterThan(70);
    expect(shownWeb?.uptime24h).toBeLessThan(80);
    expect(shownApi?.uptime30d).toBe(100);
    expect(told.uptime7d).toBeCloseTo((100 + (shownWeb?.uptime7d ?? 0)) / 2, 0);
    const incident = (await scope.incidents.list()).items[0];
    expect(told.incidents).toEqual([
      { key: shownWeb?.key, name: 'Web', severity: 'offline', startedAt: incident?.startedAt },
    ]);
    expect(told.maintenance).toEqual([{ startsAt, endsAt, lasts: true, keys: [shownWeb?.key, shownApi?.key] }]);
    const text = JSON.stringify(told);
    const secrets = [
      web.id,
      api.id,
      incident?.id ?? '',
      'acme',
      'internal',
      'edge-tag',
      'It is gone',
      'patching',
      token,
    ];
    for (const secret of secrets) expect(text).not.toContain(secret);
  });

  it('has badges of itself and of each endpoint, by status and by uptime', async () => {
    const { clock, scope, open, tokenOf, register, becomes } = await stage(makeStore);
    const [web, other] = [await register('W<eb', { tags: ['a'] }), await register('other', { tags: ['b'] })];
    await becomes(web, 'critical');
    await becomes(other, 'healthy');
    const token = tokenOf(await scope.statusFeeds.create({ name: 'a', title: 'Shop', tags: ['a', 'b'] }));
    const strange = tokenOf(await scope.statusFeeds.create({ name: 'b', title: 'Other', tags: ['b'] }));
    await clock.advance(180_000);
    const { endpoints } = await open.read(token);
    const key = endpoints.find(({ name }) => name === 'W<eb')?.key;
    expect(await open.badge(token)).toContain('aria-label="Shop: critical"');
    expect(await open.badge(token, { key })).toContain('aria-label="W&lt;eb: critical"');
    expect(await open.badge(token, { show: 'uptime24h', key })).toMatch(/aria-label="W&lt;eb 24 h: [\d.]+ %"/);
    await expect(open.badge(strange, { key })).rejects.toMatchObject(gone);
    await expect(open.badge(token, { key: web.id })).rejects.toMatchObject(gone);
  });

  it('is read by its token alone, and not by one that was replaced', async () => {
    const { scope, open, tokenOf, register } = await stage(makeStore);
    await register('web', { tags: ['a'] });
    const made = await scope.statusFeeds.create({ name: 'a', title: 'Shop', tags: ['a'] });
    const token = tokenOf(made);
    expect((await open.read(token)).title).toBe('Shop');
    for (const forged of [`${token}x`, token.slice(1), token.toUpperCase(), made.id, ''])
      await expect(open.read(forged)).rejects.toMatchObject(gone);
    const another = tokenOf(await scope.statusFeeds.rotate(made.id));
    await expect(open.read(token)).rejects.toMatchObject(gone);
    await scope.statusFeeds.update(made.id, { title: 'Store' });
    expect((await open.read(another)).title).toBe('Store');
    await scope.statusFeeds.remove(made.id);
    await expect(open.read(another)).rejects.toMatchObject(gone);
    await expect(open.badge(another)).rejects.toMatchObject(gone);
  });

  it('leaves no token behind, whatever is done to it at once', async () => {
    const { scope, open, tokenOf, register } = await stage(makeStore);
    await register('web', { tags: ['a'] });
    for (let round = 0; round < 5; round++) {
      const made = await scope.statusFeeds.create({ name: 'a', title: 'Shop', tags: ['a'] });
      const turning = Array.from({ length: 4 }, () => scope.statusFeeds.rotate(made.id));
      const outcomes = await Promise.allSettled([...turning, scope.statusFeeds.remove(made.id), ...turning]);
      const tokens = [
        made,
        ...outcomes.flatMap((it) => (it.status === 'fulfilled' && 'path' in it.value ? [it.value] : [])),
      ];
      for (const it of tokens) await expect(open.read(tokenOf(it))).rejects.toMatchObject(gone);
    }
    const kept = await scope.statusFeeds.create({ name: 'a', title: 'Shop', tags: ['a'] });
    const issued = await Promise.all(Array.from({ length: 5 }, () => scope.statusFeeds.rotate(kept.id)));
    const readable = await Promise.allSettled([kept, ...issued].map((it) => open.read(tokenOf(it))));
    expect(readable.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('shows its token once, its endpoints to its tenant alone, and is refused without any', async () => {
    const { scope, health, register } = await stage(makeStore);
    const web = await register('web', { tags: ['a'] });
    const { statusFeeds } = scope;
    const rival = health.scope({ tenantId: 'rival', actor: 'user:2' }).statusFeeds;
    const draft = { name: 'a', title: 'Shop' };
    for (const refused of [
      statusFeeds.create(draft),
      rival.create({ ...draft, endpoints: [{ id: web.id }] }),
      statusFeeds.create({ ...draft, tags: ['a'], endpoints: Array.from({ length: 101 }, () => ({ id: web.id })) }),
    ])
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const { path, badgePath, ...shown } = await statusFeeds.create({ ...draft, endpoints: [{ id: web.id }] });
    expect([path, badgePath]).toEqual([expect.stringMatching(/^\/public\/status\/[\w-]{32}$/), `${path}/badge.svg`]);
    expect(await statusFeeds.get(shown.id)).toEqual(shown);
    expect((await statusFeeds.list()).items).toEqual([shown]);
    const missing = { code: 'STATUS_FEED_NOT_FOUND' };
    for (const refused of [
      ...[rival.get(shown.id), rival.update(shown.id, { title: 'x' })],
      ...[rival.rotate(shown.id), rival.remove(shown.id)],
    ])
      await expect(refused).rejects.toMatchObject(missing);
    await expect(statusFeeds.update(shown.id, { endpoints: [] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    // What it lists may go: the rest can be changed still.
    await scope.endpoints.remove(web.id);
    expect((await statusFeeds.update(shown.id, { title: 'Store' })).title).toBe('Store');
    for (let count = 1; count < 50; count++) await statusFeeds.create({ ...draft, tags: ['a'] });
    await expect(statusFeeds.create({ ...draft, tags: ['a'] })).rejects.toMatchObject({
      code: 'STATUS_FEED_LIMIT_REACHED',
    });
  });
});

describe('reading a status feed', () => {
  it('can be written back as it was read though an endpoint of it is gone, and gives up its tags or its endpoints', async () => {
    const { scope, register } = await stage(onSqlite);
    const [web, api] = [await register('web', { tags: ['edge'] }), await register('api')];
    const draft = { name: 'feed', title: 'Feed', tags: ['edge'], endpoints: [{ id: web.id }, { id: api.id }] };
    const { id: feedId } = await scope.statusFeeds.create(draft);
    await scope.endpoints.remove(api.id);
    const { name, title, tags, endpoints } = await scope.statusFeeds.get(feedId);
    expect(await scope.statusFeeds.update(feedId, { name, title, tags, endpoints })).toMatchObject({ endpoints });
    expect(await scope.statusFeeds.update(feedId, { tags: [] })).toMatchObject({ tags: [], endpoints });
    const nothing = { code: 'INVALID_INPUT', issues: [{ path: 'endpoints' }] };
    await expect(scope.statusFeeds.update(feedId, { endpoints: [] })).rejects.toMatchObject(nothing);
    await scope.statusFeeds.update(feedId, { tags: ['edge'], endpoints: [] });
    await expect(scope.statusFeeds.update(feedId, { tags: [] })).rejects.toMatchObject(nothing);
    // What is gone and was given up is as any other that there is not.
    const ghost = { code: 'INVALID_INPUT', issues: [{ path: 'endpoints.0.id' }] };
    await expect(scope.statusFeeds.update(feedId, { endpoints: [{ id: api.id }] })).rejects.toMatchObject(ghost);
  });

  it('costs the store the same, however many read', async () => {
    const asked = { sums: 0, tokens: 0, windows: 0 };
    const { clock, scope, open, tokenOf, register } = await stage((clock) => {
      const store = memoryHealthStore({ clock });
      const { statusFeedTokens } = store;
      return {
        ...store,
        statusFeedTokens: { ...statusFeedTokens, get: (id) => (asked.tokens++, statusFeedTokens.get(id)) },
        windowsOf: (...ask) => (asked.windows++, store.windowsOf(...ask)),
        tenant(tenantId) {
          const tenant = store.tenant(tenantId);
          return {
            ...tenant,
            sums: (ids, span) => (asked.sums++, tenant.sums(ids, span)),
          };
        },
      };
    });
    for (let count = 0; count < 120; count++) await register(`web ${count}`, { tags: ['a'] });
    const token = tokenOf(await scope.statusFeeds.create({ name: 'a', title: 'Shop', tags: ['a'] }));
    const readers = () => Promise.all(Array.from({ length: 500 }, () => open.read(token)));
    asked.windows = 0;
    expect((await readers())[0]?.endpoints).toHaveLength(100);
    await readers();
    expect(asked).toMatchObject({ tokens: 1, windows: 1 });
    expect(asked.sums).toBeLessThanOrEqual(15);
    const before = asked.sums;
    for (let second = 0; second < 50; second++) {
      await clock.advance(1_000);
      await open.badge(token);
    }
    expect(asked.tokens).toBeLessThanOrEqual(11);
    expect(asked.sums).toBe(before);
  });

  it('sees within five seconds what another process did to it', async () => {
    let store: HealthStore | undefined;
    const { clock, scope, open, tokenOf, register } = await stage((clock) => (store = memoryHealthStore({ clock })));
    await register('web', { tags: ['a'] });
    const { id, ...made } = await scope.statusFeeds.create({ name: 'a', title: 'Shop', tags: ['a'] });
    const token = tokenOf(made);
    expect((await open.read(token)).title).toBe('Shop');
    const another = createHealth({ store: store as HealthStore, clock, monitoring: false });
    await another.scope({ tenantId: 'acme', actor: 'user:1' }).statusFeeds.rotate(id);
    await expect(another.open.statusFeeds.read(token)).rejects.toMatchObject(gone);
    await clock.advance(5_000);
    await expect(open.read(token)).rejects.toMatchObject(gone);
  });
});
