import { describe, expect, it } from 'vitest';
import { alerting, distinct, key, stores, toldIn } from '../support/alerting.js';

describe.each(stores)('alerts that nobody takes %s', (_, makeStore) => {
  const stage = alerting(makeStore);

  it('give up after many attempts, show it, and try again when asked to', async () => {
    const { hook, scope, register, becomes, until, channelId } = await stage({}, { groupWait: 0 });
    hook.is.status = 500;
    const web = await register('web');
    await becomes(web, 'offline');
    await until(async () => (await scope.alerts.undelivered()).items.length > 0, 60_000);
    const [given] = (await scope.alerts.undelivered()).items;
    const { id } = JSON.parse(hook.received[0]?.text ?? '') as { id: string };
    expect(given).toMatchObject({ id, channelId, attempts: 20 });
    expect(hook.received).toHaveLength(20);
    hook.is.status = 200;
    await scope.alerts.retry(given?.id ?? '');
    await until(() => hook.received.length === 21);
    expect(new Set(hook.received.map(({ text }) => text)).size).toBe(1);
    await until(async () => (await scope.alerts.undelivered()).items.length === 0);
    await expect(scope.alerts.retry(given?.id ?? '')).rejects.toMatchObject({ code: 'UNDELIVERED_NOT_FOUND' });
  });

  it('that are refused are given up within minutes, and those behind them are told', async () => {
    const { hook, clock, scope, register, becomes, until } = await stage({}, { groupWait: 0 });
    hook.is.refuses = /"bad"/;
    const [bad, good] = [await register('bad'), await register('good')];
    await becomes(bad, 'offline');
    await until(() => hook.received.length > 0);
    await becomes(good, 'offline');
    const failedAt = clock.now();
    await until(() => toldIn(hook.received).includes('opened good'), 1_000);
    expect(clock.now() - failedAt).toBeLessThan(180_000);
    expect((await scope.alerts.undelivered()).items).toMatchObject([{ attempts: 7 }]);
    expect(hook.received).toHaveLength(8);
  });

  it('that fail again and again let others pass within minutes, and what is about the same incident waits for them', async () => {
    const { hook, clock, scope, register, becomes, until, passes } = await stage({}, { groupWait: 0 });
    hook.is.fails = /"bad"/;
    const [bad, good, late] = [await register('bad'), await register('good'), await register('late')];
    await becomes(bad, 'offline');
    await until(() => hook.received.length > 0);
    await becomes(good, 'offline');
    const failedAt = clock.now();
    await until(() => toldIn(hook.received).includes('opened good'), 1_000);
    expect(clock.now() - failedAt).toBeLessThan(180_000);
    await becomes(bad, 'healthy');
    await becomes(late, 'offline');
    await until(() => toldIn(hook.received).includes('opened late'), 1_000);
    for (let minute = 0; minute < 10; minute++) await passes(60_000);
    expect(toldIn(distinct(hook.received))).toEqual(['opened bad', 'opened good', 'opened late']);
    expect((await scope.alerts.undelivered()).items).toEqual([]);
    hook.is.fails = undefined;
    await until(() => toldIn(hook.received).includes('resolved bad'), 5_000);
    expect(toldIn(hook.received).slice(-2)).toEqual(['opened bad', 'resolved bad']);
    expect(new Set(hook.received.map(({ text }) => text)).size).toBe(4);
  });

  it('that were given up tell at once what came meanwhile', async () => {
    const { hook, scope, register, becomes, until } = await stage({}, { groupWait: 0 });
    hook.is.fails = /"opened"/;
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length > 0);
    await becomes(web, 'healthy');
    await until(() => toldIn(hook.received).includes('resolved web'), 60_000);
    expect(hook.received).toHaveLength(21);
    const [given] = (await scope.alerts.undelivered()).items;
    expect(given).toMatchObject({ attempts: 20 });
  });

  it('that are tried again by hand are told before what comes meanwhile', async () => {
    const { hook, scope, register, becomes, until, passes } = await stage({}, { groupWait: 0 });
    hook.is.fails = /"opened"/;
    const web = await register('web');
    await becomes(web, 'critical');
    await until(async () => (await scope.alerts.undelivered()).items.length > 0, 60_000);
    const [given] = (await scope.alerts.undelivered()).items;
    await scope.alerts.retry(given?.id ?? '');
    await until(() => hook.received.length > 20);
    await becomes(web, 'healthy');
    await passes(10_000);
    hook.is.fails = undefined;
    await until(() => toldIn(hook.received).includes('resolved web'), 1_000);
    expect(toldIn(distinct(hook.received))).toEqual(['opened web', 'resolved web']);
    expect(toldIn(hook.received).at(-2)).toBe('opened web');
  });

  it('whose process died at every attempt are told again like others that were given up', async () => {
    const it = await stage({ reminderInterval: 600 }, { groupWait: 0 });
    it.hook.is.status = 'hangs';
    await it.becomes(await it.register('web'), 'offline');
    await it.until(() => it.hook.received.length === 1);
    const stopped = it.health.stop();
    await it.passes(60_000);
    await stopped;
    for (let attempt = 2; attempt <= 20; attempt++) {
      await it.store.outbox.claim({ subscribers: ['health-messenger'], limit: 10, leaseMs: 1_000 });
      await it.passes(1_000);
    }
    it.hook.is.status = 204;
    await it.health.start();
    await it.until(async () => (await it.scope.alerts.undelivered()).items.length === 1);
    expect((await it.scope.alerts.undelivered()).items).toMatchObject([{ reason: 'DELIVERY_NEVER_SETTLED' }]);
    await it.until(() => it.hook.received.length === 2, 10_000);
    expect(toldIn(it.hook.received)).toEqual(['opened web', 'opened web']);
  });

  it('that were given up are told again when there would be something to remind of', async () => {
    const { hook, clock, scope, register, becomes, until } = await stage({ reminderInterval: 600 }, { groupWait: 0 });
    hook.is.status = 400;
    await becomes(await register('web'), 'offline');
    await until(async () => (await scope.alerts.undelivered()).items.length === 1, 1_000);
    const givenUpAt = clock.now();
    hook.is.status = 204;
    const { length } = hook.received;
    await until(() => hook.received.length > length, 10_000);
    expect(clock.now() - givenUpAt).toBeGreaterThan(500_000);
    expect(toldIn(hook.received.slice(length, length + 1))).toEqual(['opened web']);
    await until(() => toldIn(hook.received).includes('reminder web'), 10_000);
  });

  it('that were given up are listed by the page, and each is retried or removed by its id', async () => {
    const { hook, health, scope, register, becomes, until, channelId } = await stage({}, { groupWait: 0 });
    hook.is.status = 500;
    const second = await scope.channels.create({
      ...{ name: 'second', kind: 'webhook', config: { url: hook.url }, secrets: { key }, groupWait: 0 },
    });
    await scope.alerts.create({ name: 'second', channelIds: [second.id] });
    await becomes(await register('web'), 'offline');
    await until(async () => (await scope.alerts.undelivered()).items.length === 2, 60_000);
    const first = await scope.alerts.undelivered({ limit: 1 });
    const last = await scope.alerts.undelivered({ limit: 1, cursor: first.nextCursor ?? undefined });
    expect(last.nextCursor).toBeNull();
    const all = [...first.items, ...last.items];
    expect(all.map((it) => it.channelId).toSorted()).toEqual([channelId, second.id].toSorted());
    const [dropped, tried] = all.map(({ id }) => id) as [string, string];
    const other = health.scope({ tenantId: 'globex' }).alerts;
    await expect(other.discard(dropped)).rejects.toMatchObject({ code: 'UNDELIVERED_NOT_FOUND' });
    await scope.alerts.discard(dropped);
    await expect(scope.alerts.retry(dropped)).rejects.toMatchObject({ code: 'UNDELIVERED_NOT_FOUND' });
    hook.is.status = 200;
    const { length } = hook.received;
    await scope.alerts.retry(tried);
    await until(() => hook.received.length > length);
    await until(async () => (await scope.alerts.undelivered()).items.length === 0);
    expect(hook.received).toHaveLength(length + 1);
  });

  it('that were given up are forgotten after some time, with all that they would have said', async () => {
    const it = await stage({}, { groupWait: 0 }, { keptDays: { undelivered: 1 } });
    it.hook.is.status = 500;
    await it.becomes(await it.register('web'), 'offline');
    const undelivered = async () => (await it.scope.alerts.undelivered()).items;
    await it.until(async () => (await undelivered()).length === 1, 60_000);
    // All that happens within a day would be much to wait for: the clock jumps to its last hour.
    it.clock.set(it.clock.now() + 23 * 3_600_000);
    expect(await undelivered()).toHaveLength(1);
    await it.until(async () => (await undelivered()).length === 0, 600_000);
    expect(it.hook.received).toHaveLength(20);
  });
});
