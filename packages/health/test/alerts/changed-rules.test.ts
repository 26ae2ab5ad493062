import { describe, expect, it } from 'vitest';
import { alerting, stores, toldIn } from '../support/alerting.js';

describe.each(stores)('alerts whose rule or channel is changed %s', (_, makeStore) => {
  const stage = alerting(makeStore);

  it('tell a channel that is disabled nothing, whatever it waits for or was told before', async () => {
    const { hook, scope, register, becomes, until, passes, channelId } = await stage(
      { reminderInterval: 60 },
      { groupWait: 30 },
    );
    const [told, waiting, brief] = [await register('told'), await register('waiting'), await register('brief')];
    await becomes(told, 'offline');
    await becomes(brief, 'offline');
    await until(() => toldIn(hook.received).length === 2);
    await becomes(waiting, 'offline');
    await scope.channels.update(channelId, { enabled: false });
    await becomes(brief, 'healthy');
    for (let minute = 0; minute < 5; minute++) await passes(60_000);
    expect(toldIn(hook.received).toSorted()).toEqual(['opened brief', 'opened told']);
    // Once it is on again, what it knows of is told to its end, and what it never heard of is not.
    await scope.channels.update(channelId, { enabled: true });
    await until(() => toldIn(hook.received).length > 2, 5_000);
    expect(toldIn(hook.received)[2]).toBe('reminder told');
    await becomes(waiting, 'healthy');
    await becomes(told, 'healthy');
    await until(() => toldIn(hook.received).includes('resolved told'));
    expect(toldIn(hook.received).filter((it) => it.endsWith('waiting') || it === 'resolved brief')).toEqual([]);
  });

  it('do not try a message again once its channel is disabled', async () => {
    const { hook, scope, register, becomes, until, passes, channelId } = await stage({}, { groupWait: 0 });
    hook.is.status = 500;
    await becomes(await register('web'), 'offline');
    await until(() => hook.received.length === 2);
    await scope.channels.update(channelId, { enabled: false });
    for (let minute = 0; minute < 10; minute++) await passes(60_000);
    expect(hook.received).toHaveLength(2);
    expect((await scope.alerts.undelivered()).items).toEqual([]);
  });

  it.each([
    ['is disabled', { enabled: false }],
    ['asks for no reminders any more', { reminderInterval: null }],
    ['is of other tags now', { tags: ['edge'] }],
  ])('remind no more when their rule %s, and tell the end of what was told', async (_, changes) => {
    const { hook, scope, register, becomes, until, passes, ruleId } = await stage({ reminderInterval: 60 });
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 2, 5_000);
    await scope.alerts.update(ruleId, changes);
    for (let minute = 0; minute < 5; minute++) await passes(60_000);
    expect(toldIn(hook.received)).toEqual(['opened web', 'reminder web']);
    await becomes(web, 'healthy');
    await until(() => hook.received.length === 3);
    expect(toldIn(hook.received).at(-1)).toBe('resolved web');
  });

  it('of a rule that is removed end: what waits is not told, what was told is not reminded of', async () => {
    const { hook, scope, register, becomes, until, passes, ruleId } = await stage(
      { reminderInterval: 60 },
      { groupWait: 30 },
    );
    const [told, waiting] = [await register('told'), await register('waiting')];
    await becomes(told, 'offline');
    await until(() => hook.received.length === 1);
    await becomes(waiting, 'offline');
    await scope.alerts.remove(ruleId);
    for (let minute = 0; minute < 5; minute++) await passes(60_000);
    expect(toldIn(hook.received)).toEqual(['opened told']);
    await becomes(waiting, 'healthy');
    await becomes(told, 'healthy');
    await until(() => hook.received.length === 2, 1_000);
    expect(toldIn(hook.received)).toEqual(['opened told', 'resolved told']);
  });

  it('remind as a rule asks now, when that is more seldom than it was', async () => {
    const { hook, scope, register, becomes, until, passes, ruleId } = await stage({ reminderInterval: 60 });
    await becomes(await register('web'), 'offline');
    await until(() => hook.received.length === 2, 5_000);
    await scope.alerts.update(ruleId, { reminderInterval: 600 });
    for (let minute = 0; minute < 8; minute++) await passes(60_000);
    expect(hook.received).toHaveLength(2);
    await until(() => hook.received.length === 3, 5_000);
    expect(toldIn(hook.received).at(-1)).toBe('reminder web');
  });
});
