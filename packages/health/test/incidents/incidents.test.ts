import { sqlite } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  createHealth,
  defineProbe,
  kyselyHealthStore,
  memoryHealthStore,
  Unreachable,
  WrongAnswer,
  type HealthStore,
  type ServiceTarget,
} from '../../src/index.js';

const acme = { tenantId: 'acme', actor: 'user:1' };

/** Health of one endpoint whose state the test decides. */
async function stage(store: HealthStore) {
  const clock = fakeClock();
  let is: 'healthy' | 'critical' | 'offline' = 'healthy';
  const played = defineProbe({
    serviceType: 'played',
    summary: 'Is what the test says',
    addressing: 'none',
    config: z.strictObject({ again: z.boolean().default(false) }),
    run() {
      if (is === 'critical') return Promise.reject(new WrongAnswer('It is wrong'));
      if (is === 'offline') return Promise.reject(new Unreachable('It is gone'));
      return Promise.resolve({ responseTimeMs: 1, message: 'It is well' });
    },
  });
  const health = createHealth({ store, clock, probes: [played] });
  const told: string[] = [];
  health.events.onAny(({ name }) => void (name.startsWith('incident') && told.push(name.slice('incident.'.length))));
  await health.start();
  onTestFinished(() => health.stop());
  const scope = health.scope(acme);
  const draft = { name: 'mail', serviceType: 'played', retryCount: 2, checkInterval: 5 };
  const { id } = await scope.endpoints.register(draft);
  const becomes = async (status: typeof is): Promise<void> => {
    is = status;
    await expect
      .poll(
        async () => {
          await clock.advance(1_000);
          return (await scope.endpoints.get(id)).lastStatus;
        },
        { interval: 5 },
      )
      .toBe(status);
  };
  const only = async () => (await scope.incidents.list()).items[0] ?? expect.unreachable();
  return { clock, health, scope, id, told, becomes, only };
}

