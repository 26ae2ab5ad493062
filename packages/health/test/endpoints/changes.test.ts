import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, kyselyHealthStore, memoryHealthStore } from '../../src/index.js';
import { acme, gateway, paths, quiet } from '../support/quiet.js';

describe('an endpoint that is named', () => {
  it('is there when it is named anew; what was named before may be gone', async () => {
    const { health, endpoints } = quiet();
    const [router, switch_, foreign] = [
      await endpoints.register({ ...gateway, name: 'router' }),
      await endpoints.register({ ...gateway, name: 'switch' }),
      await health.scope({ tenantId: 'globex', actor: 'user:2' }).endpoints.register(gateway),
    ];
    const { windows } = health.scope(acme);
    const behind = await endpoints.register({ ...gateway, dependsOn: [router.id] });
    const timing = { name: 'patching', startsAt: 0, endsAt: 1_000 };
    const window = await windows.create({ ...timing, endpointIds: [router.id] });
    const strangers = windows.create({ ...timing, endpointIds: [router.id, foreign.id, 'nobody'] });
    await expect(strangers).rejects.toMatchObject(paths('endpoint_ids.1', 'endpoint_ids.2'));

    await endpoints.remove(router.id);
    expect(await endpoints.update(behind.id, { name: 'web' })).toMatchObject({ name: 'web', dependsOn: [router.id] });
    const more = [router.id, switch_.id];
    expect(await endpoints.update(behind.id, { dependsOn: more })).toMatchObject({ dependsOn: more });
    const parents = endpoints.update(behind.id, { dependsOn: [router.id, foreign.id] });
    await expect(parents).rejects.toMatchObject(paths('depends_on.1'));
    expect(await windows.update(window.id, { name: 'later' })).toMatchObject({ name: 'later' });
    expect(await windows.update(window.id, { endpointIds: more })).toMatchObject({ endpointIds: more });
    const others = windows.update(window.id, { endpointIds: [router.id, foreign.id] });
    await expect(others).rejects.toMatchObject(paths('endpoint_ids.1'));
  });
});

describe('changes at the same time', () => {
  it('of an endpoint lose nothing of each other', async () => {
    const { endpoints } = quiet();
    const { id } = await endpoints.register(gateway);
    await Promise.all([
      endpoints.update(id, { name: 'other' }),
      endpoints.update(id, { tags: ['core'] }),
      endpoints.pause(id),
      endpoints.update(id, { checkInterval: 60 }),
    ]);
    const changed = { name: 'other', tags: ['core'], checkInterval: 60, pausedAt: expect.any(Number) as number };
    expect(await endpoints.get(id)).toMatchObject(changed);
    const [removed, late] = await Promise.allSettled([endpoints.remove(id), endpoints.update(id, { name: 'late' })]);
    expect([removed.status, late.status]).toEqual(['fulfilled', 'rejected']);
  });

  it('of an endpoint in two processes lose nothing of each other', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    for (const store of [memoryHealthStore(), kyselyHealthStore(database)]) {
      const process = async () => {
        const health = createHealth({ store, monitoring: false, secret: 'a secret of thirty-two characters' });
        await health.start();
        onTestFinished(() => health.stop());
        return health.scope(acme).endpoints;
      };
      const [one, other] = [await process(), await process()];
      const { id, updatedAt } = await one.register(gateway);
      const [paused, renamed, resumed] = await Promise.all([
        one.pause(id),
        other.update(id, { name: 'other' }),
        other.resume(id).then(() => one.update(id, { tags: ['core'] })),
      ]);
      const last = await one.get(id);
      expect(last).toMatchObject({ name: 'other', tags: ['core'] });
      // Each has a time of its own, by which the processes tell them apart.
      const times = new Set([updatedAt, paused.updatedAt, renamed.updatedAt, resumed.updatedAt]);
      expect(times.size).toBe(4);
      await Promise.all([one.pause(id), other.update(id, { name: 'third' })]);
      expect(await one.get(id)).toMatchObject({ name: 'third', pausedAt: expect.any(Number) as number });
    }
  });

  it('of a rule, a channel or a window lose nothing of each other', async () => {
    const { health } = quiet();
    const { alerts, channels, windows } = health.scope(acme);
    const hook = { kind: 'slack', secrets: { url: 'https://hooks.example.com/a' } };
    const { id: channelId } = await channels.create({ name: 'one', ...hook });
    const { id: ruleId } = await alerts.create({ name: 'one', channelIds: [channelId] });
    const { id: windowId } = await windows.create({ name: 'one', startsAt: 0, endsAt: 1_000 });
    await Promise.all([
      ...[channels.update(channelId, { name: 'two' }), channels.update(channelId, { groupWait: 5 })],
      ...[alerts.update(ruleId, { name: 'two' }), alerts.update(ruleId, { tags: ['core'] })],
      ...[windows.update(windowId, { name: 'two' }), windows.update(windowId, { tags: ['core'] })],
    ]);
    expect(await channels.get(channelId)).toMatchObject({ name: 'two', groupWait: 5, secretNames: ['url'] });
    expect(await alerts.get(ruleId)).toMatchObject({ name: 'two', tags: ['core'] });
    expect(await windows.get(windowId)).toMatchObject({ name: 'two', tags: ['core'] });
  });
});

describe('changing an endpoint', () => {
  it('changes what is given, and leaves the rest', async () => {
    const { endpoints } = quiet();
    const before = await endpoints.register({ ...gateway, tags: ['core'], retryCount: 5, config: { path: '/a' } });
    const after = await endpoints.update(before.id, { name: 'other', tags: ['edge', 'edge'], checkInterval: 60 });
    expect(after).toEqual({ ...before, name: 'other', tags: ['edge'], checkInterval: 60, updatedAt: after.updatedAt });
    expect(await endpoints.get(before.id)).toEqual(after);
    await endpoints.update(before.id, {});
    expect(await endpoints.get(before.id)).toMatchObject({ name: 'other', config: { path: '/a' } });
  });

  it('refuses what would not be taken as a whole, and changes nothing then', async () => {
    const { endpoints } = quiet();
    const before = await endpoints.register({ ...gateway, config: { path: '/a' } });
    await expect(endpoints.update(before.id, { serviceType: 'tcp' })).rejects.toMatchObject(paths('config'));
    await expect(endpoints.update(before.id, { port: null })).rejects.toMatchObject(paths('port'));
    await expect(endpoints.update(before.id, { host: '10.0.0.1' })).rejects.toMatchObject(paths('host'));
    await expect(endpoints.update('nobody', { name: 'x' })).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    const theirs = quiet().health.scope({ tenantId: 'globex' }).endpoints;
    await expect(theirs.update(before.id, { name: 'x' })).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    expect(await endpoints.get(before.id)).toEqual(before);
  });
});
