import type { FakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, memoryHealthStore, type HealthStore } from '../../src/index.js';
import { receiver, staged } from '../support/staged.js';

const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** What is waited for until it is opened. */
function gate() {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** A process that monitors and tells a webhook, and another on its store that does not; each may be deaf to the other. */
async function stage() {
  const [hook, deaf] = [await receiver(), { leader: false, other: false }];
  let before: Promise<void> | undefined;
  let shared: HealthStore | undefined;
  const makeStore = (clock: FakeClock): HealthStore => {
    const inner = (shared = memoryHealthStore({ clock }));
    return {
      ...inner,
      transaction: async (work, join) => {
        const waited = before;
        before = undefined;
        await waited;
        return inner.transaction(work, join);
      },
      changesSince: (ask) => (deaf.leader ? Promise.resolve([]) : inner.changesSince(ask)),
    };
  };
  const it = await staged(makeStore, { checkIntervals: { min: 1 } });
  const { clock, scope, until } = it;
  const inner = shared ?? expect.unreachable();
  const store: HealthStore = {
    ...inner,
    statesSince: (...ask) => (deaf.other ? Promise.resolve([]) : inner.statesSince(...ask)),
  };
  const other = createHealth({ store, clock, monitoring: false });
  await other.start();
  onTestFinished(() => other.stop());
  const elsewhere = other.scope({ tenantId: 'acme', actor: 'user:2' });
  const channel = { name: 'noc', kind: 'webhook', config: { url: hook.url }, secrets: { key }, groupWait: 0 } as const;
  const { id: channelId } = await scope.channels.create(channel);
  await scope.alerts.create({ name: 'all', channelIds: [channelId], reminderInterval: 60 });
  const web = await it.register('web', { checkInterval: 1 });
  await it.becomes(web, 'healthy');
  await until(() => elsewhere.summary().details.length === 1);
  const told = () =>
    hook.received.flatMap(({ text }) =>
      (JSON.parse(text) as { items: { kind: string }[] }).items.map((its) => its.kind),
    );
  const isOpen = async () =>
    (await inner.tenant('acme').incidents({ limit: 1, after: null, filter: {} })).items.length > 0;
  const probes = (count: number) => until(() => it.probed.length >= count);
  /** Has the next transaction wait before it begins. */
  const holdNext = () => {
    const { passed, open } = gate();
    before = passed;
    return open;
  };
  const remindersPass = async (): Promise<void> => {
    for (let second = 0; second < 150; second++) await clock.advance(1_000);
  };
  return { ...it, inner, elsewhere, web, holdNext, deaf, told, isOpen, probes, remindersPass };
}

describe('an endpoint that is removed', () => {
  it('elsewhere is told of by nobody, though it is found to be down before that is known here', async () => {
    const { elsewhere, web, deaf, states, probed, probes, told, remindersPass } = await stage();
    deaf.leader = true;
    await elsewhere.endpoints.remove(web.id);
    states.set('web', 'offline');
    await probes(probed.length + 3);
    deaf.leader = false;
    await remindersPass();
    expect(told()).toEqual([]);
  });

  it('elsewhere, where its incident is not known yet, is told of to its end', async () => {
    const { elsewhere, web, deaf, becomes, until, told, remindersPass } = await stage();
    deaf.other = true;
    await becomes(web, 'offline');
    await until(() => told().length === 1);
    await elsewhere.endpoints.remove(web.id);
    await remindersPass();
    expect(told()).toEqual(['opened', 'resolved']);
  });

  it('is told of by nobody when it is found to be down while that is written', async () => {
    const { inner, scope, web, states, probed, probes, told, remindersPass } = await stage();
    const writing = gate();
    const holding = inner.transaction(() => writing.passed);
    const removing = scope.endpoints.remove(web.id);
    states.set('web', 'offline');
    await probes(probed.length + 3);
    writing.open();
    await Promise.all([holding, removing]);
    await remindersPass();
    expect(told()).toEqual([]);
  });

  it('is told of to its end when that was told which began just before', async () => {
    const { scope, web, states, holdNext, isOpen, until, told, remindersPass } = await stage();
    const letGo = holdNext();
    const removing = scope.endpoints.remove(web.id);
    states.set('web', 'offline');
    await until(async () => (await isOpen()) && told().length === 1);
    letGo();
    await removing;
    await remindersPass();
    expect(told()).toEqual(['opened', 'resolved']);
  });
});

describe('an incident that is ended by hand in another process', () => {
  it('is told as over, and of no more, though its endpoint is found to be worse before that is known here', async () => {
    const { elsewhere, scope, web, deaf, states, becomes, probed, probes, until, told, remindersPass } = await stage();
    await becomes(web, 'critical');
    await until(() => told().length === 1);
    const [open] = (await scope.incidents.list()).items;
    deaf.leader = true;
    await elsewhere.incidents.resolve(open?.id ?? '');
    states.set('web', 'offline');
    await probes(probed.length + 5);
    await until(async () => (await scope.endpoints.get(web.id)).lastStatus === 'offline');
    deaf.leader = false;
    await remindersPass();
    expect(told()).toEqual(['opened', 'resolved']);
    const { severity, timeline } = await scope.incidents.get(open?.id ?? '');
    expect([severity, ...timeline.map(({ kind }) => kind)]).not.toContain('worsened');
  });
});

describe('an endpoint that is paused while it is found to be down', () => {
  it('is in that incident until it is well again', async () => {
    const { scope, web, states, holdNext, isOpen, becomes, until, told } = await stage();
    const letGo = holdNext();
    const pausing = scope.endpoints.pause(web.id);
    states.set('web', 'offline');
    await until(async () => (await isOpen()) && told().length === 1);
    letGo();
    expect(await pausing).toMatchObject({ lastStatus: 'unknown' });
    await scope.endpoints.resume(web.id);
    await becomes(web, 'healthy');
    expect((await scope.incidents.list()).items.map(({ status }) => status)).toEqual(['resolved']);
    await until(() => told().length === 2);
    expect(told()).toEqual(['opened', 'resolved']);
  });
});