describe.each([
  ['in memory', () => memoryHealthStore()],
  [
    'on SQLite',
    () => {
      const database = sqlite(':memory:');
      onTestFinished(() => database.close());
      return kyselyHealthStore(database);
    },
  ],
])('incidents %s', (_, makeStore) => {
  it('begin with the first failed check, worsen, and end with the first good one', async () => {
    const { scope, id, told, becomes, only } = await stage(makeStore());
    await becomes('healthy');
    expect((await scope.incidents.list()).items).toEqual([]);
    await becomes('critical');
    const opened = await only();
    expect(opened).toMatchObject({
      endpointId: id,
      endpointName: 'mail',
      status: 'open',
      severity: 'critical',
      message: 'It is wrong',
      resolvedAt: null,
      duration: null,
    });
    // Two checks were needed, a second apart.
    expect(opened.openedAt - opened.startedAt).toBeGreaterThanOrEqual(1_000);
    await becomes('offline');
    await becomes('healthy');
    const { timeline, ...story } = await scope.incidents.get(opened.id);
    expect(story).toMatchObject({ status: 'resolved', severity: 'offline' });
    expect(story.duration).toBe(((story.resolvedAt ?? 0) - story.startedAt) / 1_000);
    expect(story.timelineLeftOut).toBe(0);
    expect(timeline.map(({ kind, actor, text }) => [kind, actor, text])).toEqual([
      ['opened', 'system', 'It is wrong'],
      ['worsened', 'system', 'It is gone'],
      ['resolved', 'system', 'It is well'],
    ]);
    await expect.poll(() => told).toEqual(['opened', 'worsened', 'resolved']);
  });

  it('begin for a target that hangs, though its check never ends', async () => {
    const clock = fakeClock();
    const hanging: ServiceTarget = { serviceType: 'database', check: () => new Promise(() => undefined) };
    const health = createHealth({ store: makeStore(), clock, targets: { main: hanging } });
    await health.start();
    onTestFinished(async () => {
      const stopped = health.stop();
      await clock.advance(10_000);
      await stopped;
    });
    const { endpoints, incidents } = health.scope(acme);
    await endpoints.register({ name: 'main', serviceType: 'database', checkInterval: 30, config: { target: 'main' } });
    await expect
      .poll(async () => (await clock.advance(1_000), (await incidents.list()).items), { timeout: 20_000, interval: 5 })
      .toMatchObject([{ endpointName: 'main', severity: 'offline', code: 'check_stuck' }]);
  });

  it('are acknowledged, commented and resolved by people', async () => {
    const { scope, told, becomes, only } = await stage(makeStore());
    await becomes('offline');
    const { id } = await only();
    expect(await scope.incidents.acknowledge(id, { text: 'On my way' })).toMatchObject({
      status: 'acknowledged',
      acknowledgedBy: 'user:1',
    });
    expect((await scope.incidents.acknowledge(id)).timeline).toHaveLength(2);
    await scope.incidents.comment(id, { text: 'It is the fuse' });
    expect((await scope.incidents.resolve(id)).status).toBe('resolved');
    await expect(scope.incidents.resolve(id)).rejects.toMatchObject({ code: 'INCIDENT_RESOLVED' });
    await expect(scope.incidents.acknowledge(id)).rejects.toMatchObject({ code: 'INCIDENT_RESOLVED' });
    const { timeline } = await scope.incidents.comment(id, { text: 'For the record' });
    expect(timeline.map(({ kind, actor }) => `${kind} by ${actor}`)).toEqual([
      'opened by system',
      'acknowledged by user:1',
      'commented by user:1',
      'resolved by user:1',
      'commented by user:1',
    ]);
    await expect(scope.incidents.comment(id, { text: ' ' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    // What was ended by hand is not ended again, and another begins when it happens again.
    await becomes('healthy');
    await becomes('offline');
    expect((await scope.incidents.list()).items.map(({ status }) => status)).toEqual(['open', 'resolved']);
    await expect.poll(() => told.at(-1)).toBe('opened');
  });

  it('that were ended by hand do not come back with the next process that monitors', async () => {
    const store = makeStore();
    const { clock, health, scope, becomes, only } = await stage(store);
    await becomes('critical');
    const { id } = await only();
    await health.stop();
    const other = createHealth({ store, clock, monitoring: false });
    await other.start();
    await other.scope(acme).incidents.resolve(id);
    await other.stop();
    // Longer than changes of others are looked for.
    await clock.advance(40_000);
    await health.start();
    await becomes('offline');
    expect((await scope.incidents.list()).items.map(({ status }) => status)).toEqual(['open', 'resolved']);
  });

  it('are listed newest first, page by page, by status and endpoint', async () => {
    const { scope, id, becomes } = await stage(makeStore());
    for (let round = 0; round < 3; round++) {
      await becomes('offline');
      if (round < 2) await becomes('healthy');
    }
    const first = await scope.incidents.list({ limit: 2 });
    expect(first.items.map(({ status }) => status)).toEqual(['open', 'resolved']);
    const second = await scope.incidents.list({ limit: 2, cursor: first.nextCursor ?? '' });
    expect([second.items.length, second.nextCursor]).toEqual([1, null]);
    const count = async (filter: object) => (await scope.incidents.list(filter)).items.length;
    expect([await count({ status: 'unresolved' }), await count({ status: 'resolved' })]).toEqual([1, 2]);
    await scope.incidents.acknowledge(first.items[0]?.id ?? '');
    expect([await count({ status: 'open' }), await count({ status: 'acknowledged' })]).toEqual([0, 1]);
    expect([await count({ endpointId: id }), await count({ endpointId: 'other' })]).toEqual([3, 0]);
  });

  it('are nobody else’s', async () => {
    const { health, becomes, only } = await stage(makeStore());
    await becomes('offline');
    const { id } = await only();
    const { incidents } = health.scope({ tenantId: 'globex', actor: 'user:2' });
    const absent = { code: 'INCIDENT_NOT_FOUND' };
    await expect(incidents.get(id)).rejects.toMatchObject(absent);
    await expect(incidents.acknowledge(id)).rejects.toMatchObject(absent);
    await expect(incidents.comment(id, { text: 'x' })).rejects.toMatchObject(absent);
    await expect(incidents.resolve(id)).rejects.toMatchObject(absent);
    expect((await incidents.list()).items).toEqual([]);
    expect(await only()).toMatchObject({ status: 'open' });
  });

  it('outlive a restart and a pause, and end when their endpoint becomes another', async () => {
    const store = makeStore();
    const { health, scope, id, becomes, only } = await stage(store);
    await becomes('offline');
    const { id: incidentId } = await only();
    await scope.endpoints.pause(id);
    await scope.endpoints.resume(id);
    await health.stop();
    await health.start();
    await becomes('healthy');
    expect(await only()).toMatchObject({ id: incidentId, status: 'resolved' });
    await becomes('offline');
    const { id: second } = await only();
    expect(second).not.toBe(incidentId);
    // Its probe is part of its target; the host's own has no host that could change.
    await scope.endpoints.update(id, { serviceType: 'tcp', host: 'gw.example.com', port: 1 });
    const { timeline } = await scope.incidents.get(second);
    expect(timeline.at(-1)).toMatchObject({ kind: 'resolved', actor: 'user:1', text: 'The endpoint was changed' });
    expect(await scope.endpoints.get(id)).toMatchObject({ lastStatus: 'unknown' });
    await scope.endpoints.remove(id);
    await expect(scope.incidents.get(second)).rejects.toMatchObject({ code: 'INCIDENT_NOT_FOUND' });
    expect((await scope.incidents.list()).items).toEqual([]);
  });
});
