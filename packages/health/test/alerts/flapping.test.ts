import { describe, expect, it } from 'vitest';
import type { EndpointStatus } from '../../src/index.js';
import { alerting, stores, toldIn } from '../support/alerting.js';

describe.each(stores)('alerts of what comes and goes %s', (_, makeStore) => {
  const stage = alerting(makeStore);

  it('tell once that an endpoint comes and goes though it is never down, with the share of failed checks, and once that it is over', async () => {
    const { hook, scope, states, probed, register, becomes, until, passes, health } = await stage({}, { groupWait: 0 });
    const happened: string[] = [];
    for (const name of ['incident.opened', 'incident.resolved'] as const)
      health.events.on(name, ({ data }) => void happened.push(`${name} ${data.code} ${data.text}`));
    const web = await register('web', { retryCount: 3 });
    await becomes(web, 'healthy');
    const checked = async (status: EndpointStatus): Promise<void> => {
      states.set('web', status);
      const before = probed.length;
      await until(() => probed.length > before);
    };
    for (let round = 0; round < 30; round++)
      for (const status of ['offline', 'healthy'] as const) await checked(status);
    await until(() => hook.received.length === 1);
    expect((await scope.endpoints.get(web.id)).lastStatus).toBe('healthy');
    expect(toldIn(hook.received)).toEqual(['opened web']);
    const begins = expect.stringMatching(/^It comes and goes: [34] of its last [78] checks failed$/) as string;
    expect(JSON.parse(hook.received[0]?.text ?? '')).toMatchObject({
      items: [{ severity: 'critical', code: 'flapping', message: begins }],
    });
    for (let round = 0; round < 20; round++) await checked('healthy');
    await until(() => hook.received.length === 2);
    await passes(5_000);
    expect(toldIn(hook.received)).toEqual(['opened web', 'resolved web']);
    expect(happened).toHaveLength(2);
    expect(happened[1]).toMatch(/^incident\.resolved ok Steady: \d of its last 20 checks failed$/);
    const incidents = await scope.incidents.list();
    expect(incidents.items).toMatchObject([{ status: 'resolved', code: 'flapping' }]);
    const { duration } = incidents.items[0] as { duration: number };
    expect(duration).toBeGreaterThan(60);
    expect(duration).toBeLessThan(1_000);
  });

  it('do not tell each time of what comes and goes', async () => {
    const { hook, scope, register, becomes, passes } = await stage({}, { groupWait: 0 });
    const web = await register('web');
    await becomes(web, 'healthy');
    for (let round = 0; round < 25; round++) {
      await becomes(web, 'offline');
      await becomes(web, 'healthy');
    }
    await passes(5_000);
    const before = hook.received.length;
    // Some before it was known to come and go; the last of them is still open.
    const { items } = await scope.incidents.list({ limit: 100 });
    expect(items.length).toBeLessThan(5);
    expect(items.filter(({ status }) => status === 'open')).toHaveLength(1);
    expect(before).toBe(2 * items.length - 1);
    for (let round = 0; round < 5; round++) {
      await becomes(web, 'offline');
      await becomes(web, 'healthy');
    }
    await passes(5_000);
    expect(hook.received.length).toBe(before);
  });
});
