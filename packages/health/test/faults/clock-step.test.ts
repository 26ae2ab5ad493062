import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kyselyHealthStore, type Bucket } from '../../src/index.js';
import { receiver, staged } from '../support/staged.js';

const hour = 3_600_000;
const total = (all: Readonly<Record<string, number>>): number => Object.values(all).reduce((sum, it) => sum + it, 0);

describe.each([
  ['forward', hour],
  ['back', -hour],
])('a wall clock that is set an hour %s', (_, step) => {
  it('changes no status, loses no check, and sums up no more time than there is', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const it = await staged((clock) => kyselyHealthStore(database, { clock }));
    const { clock, health, scope, register, becomes, probed, until } = it;
    const told: string[] = [];
    health.events.on('endpoint.status_changed', ({ data }) => void told.push(`${data.name} ${data.to}`));
    const [steady, failing] = [await register('steady'), await register('failing')];
    await becomes(steady, 'healthy');
    await becomes(failing, 'offline');
    await clock.advance(120_000);
    const before = probed.length;
    clock.set(clock.now() + step);
    await clock.advance(120_000);
    // At its cadence, neither skipped nor made up for: 24 of each.
    expect(probed.length - before).toBeGreaterThanOrEqual(46);
    expect(probed.length - before).toBeLessThanOrEqual(50);
    expect(told.toSorted()).toEqual(['failing healthy', 'failing offline', 'steady healthy']);
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
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const { clock, scope, store, register, becomes, until } = await staged((it) =>
      kyselyHealthStore(database, { clock: it }),
    );
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
});
