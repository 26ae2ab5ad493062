import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, kyselyHealthStore, memoryHealthStore, type HealthStore } from '../../src/index.js';
import { stores } from '../support/alerting.js';
import { staged } from '../support/staged.js';

describe.each(stores)('a heartbeat %s', (_, makeStore) => {
  async function stage(config: object = { period: 600, grace: 60 }) {
    const it = await staged(makeStore);
    const draft = { name: 'backup', serviceType: 'heartbeat', checkInterval: 3_600, config: { ...config } };
    const { id } = await it.scope.endpoints.register(draft);
    const { path } = await it.scope.heartbeats.get(id);
    const call = (signal?: string, from = path) => it.health.open.heartbeats.call(from.split('/').at(-1) ?? '', signal);
    const statusIs = (status: string) => it.until(async () => (await it.scope.endpoints.get(id)).lastStatus === status);
    return { ...it, id, path, call, statusIs };
  }

  it('is unknown until the job calls, well when it did, and offline soon after its grace', async () => {
    const { clock, scope, id, call, statusIs } = await stage();
    expect((await scope.endpoints.get(id)).lastStatus).toBe('unknown');
    await call();
    await statusIs('healthy');
    const calledAt = clock.now();
    await clock.advance(655_000);
    expect((await scope.endpoints.get(id)).lastStatus).toBe('healthy');
    // Though it is looked at once an hour: when it can be late is known.
    await statusIs('offline');
    expect(clock.now() - calledAt).toBeLessThan(670_000);
    const [incident] = (await scope.incidents.list()).items;
    expect(incident).toMatchObject({ endpointName: 'backup', message: 'The job did not call in time', status: 'open' });
    await call();
    await statusIs('healthy');
    expect((await scope.incidents.get(incident?.id ?? '')).status).toBe('resolved');
  });

  it('is offline as soon when it was renamed meanwhile, or its process began anew', async () => {
    const { clock, health, store, scope, id, call, statusIs, until } = await stage();
    await call();
    await statusIs('healthy');
    await scope.endpoints.update(id, { name: 'nightly backup' });
    await clock.advance(0);
    // Its slots lie an hour apart, and any may come sooner.
    expect((await scope.explain(id)).nextCheckAt).toBeLessThanOrEqual(clock.now() + 660_000);
    await health.stop();
    const next = createHealth({ store, clock });
    await next.start();
    onTestFinished(() => next.stop());
    const { explain } = next.scope({ tenantId: 'acme' });
    const nextCheckAt = async () => (await explain(id)).nextCheckAt ?? Infinity;
    await until(async () => (await nextCheckAt()) > clock.now());
    expect(await nextCheckAt()).toBeLessThanOrEqual(clock.now() + 660_000);
  });

  it('is critical when the job says so, by word or by exit status', async () => {
    const { clock, scope, id, call, statusIs } = await stage();
    await call('0');
    await statusIs('healthy');
    for (const signal of ['fail', '3']) {
      for (let count = 0; count < 3; count++) await call(signal);
      await statusIs('critical');
      // To begin again is not to be well again.
      await call('start');
      await clock.advance(60_000);
      expect((await scope.endpoints.get(id)).lastStatus).toBe('critical');
      expect((await scope.incidents.list({ status: 'unresolved' })).items).toHaveLength(1);
      await call('0');
      await statusIs('healthy');
    }
    expect((await scope.heartbeats.get(id)).pings.map(({ exitStatus }) => exitStatus)).toEqual([
      ...[0, null, 3, 3, 3, 0, null, null, null, null, 0],
    ]);
  });

  it('is what its last call says when clocks are set between the calls', async () => {
    const { clock, call, statusIs } = await stage();
    await call();
    await statusIs('healthy');
    for (const stepMs of [-3_600_000, 3_600_000, -3_600_000]) {
      clock.set(clock.now() + stepMs);
      await call('fail');
      await statusIs('critical');
      clock.set(clock.now() - 3_600_000);
      await call();
      await statusIs('healthy');
    }
  });

  it.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('is late when its time is over, though its clock was set an hour %s', async (_, stepMs) => {
    const { clock, scope, id, call, statusIs } = await stage();
    for (const by of [stepMs, -stepMs]) {
      await call();
      await statusIs('healthy');
      const calledAt = clock.monotonic();
      await clock.advance(60_000);
      clock.set(clock.now() + by);
      // It is looked at by then, for whatever reason.
      await scope.endpoints.update(id, { name: `backup ${by}` });
      await clock.advance(calledAt + 655_000 - clock.monotonic());
      expect((await scope.endpoints.get(id)).lastStatus).toBe('healthy');
      await statusIs('offline');
      expect(clock.monotonic() - calledAt).toBeLessThan(670_000);
    }
    expect((await scope.incidents.list()).items).toHaveLength(2);
  });

  it('is not late because the clock was set before the call was seen, which another process took', async () => {
    const { clock, store, scope, id, path, statusIs } = await stage({ period: 1_800, grace: 60 });
    const other = createHealth({ store, clock, monitoring: false, secret: 'a secret of thirty-two characters' });
    await other.start();
    onTestFinished(() => other.stop());
    await other.open.heartbeats.call(path.split('/').at(-1) ?? '');
    await statusIs('healthy');
    const calledAt = clock.monotonic();
    clock.set(clock.now() + 3_600_000);
    await scope.endpoints.update(id, { name: 'backup of the night' });
    await clock.advance(calledAt + 1_855_000 - clock.monotonic());
    expect((await scope.endpoints.get(id)).lastStatus).toBe('healthy');
    await statusIs('offline');
  });

  it('counts the calls of many at once, each of them', async () => {
    const { scope, id, call } = await stage();
    await Promise.all(Array.from({ length: 40 }, () => call('start')));
    expect((await scope.heartbeats.get(id)).pings).toHaveLength(40);
  });

  it('has a path that nobody can make up, and none that was replaced', async () => {
    const { scope, id, path, call, health } = await stage();
    const token = path.split('/').at(-1) ?? '';
    const refused = { code: 'HEARTBEAT_NOT_FOUND' };
    const forged = [`${token}x`, token.slice(0, -1), token.toUpperCase(), 'x', ''];
    for (const it of forged) await expect(health.open.heartbeats.call(it)).rejects.toMatchObject(refused);
    for (const signal of ['256', '-1', 'stop', '0x1', '1e2']) await expect(call(signal)).rejects.toMatchObject(refused);
    const { path: another } = await scope.heartbeats.rotate(id);
    await expect(call()).rejects.toMatchObject(refused);
    await call(undefined, another);
    await scope.endpoints.remove(id);
    await expect(call(undefined, another)).rejects.toMatchObject(refused);
    expect((await scope.endpoints.list()).items).toEqual([]);
  });

  it('is told in code as well', async () => {
    const { scope, id, statusIs } = await stage();
    await scope.heartbeats.ping(id);
    await statusIs('healthy');
  });

  it('of another tenant, or of what is none, is none', async () => {
    const { scope, health, id, register } = await stage();
    const rival = health.scope({ tenantId: 'rival', actor: 'user:2' });
    for (const attempt of [rival.heartbeats.get(id), rival.heartbeats.rotate(id), rival.heartbeats.ping(id)])
      await expect(attempt).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    const { id: web } = await register('web');
    await expect(scope.heartbeats.get(web)).rejects.toMatchObject({ code: 'NO_HEARTBEAT' });
  });
});

