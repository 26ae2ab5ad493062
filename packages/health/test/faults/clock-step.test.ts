import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kyselyHealthStore, type Bucket } from '../../src/index.js';
import { receiver, staged } from '../support/staged.js';

const hour = 3_600_000;
const minute = 60_000;
const total = (all: Readonly<Record<string, number>>): number => Object.values(all).reduce((sum, it) => sum + it, 0);

/** A monitor on SQLite. */
async function stage() {
  const database = sqlite(':memory:');
  onTestFinished(() => database.close());
  const it = await staged((clock) => kyselyHealthStore(database, { clock }));
  const { clock, health, scope, until } = it;
  const changes = new Map<string, string>();
  /** Takes up the changes of status that a process tells, in which all are told that run. */
  const follow = ({ events }: typeof health): void => {
    events.on('endpoint.status_changed', ({ id, data }) => void changes.set(id, `${data.name} ${data.to}`));
  };
  follow(health);
  /** The changes that were told, each once. */
  const changed = (): string[] => [...changes.values()].toSorted();
  /** A channel that is told of the endpoints with a tag. */
  const channel = async (tag: string, groupWait: number) => {
    const hook = await receiver();
    const secrets = { key: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };
    const { id } = await scope.channels.create({
      ...{ name: tag, kind: 'webhook', config: { url: hook.url }, secrets, groupWait },
    });
    await scope.alerts.create({ name: tag, channelIds: [id], tags: [tag] });
    /** What was taken, once for each id. */
    const told = () => {
      const messages = hook.received.map(({ text }) => JSON.parse(text) as { id: string; items: { kind: string }[] });
      return [...new Map(messages.map((it) => [it.id, it])).values()].flatMap(({ items }) =>
        items.map(({ kind }) => kind),
      );
    };
    return { ...hook, told };
  };
  /** How much time passes until something holds, ms. */
  const takes = async (holds: () => boolean | Promise<boolean>): Promise<number> => {
    const from = clock.monotonic();
    await until(holds);
    return clock.monotonic() - from;
  };
  return { ...it, database, follow, changed, channel, takes };
}

