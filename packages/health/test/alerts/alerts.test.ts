import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { alerting, distinct, key, messageOf, stores, toldIn } from '../support/alerting.js';
import { receiver, type Received } from '../support/staged.js';

describe.each(stores)('alerts %s', (_, makeStore) => {
  const stage = alerting(makeStore);

  it('tell a webhook when something fails and when it is well again, signed, once each', async () => {
    const { hook, register, becomes, until, timelineOf } = await stage();
    const web = await register('web');
    await becomes(web, 'healthy');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1);
    const [first] = hook.received as [Received];
    const { items, text } = messageOf(first);
    expect(items).toMatchObject([{ kind: 'opened', endpoint_name: 'web', severity: 'offline', duration: null }]);
    expect(text).toMatch(/^web is offline since \d{4}-\d\d-\d\d \d\d:\d\d UTC: It is gone$/);
    expect(first.headers['webhook-id']).toBe(messageOf(first).id);
    await becomes(web, 'healthy');
    await until(() => hook.received.length === 2);
    expect(toldIn(hook.received)).toEqual(['opened web', 'resolved web']);
    expect(messageOf(hook.received[1] as Received).text).toMatch(/^web is well again after \d+ (min|s)/);
    await until(async () => (await timelineOf(web.id)).length === 4);
    expect(await timelineOf(web.id)).toEqual(['opened It is gone', 'told noc', 'resolved It is well', 'told noc']);
  });

  it('say in one message what fails within the group wait', async () => {
    const { hook, register, states, until } = await stage({}, { groupWait: 30 });
    const names = ['one', 'two', 'three'];
    for (const name of names) states.set(name, 'offline');
    for (const name of names) await register(name);
    await until(() => hook.received.length > 0);
    expect(toldIn(hook.received).sort()).toEqual(['opened one', 'opened three', 'opened two']);
    expect(messageOf(hook.received[0] as Received).text).toBe('3 offline');
  });

  it('say in one message what fails one after another within the group wait of the first', async () => {
    const { hook, clock, register, becomes, until } = await stage({}, { groupWait: 60 });
    const names = ['one', 'two', 'three', 'four'];
    const all = [];
    for (const name of names) all.push(await register(name));
    for (const it of all) await becomes(it, 'healthy');
    const first = clock.now();
    for (const it of all) await becomes(it, 'offline');
    const last = clock.now();
    expect(last - first).toBeLessThan(60_000);
    await until(() => clock.now() > last + 90_000, 1_000);
    expect(hook.received.map(({ text }) => messageOf({ text, headers: {} }).items.length)).toEqual([4]);
  });

  it('say that something was down, when it was well again before anybody could be told', async () => {
    const { hook, register, becomes, until, passes } = await stage({}, { groupWait: 60 });
    const web = await register('web');
    await becomes(web, 'offline');
    await becomes(web, 'healthy');
    await until(() => hook.received.length > 0);
    await passes(120_000);
    expect(toldIn(hook.received)).toEqual(['resolved web']);
    expect(messageOf(hook.received[0] as Received).text).toMatch(
      /^web is well again after .*; at its worst it was offline$/,
    );
  });

  it('say the same under the same id until the other side takes it, and then go on', async () => {
    const { hook, register, becomes, until, scope, channelId } = await stage({}, { groupWait: 0 });
    hook.is.status = 503;
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length >= 3, 1_000);
    expect(await scope.channels.get(channelId)).toMatchObject({ lastFailure: 'status_503', lastDeliveredAt: null });
    await becomes(web, 'healthy');
    hook.is.status = 204;
    await until(() => toldIn(hook.received).includes('resolved web'), 1_000);
    const bodies = new Map(hook.received.map(({ text }) => [messageOf({ text, headers: {} }).id, text]));
    // The receiver may have taken the first in spite of what it said: that is told to its end, and not changed.
    expect(bodies.size).toBe(2);
    expect(new Set(hook.received.map(({ text }) => text)).size).toBe(2);
    await until(async () => (await scope.channels.get(channelId)).failingSince === null);
  });

  it('are put together anew as long as nobody can have received them', async () => {
    const hook = await receiver();
    const it = await stage({}, { groupWait: 0, config: { url: 'http://127.0.0.1:1/nobody' } });
    const web = await it.register('web');
    await it.becomes(web, 'offline');
    await it.until(async () => (await it.scope.channels.get(it.channelId)).lastFailure === 'refused', 1_000);
    await it.becomes(web, 'healthy');
    await it.scope.channels.update(it.channelId, { config: { url: hook.url }, secrets: { key } });
    await it.until(() => hook.received.length > 0, 1_000);
    await it.passes(120_000);
    expect(toldIn(hook.received)).toEqual(['resolved web']);
  });

  it('are not put together anew once somebody may have received them, though nobody could later', async () => {
    const { hook, scope, register, becomes, until, channelId } = await stage({}, { groupWait: 30 });
    hook.is.status = 503;
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1);
    const failing = async (code: string) => (await scope.channels.get(channelId)).lastFailure === code;
    await until(() => failing('status_503'));
    await scope.channels.update(channelId, { config: { url: 'http://127.0.0.1:1/nobody' }, secrets: { key } });
    await until(() => failing('refused'), 1_000);
    await becomes(web, 'healthy');
    hook.is.status = 200;
    await scope.channels.update(channelId, { config: { url: hook.url }, secrets: { key } });
    await until(() => distinct(hook.received).length === 2, 1_000);
    const texts = new Map(hook.received.map((it) => [messageOf(it).id, new Set<string>()]));
    for (const it of hook.received) texts.get(messageOf(it).id)?.add(it.text);
    expect([...texts.values()].map(({ size }) => size)).toEqual([1, 1]);
    expect(toldIn(distinct(hook.received))).toEqual(['opened web', 'resolved web']);
  });

  it('remind of what nobody looks after, until somebody does', async () => {
    const { hook, register, becomes, until, passes, scope } = await stage({ reminderInterval: 600 });
    const web = await register('web');
    await becomes(web, 'critical');
    await until(() => hook.received.length === 3, 10_000);
    expect(toldIn(hook.received)).toEqual(['opened web', 'reminder web', 'reminder web']);
    const [incident] = (await scope.incidents.list()).items;
    await scope.incidents.acknowledge(incident?.id ?? '');
    for (let hour = 0; hour < 20; hour++) await passes(180_000);
    expect(hook.received).toHaveLength(3);
    await becomes(web, 'healthy');
    await until(() => hook.received.length === 4);
    expect(toldIn(hook.received).at(-1)).toBe('resolved web');
  });

  it('tell of what their rules mean: severities and tags', async () => {
    const { hook, register, becomes, until, passes } = await stage({ severities: ['offline'], tags: ['core'] });
    const edge = await register('edge', { tags: ['edge'] });
    const core = await register('core', { tags: ['core', 'bb'] });
    await becomes(edge, 'offline');
    await becomes(core, 'critical');
    await passes(60_000);
    expect(hook.received).toEqual([]);
    await becomes(core, 'offline');
    await until(() => hook.received.length > 0);
    expect(toldIn(hook.received)).toEqual(['opened core']);
  });

  it('tell that something is worse now', async () => {
    const { hook, register, becomes, until } = await stage({}, { groupWait: 0 });
    const web = await register('web');
    await becomes(web, 'critical');
    await until(() => hook.received.length === 1);
    await becomes(web, 'offline');
    await until(() => hook.received.length === 2);
    expect(toldIn(hook.received)).toEqual(['opened web', 'worsened web']);
  });

  it('are held while a window lasts, and what still fails then is told', async () => {
    const { clock, hook, scope, register, becomes, until, passes, timelineOf } = await stage();
    const now = clock.now();
    await scope.windows.create({ name: 'patching', startsAt: now - 1_000, endsAt: now + 3_600_000, tags: ['edge'] });
    const brief = await register('brief', { tags: ['edge'] });
    const long = await register('long', { tags: ['edge'] });
    await becomes(brief, 'offline');
    await becomes(long, 'offline');
    await becomes(brief, 'healthy');
    for (let step = 0; step < 18; step++) await passes(180_000);
    expect(hook.received).toEqual([]);
    await until(() => hook.received.length > 0, 20_000);
    expect(clock.now()).toBeGreaterThanOrEqual(now + 3_600_000);
    expect(toldIn(hook.received)).toEqual(['opened long']);
    expect(await timelineOf(long.id)).toContain('held Held while "patching" lasts');
  });

  it('remind of what is milder by now as that', async () => {
    const { hook, register, becomes, until } = await stage({ reminderInterval: 600 }, { groupWait: 0 });
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1);
    await becomes(web, 'critical');
    await until(() => hook.received.length === 2, 5_000);
    expect(messageOf(hook.received[1] as Received).text).toMatch(
      /^web is critical now; its trouble lasts since .*, at its worst it was offline$/,
    );
  });

  it('keep checks, and other channels, going while a receiver hangs', async () => {
    const { hook, scope, register, becomes, until, channelId } = await stage({}, { groupWait: 0 });
    const other = await receiver();
    const second = await scope.channels.create({
      name: 'second',
      kind: 'webhook',
      config: { url: other.url },
      secrets: { key },
      groupWait: 0,
    });
    await scope.alerts.create({ name: 'second', channelIds: [second.id] });
    hook.is.status = 'hangs';
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1 && other.received.length === 1);
    await becomes(web, 'healthy');
    await until(() => other.received.length === 2);
    await until(async () => (await scope.channels.get(channelId)).lastFailure === 'timeout', 1_000);
    hook.is.status = 200;
    await until(() => toldIn(hook.received).includes('resolved web'), 1_000);
  });

  it('are signed so that a receiver of Standard Webhooks believes them', async () => {
    // The receiver looks at the time too.
    const { hook, scope, channelId, clock } = await stage();
    await scope.channels.test(channelId);
    const [{ headers, text }] = hook.received as [Received];
    const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
    const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
    vi.useFakeTimers({ toFake: ['Date'], now: clock.now() });
    onTestFinished(() => void vi.useRealTimers());
    expect(new Webhook(key).verify(text, signed)).toMatchObject({ type: 'test', items: [] });
    expect(() => new Webhook(key).verify(`${text} `, signed)).toThrow();
  });

  it('tell of a budget that burns, as loudly as their rules ask, and when it does no more', async () => {
    const { hook, scope, clock, register, becomes, until } = await stage({
      ...{ severities: ['page'], tags: ['core'], reminderInterval: 1_800 },
    });
    const [web, other] = [
      await register('web', { tags: ['core'], checkInterval: 30 }),
      await register('other', { tags: ['edge'], checkInterval: 30 }),
    ];
    for (const it of [web, other]) await becomes(it, 'healthy');
    const { id: objectiveId } = await scope.objectives.create({ name: 'core', target: 0.99, tag: 'core' });
    await scope.objectives.create({ name: 'edge', target: 0.99, endpointId: other.id });
    for (let count = 0; count < 30; count++) await clock.advance(60_000);
    for (const it of [web, other]) await becomes(it, 'offline');
    const told = () => distinct(hook.received);
    await until(() => told().length > 0, 30_000);
    const [first] = messageOf(told()[0] as Received).items;
    expect(first).toMatchObject({ kind: 'opened', endpoint_id: null, endpoint_name: 'core', severity: 'page' });
    expect(first).toMatchObject({ objective: { objective_id: objectiveId, window_days: 28 } });
    expect(first?.text).toMatch(/^The 28-day budget of core burns [\d.]+ times too fast; \d+ % left$/);
    await until(() => told().length === 2, 60_000);
    expect(messageOf(told()[1] as Received).text).toMatch(/^The 28-day budget of core still burns too fast, since/);
    for (const it of [web, other]) await becomes(it, 'healthy');
    await until(() => told().length === 3, 60_000);
    const last = messageOf(told()[2] as Received);
    expect(last.items).toMatchObject([{ kind: 'resolved', incident_id: first?.incident_id }]);
    expect(last.text).toMatch(/^The 28-day budget of core burns too fast no more, after \d+ (min|h).*; \d+ % left$/);
    await clock.advance(3_600_000);
    expect(told()).toHaveLength(3);
  });
});