describe('a heartbeat', () => {
  it('that cannot be judged because the store fails is unknown, and nobody is alarmed', async () => {
    let isBroken = false;
    let refused = 0;
    const it = await staged((clock) => {
      const store = memoryHealthStore({ clock });
      const tenant = (tenantId: string): ReturnType<HealthStore['tenant']> => {
        const all = store.tenant(tenantId);
        const get: typeof all.heartbeats.get = (id) => {
          if (!isBroken) return all.heartbeats.get(id);
          refused += 1;
          return Promise.reject(new Error('connection lost'));
        };
        return { ...all, heartbeats: { ...all.heartbeats, get } };
      };
      return { ...store, tenant };
    });
    const { clock, scope, until } = it;
    const draft = { serviceType: 'heartbeat', checkInterval: 5, retryCount: 2, config: { period: 600, grace: 60 } };
    const { id } = await scope.endpoints.register({ name: 'backup', ...draft });
    const statusIs = (status: string) => until(async () => (await scope.endpoints.get(id)).lastStatus === status);
    await scope.heartbeats.ping(id);
    await statusIs('healthy');
    isBroken = true;
    await statusIs('unknown');
    // Beyond its grace: whether the job called, nobody can tell.
    await clock.advance(700_000);
    expect((await scope.endpoints.get(id)).lastStatus).toBe('unknown');
    expect(refused).toBeGreaterThan(2);
    expect((await scope.incidents.list()).items).toEqual([]);
    isBroken = false;
    await scope.heartbeats.ping(id);
    await statusIs('healthy');
    expect((await scope.incidents.list()).items).toEqual([]);
  });

  it('survives a restart, and holds nothing against a job that could not have called', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const first = await staged((clock) => kyselyHealthStore(database, { clock }));
    const config = { period: 600, grace: 60 };
    const { id } = await first.scope.endpoints.register({ name: 'backup', serviceType: 'heartbeat', config });
    await first.scope.heartbeats.ping(id);
    await first.until(async () => (await first.scope.endpoints.get(id)).lastStatus === 'healthy');
    await first.health.stop();
    const { clock } = first;
    await clock.advance(86_400_000);
    const next = createHealth({ store: kyselyHealthStore(database, { clock }), clock });
    await next.start();
    onTestFinished(() => next.stop());
    const scope = next.scope({ tenantId: 'acme' });
    await clock.advance(45_000);
    expect((await scope.endpoints.get(id)).lastStatus).toBe('healthy');
    await first.until(async () => (await scope.endpoints.get(id)).lastStatus === 'offline', 1_000);
  });
});