describe.each([
  ['forward', hour],
  ['back', -hour],
])('a wall clock that is set an hour %s', (_, step) => {
  it('changes no status, loses no check, and sums up no more time than there is', async () => {
    const { clock, database, health, scope, register, becomes, changed, probed, until } = await stage();
    const [steady, failing] = [await register('steady'), await register('failing')];
    await becomes(steady, 'healthy');
    await becomes(failing, 'offline');
    const { id: job } = await scope.endpoints.register({
      ...{ name: 'job', serviceType: 'heartbeat', checkInterval: 5, retryCount: 1, config: { period: 600, grace: 60 } },
    });
    await scope.heartbeats.ping(job);
    await clock.advance(120_000);
    const before = probed.length;
    clock.set(clock.now() + step);
    await clock.advance(120_000);
    // At its cadence, neither skipped nor made up for: 24 of each.
    expect(probed.length - before).toBeGreaterThanOrEqual(46);
    expect(probed.length - before).toBeLessThanOrEqual(50);
    expect(changed()).toEqual(['failing healthy', 'failing offline', 'job healthy', 'steady healthy']);
    await becomes(failing, 'healthy');
    await until(async () => (await scope.incidents.list({ status: 'resolved' })).items.length === 1);
    await health.stop();

    const store = kyselyHealthStore(database, { clock }).tenant('acme');
    for (const { id, name } of [steady, failing]) {
      const made = probed.filter((it) => it === name).length;
      for (const [resolution, lengthMs] of [
        ['minute', 60_000],
        ['hour', hour],
        ['day', 24 * hour],
      ] as const) {
        const buckets = await store.buckets(id, { resolution, from: 0, until: clock.now() + 2 * hour });
        const checks = buckets.reduce((sum, { counts }: Bucket) => sum + total(counts), 0);
        expect([name, resolution, checks]).toEqual([name, resolution, made]);
        for (const { durationMs } of buckets) expect(total(durationMs)).toBeLessThanOrEqual(lengthMs);
      }
    }
    const { items } = await store.incidents({ limit: 10, after: null, filter: {} });
    expect(items).toHaveLength(1);
    for (const { startedAt, openedAt, resolvedAt } of items) {
      expect(openedAt).toBeGreaterThanOrEqual(startedAt);
      expect(resolvedAt).toBeGreaterThanOrEqual(startedAt);
    }
    const shown = await scope.incidents.list();
    expect(JSON.stringify(shown)).not.toMatch(/"duration":-/);
  });

  it('loses no alert that waits for its group or is tried again, and tells none twice', async () => {
    const { clock, store, channel, register, becomes, until } = await stage();
    const [grouped, retried] = [await channel('grouped', 30), await channel('retried', 0)];
    retried.is.status = 503;
    const [waits, fails] = [
      await register('waits', { tags: ['grouped'] }),
      await register('fails', { tags: ['retried'] }),
    ];
    for (const endpoint of [waits, fails]) await becomes(endpoint, 'healthy');
    await becomes(fails, 'offline');
    await until(() => retried.received.length > 2);
    await becomes(waits, 'offline');
    await until(async () => (await store.dueAlerts(clock.now() + hour, 1)).length > 0, 100);
    expect(grouped.received).toHaveLength(0);
    const tried = retried.received.length;

    clock.set(clock.now() + step);
    retried.is.status = 200;
    const setAt = clock.monotonic();
    await until(() => grouped.received.length > 0, 1_000);
    expect(clock.monotonic() - setAt).toBeLessThan(120_000);
    await until(() => retried.received.length > tried, 1_000);
    expect(clock.monotonic() - setAt).toBeLessThan(120_000);
    for (const endpoint of [waits, fails]) await becomes(endpoint, 'healthy');
    await until(() => [grouped, retried].every(({ told }) => told().length > 1), 1_000);
    await clock.advance(120_000);
    for (const { told } of [grouped, retried]) expect(told()).toEqual(['opened', 'resolved']);
  });

  it('ends no sooner, and no later, what must last for a while to count', async () => {
    const { clock, scope, states, register, becomes, takes } = await stage();
    const endpoint = await register('lasting', { retryCount: 2, minErrorTime: 60 });
    await becomes(endpoint, 'healthy');
    const statusIs = async () => (await scope.endpoints.get(endpoint.id)).lastStatus;
    states.set('lasting', 'offline');
    await clock.advance(20_000);
    clock.set(clock.now() + step);
    await clock.advance(35_000);
    expect(await statusIs()).toBe('healthy');
    // It began to fail within 5 s.
    expect(await takes(async () => (await statusIs()) === 'offline')).toBeLessThanOrEqual(15_000);
  });

  it('is not heard over what the application tells of its traffic', async () => {
    const { clock, scope, register, becomes, takes } = await stage();
    const served = await register('served', { checkInterval: 3_600 });
    await becomes(served, 'healthy');
    await clock.advance(minute);
    clock.set(clock.now() + step);
    for (const [ok, status] of [
      [false, 'critical'],
      [true, 'healthy'],
    ] as const) {
      scope.record(served.id, { ok });
      expect(await takes(async () => (await scope.endpoints.get(served.id)).lastStatus === status)).toBeLessThanOrEqual(
        2_000,
      );
      await clock.advance(2_000);
    }
  });

  it('keeps nobody from being told of an endpoint though what that depends on is well', async () => {
    const { clock, store, channel, register, becomes, takes, until } = await stage();
    const hook = await channel('child', 30);
    const parent = await register('parent');
    await becomes(parent, 'healthy');
    const child = await register('child', { tags: ['child'], dependsOn: [parent.id] });
    await becomes(child, 'healthy');
    await clock.advance(minute);
    for (const by of [step, -step, 0]) {
      const sofar = hook.told().length;
      await becomes(child, 'offline');
      await until(async () => (await store.dueAlerts(clock.now() + hour, 1)).length > 0, 100);
      clock.set(clock.now() + by);
      expect(await takes(() => hook.told().length > sofar)).toBeLessThanOrEqual(2 * minute);
      await becomes(child, 'healthy');
      expect(await takes(() => hook.told().length > sofar + 1)).toBeLessThanOrEqual(2 * minute);
    }
    expect(hook.told()).toEqual(Array(3).fill(['opened', 'resolved']).flat());
  });

  it('has nobody told of an endpoint that only waits to be seen well after what it depends on', async () => {
    const { clock, scope, store, channel, register, becomes, until } = await stage();
    const hook = await channel('child', 0);
    const parent = await register('parent', { timeout: 30 });
    await becomes(parent, 'healthy');
    const child = await register('child', { tags: ['child'], dependsOn: [parent.id], timeout: 30 });
    await becomes(child, 'healthy');
    // Long enough ago to explain nothing.
    await clock.advance(minute);
    await becomes(parent, 'offline');
    await becomes(child, 'offline');
    await until(async () => (await store.dueAlerts(clock.now() + hour, 1)).some(({ held }) => held !== null));
    await becomes(parent, 'healthy');
    clock.set(clock.now() + step);
    await clock.advance(10_000);
    await becomes(child, 'healthy');
    await clock.advance(2 * minute);
    expect(hook.told()).toEqual([]);
    const [incident] = (await scope.incidents.list({ endpointId: child.id })).items;
    expect(incident?.status).toBe('resolved');
  });

  it.each(['while a standby waits that takes over then', 'while nothing runs'])(
    'changes no status %s',
    async (when) => {
      const { clock, health, another, register, becomes, follow, changed, channel, states, takes } = await stage();
      const hook = await channel('child', 0);
      const [steady, failing] = [await register('steady'), await register('failing')];
      const served = await register('served', { checkInterval: 3_600 });
      for (const endpoint of [steady, served]) await becomes(endpoint, 'healthy');
      await becomes(failing, 'offline');
      const child = await register('child', { tags: ['child'], dependsOn: [steady.id] });
      await becomes(child, 'healthy');
      await clock.advance(minute);
      const before = changed();
      expect(before).toEqual([
        'child healthy',
        'failing healthy',
        'failing offline',
        'served healthy',
        'steady healthy',
      ]);
      const standby = when === 'while a standby waits that takes over then' ? await another() : undefined;
      if (standby) follow(standby);
      else await health.stop();
      clock.set(clock.now() + step);
      await clock.advance(5_000);
      if (standby) await health.stop();
      const next = standby ?? (await another());
      if (!standby) follow(next);
      expect(await takes(() => next.monitoring().role === 'monitoring')).toBeLessThanOrEqual(5_000);
      await clock.advance(2 * minute);
      expect(changed()).toEqual(before);
      const own = next.scope({ tenantId: 'acme' });
      own.record(served.id, { ok: false });
      expect(
        await takes(async () => (await own.endpoints.get(served.id)).lastStatus === 'critical'),
      ).toBeLessThanOrEqual(2_000);
      states.set('child', 'offline');
      expect(await takes(() => hook.told().length > 0)).toBeLessThanOrEqual(2 * minute);
      expect(changed()).toEqual([...before, 'child offline', 'served critical'].toSorted());
    },
  );
});
