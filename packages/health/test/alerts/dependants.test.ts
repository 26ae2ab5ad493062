import { describe, expect, it } from 'vitest';
import { alerting, stores, toldIn } from '../support/alerting.js';

describe.each(stores)('alerts of what depends on others %s', (_, makeStore) => {
  const stage = alerting(makeStore);

  it('are held for what depends on something that is in trouble, and say whose it is', async () => {
    const { hook, scope, register, states, until, passes, timelineOf, becomes } = await stage();
    const router = await register('router');
    const behind = await register('behind', { dependsOn: [router.id] });
    await becomes(router, 'healthy');
    await becomes(behind, 'healthy');
    states.set('router', 'offline');
    await becomes(behind, 'offline');
    await until(() => hook.received.length > 0);
    await passes(60_000);
    expect(toldIn(hook.received)).toEqual(['opened router']);
    const [incident] = (await scope.incidents.list({ endpointId: behind.id })).items;
    expect(incident?.suppressedBy).toEqual({ endpointId: router.id, name: 'router' });
    expect(await timelineOf(behind.id)).toContain('held Held while "router" is in trouble');
    // The router is up again, and what lies behind is not.
    await becomes(router, 'healthy');
    // Which of the two is told first is a matter of what each waits for.
    await until(() => toldIn(hook.received).length === 3);
    expect(toldIn(hook.received).toSorted()).toEqual(['opened behind', 'opened router', 'resolved router']);
  });

  it('tell of a child by itself once its parent is removed', async () => {
    const { hook, scope, register, until, becomes } = await stage({}, { groupWait: 0 });
    const router = await register('router');
    const behind = await register('behind', { dependsOn: [router.id] });
    await becomes(behind, 'healthy');
    await becomes(router, 'offline');
    await until(() => hook.received.length === 1);
    await scope.endpoints.remove(router.id);
    await becomes(behind, 'offline');
    const told = () => toldIn(hook.received);
    await until(() => told().length === 3);
    expect(told().toSorted()).toEqual(['opened behind', 'opened router', 'resolved router']);
  });

  it('ask a parent before anybody is told of its child', async () => {
    const { scope, register, states, probed, becomes, until } = await stage();
    const router = await register('router', { checkInterval: 3_600 });
    const behind = await register('behind', { dependsOn: [router.id] });
    await becomes(router, 'healthy');
    await becomes(behind, 'healthy');
    const before = probed.filter((name) => name === 'router').length;
    states.set('router', 'offline');
    await becomes(behind, 'offline');
    await until(async () => (await scope.endpoints.get(router.id)).lastStatus === 'offline', 10);
    expect(probed.filter((name) => name === 'router').length).toBeGreaterThan(before);
  });

  it('wait for a parent to be looked at, before its child is told of', async () => {
    const { hook, register, states, until, passes, becomes } = await stage({}, { groupWait: 0 });
    // It was looked at just before its child fails, and is asked again only a while later.
    const router = await register('router', { checkInterval: 3_600, recheckInterval: 20 });
    const behind = await register('behind', { dependsOn: [router.id] });
    await becomes(router, 'healthy');
    await becomes(behind, 'healthy');
    states.set('router', 'offline');
    await becomes(behind, 'offline');
    await until(() => hook.received.length > 0);
    await passes(60_000);
    expect(toldIn(hook.received)).toEqual(['opened router']);
  });

  it('tell of a child at once when its parent is well, and when it is paused', async () => {
    const { hook, scope, clock, register, until, becomes } = await stage({}, { groupWait: 0 });
    const router = await register('router');
    const behind = await register('behind', { dependsOn: [router.id] });
    await becomes(router, 'healthy');
    for (let second = 0; second < 60; second++) await clock.advance(1_000);
    await becomes(behind, 'offline');
    await until(() => hook.received.length === 1);
    expect(toldIn(hook.received)).toEqual(['opened behind']);
    await becomes(behind, 'healthy');
    await scope.endpoints.pause(router.id);
    await becomes(behind, 'offline');
    await until(() => hook.received.length === 3);
    expect(toldIn(hook.received).at(-1)).toBe('opened behind');
  });

  // https://github.com/rajnandan1/kener/issues/493: failures that are never so many in a row told nobody.
});
