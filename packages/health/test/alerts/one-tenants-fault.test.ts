import { newId } from '@dotmac/core';
import { describe, expect, it } from 'vitest';
import { memoryHealthStore, type HealthStore } from '../../src/index.js';
import { receiver, staged } from '../support/staged.js';

/** Two tenants with a channel each, of which the rival's is due first. */
async function stage(wrap: (store: HealthStore) => HealthStore = (store) => store) {
  const it = await staged((clock) => wrap(memoryHealthStore({ clock })));
  const { health, scope, states, register, becomes, until } = it;
  const rival = health.scope({ tenantId: 'rival', actor: 'user:2' });
  const hooks = { acme: await receiver(), rival: await receiver() };
  for (const [tenant, of] of [
    ['acme', scope],
    ['rival', rival],
  ] as const) {
    const { id } = await of.channels.create({
      ...{ name: 'noc', kind: 'webhook', config: { url: hooks[tenant].url }, groupWait: 10 },
      secrets: { key: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
    });
    await of.alerts.create({ name: 'all', channelIds: [id] });
  }
  const names = Array.from({ length: 10 }, (_, number) => `web ${number}`);
  const webs = await Promise.all(names.map((name) => register(name)));
  for (const web of webs) await becomes(web, 'healthy');
  const of = { serviceType: 'played', checkInterval: 5, retryCount: 1, config: { name: 'theirs' } };
  const theirs = await rival.endpoints.register({ name: 'theirs', ...of });
  const allFail = async (): Promise<void> => {
    states.set('theirs', 'offline');
    await until(async () => (await rival.endpoints.get(theirs.id)).lastStatus === 'offline');
    for (const { name } of webs) states.set(name, 'offline');
  };
  const told = (tenant: keyof typeof hooks): number =>
    new Set(
      hooks[tenant].received.flatMap(({ text }) =>
        (JSON.parse(text) as { items: { incident_id: string }[] }).items.map((item) => item.incident_id),
      ),
    ).size;
  return { ...it, rival, webs, allFail, told };
}

describe('what is one tenant’s fault', () => {
  it('is no other’s: a window that cannot be reckoned lasts never, and loses nobody’s incidents', async () => {
    const { store, clock, scope, until, allFail, told, webs } = await stage();
    await store.tenant('rival').windows.insert({
      ...{ id: newId(), tenantId: 'rival', name: 'endless', tags: [], endpointIds: [] },
      ...{ startsAt: Date.parse('1990-01-01T00:00Z'), endsAt: null, cron: null, timeZone: 'UTC', duration: 3_600 },
      ...{ rrule: 'FREQ=DAILY;BYDAY=MO;COUNT=3000', createdAt: clock.now(), updatedAt: clock.now() },
    });
    await allFail();
    await until(() => told('acme') === webs.length && told('rival') === 1);
    expect((await scope.incidents.list()).items).toHaveLength(webs.length);
  });

  it('keeps no other tenant from being told, and is tried again', async () => {
    const is = { broken: true };
    const { until, allFail, told, webs } = await stage((store) => ({
      ...store,
      tenant(tenantId) {
        const tenant = store.tenant(tenantId);
        if (tenantId !== 'rival') return tenant;
        return {
          ...tenant,
          waitingAlerts: (...ask) =>
            is.broken ? Promise.reject(new Error('This is not one')) : tenant.waitingAlerts(...ask),
        };
      },
    }));
    await allFail();
    await until(() => told('acme') === webs.length);
    expect(told('rival')).toBe(0);
    is.broken = false;
    await until(() => told('rival') === 1);
  });
});
