import { sqlite } from '@dotmac/core/kysely';
import type { FakeClock } from '@dotmac/core/testing';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { kyselyHealthStore, memoryHealthStore, type EndpointStatus, type HealthOptions } from '../../src/index.js';
import { receiver, staged, type Received } from '../support/staged.js';

const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Item {
  kind: string;
  incident_id: string;
  endpoint_name: string;
  severity: string;
  duration: number | null;
  text: string;
}
const messageOf = ({ text }: Received) => JSON.parse(text) as { id: string; type: string; text: string; items: Item[] };
/**
 * What came, once each, as a receiver counts that honours the id: where a test's steps are longer than a delivery may take,
 * a busy machine answers too late by the clock, and is told again.
 */
const distinct = (received: readonly Received[]): Received[] => {
  const ids = received.map(({ headers }) => headers['webhook-id']);
  return received.filter((_, index) => ids.indexOf(ids[index]) === index);
};
const toldIn = (received: readonly Received[]): string[] =>
  received.flatMap((it) => messageOf(it).items.map(({ kind, endpoint_name }) => `${kind} ${endpoint_name}`));

const stores = [
  ['in memory', (clock: FakeClock) => memoryHealthStore({ clock })],
  [
    'on SQLite',
    (clock: FakeClock) => {
      const database = sqlite(':memory:');
      onTestFinished(() => database.close());
      return kyselyHealthStore(database, { clock });
    },
  ],
] as const;

describe.each(stores)('alerts %s', (_, makeStore) => {
  /** A webhook that a rule tells of everything but what is merely slow. */
  async function stage(rule: object = {}, channel: object = {}, options: Partial<HealthOptions> = {}) {
    const hook = await receiver();
    const it = await staged(makeStore, options);
    const { id: channelId } = await it.scope.channels.create({
      name: 'noc',
      kind: 'webhook',
      config: { url: hook.url },
      secrets: { key },
      ...channel,
    });
    const { id: ruleId } = await it.scope.alerts.create({ name: 'all', channelIds: [channelId], ...rule });
    const passes = (ms: number) => it.clock.advance(ms);
    const timelineOf = async (endpointId: string) => {
      const [incident] = (await it.scope.incidents.list({ endpointId })).items;
      return (await it.scope.incidents.get(incident?.id ?? '')).timeline.map(({ kind, text }) => `${kind} ${text}`);
    };
    return { ...it, hook, channelId, ruleId, passes, timelineOf };
  }

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

  it('tell to its end what was told of an endpoint that is removed', async () => {
    const { hook, scope, register, becomes, until } = await stage({}, { groupWait: 0 });
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1);
    await scope.endpoints.remove(web.id);
    await until(() => hook.received.length === 2);
    expect(toldIn(hook.received)).toEqual(['opened web', 'resolved web']);
  });

  it('say what ended an incident, when it was no check: the trouble may go on', async () => {
    const { hook, scope, register, becomes, until } = await stage({}, { groupWait: 0 });
    const [hand, removed] = [await register('hand'), await register('removed')];
    for (const it of [hand, removed]) await becomes(it, 'offline');
    await until(() => toldIn(hook.received).length === 2);
    const [incident] = (await scope.incidents.list({ endpointId: hand.id })).items;
    await scope.incidents.resolve(incident?.id ?? '');
    await scope.endpoints.remove(removed.id);
    await until(() => toldIn(hook.received).length === 4);
    const ends = hook.received.flatMap((it) => messageOf(it).items).filter(({ kind }) => kind === 'resolved');
    const textOf = (name: string) => ends.find(({ endpoint_name }) => endpoint_name === name)?.text;
    expect(textOf('hand')).toMatch(/^The incident of hand was ended after .*, not by a check: it was ended by hand$/);
    expect(textOf('removed')).toMatch(/^The incident of removed was ended after .*, not by a check: .*removed/);
  });

  it('do not remind of an endpoint that is paused, until it is looked at again', async () => {
    const { hook, scope, register, becomes, until, passes } = await stage({ reminderInterval: 60 }, { groupWait: 0 });
    const web = await register('web');
    await becomes(web, 'offline');
    await until(() => hook.received.length === 1);
    await scope.endpoints.pause(web.id);
    for (let minute = 0; minute < 10; minute++) await passes(30_000);
    expect(toldIn(hook.received).filter((it) => it === 'reminder web')).toEqual([]);
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
});
