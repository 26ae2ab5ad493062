import { newId, silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import { memoryHealthStore, type HealthStore } from '../../src/index.js';
import type { AlertRecord } from '../../src/alerts/alert.js';
import { createDispatcher } from '../../src/alerts/dispatch.js';
import { channelKey, turnsOf } from '../../src/alerts/turns.js';

/** A dispatcher over alerts that a test makes due; what it puts into messages is noted in their order. */
function stage(wrap: (store: HealthStore) => HealthStore = (it) => it) {
  const clock = fakeClock();
  const store = wrap(memoryHealthStore({ clock }));
  const sent: { tenantId: string; channelId: string; messageId: string }[] = [];
  const dispatcher = createDispatcher({
    ...{ store, clock, logger: silentLogger, holdOf: () => Promise.resolve(undefined), isElsewhere: () => false },
    relay: {
      entriesOf([event]: { tenantId: string; subject: string; data: { messageId: string } }[]) {
        if (event) sent.push({ tenantId: event.tenantId, channelId: event.subject, messageId: event.data.messageId });
        return [];
      },
    } as never,
  });
  const channelOf = async (tenantId: string): Promise<string> => {
    const { channels, rules } = store.tenant(tenantId);
    const [id, at] = [newId(), clock.now()];
    const untried = { lastDeliveredAt: null, failingSince: null, lastFailure: null };
    const kept = { tenantId, name: 'noc', enabled: true, createdAt: at, updatedAt: at };
    await channels.insert({ ...kept, id, kind: 'webhook', config: {}, groupWait: 0, secrets: {}, ...untried });
    const all = { tags: [], severities: ['offline' as const], reminderInterval: null };
    await rules.insert({ ...kept, ...all, id: newId(), channelIds: [id] });
    return id;
  };
  /** So many alerts of a channel, each due a millisecond after the one before; gives their incidents by age. */
  const due = async (tenantId: string, channelId: string, count: number, since = clock.now()): Promise<string[]> => {
    const incidentIds: string[] = [];
    for (let index = 0; index < count; index++) {
      const incidentId = newId();
      incidentIds.push(incidentId);
      const alert: AlertRecord = {
        ...{ tenantId, channelId, told: null, reminderMs: null, held: null, messageId: null, onItsWay: null },
        dueAt: since + index,
        trouble: {
          ...{ incidentId, endpointId: newId(), endpointName: 'web', text: 'It is gone' },
          severity: 'offline',
          ...{ tags: [], startedAt: since, resolvedAt: null, acknowledged: false, flapping: false },
        },
      };
      await store.tenant(tenantId).changeAlert({ channelId, incidentId }, () => alert);
    }
    return incidentIds;
  };
  const tenantsTold = (): string[] => sent.map(({ tenantId }) => tenantId);
  return { clock, store, dispatcher, sent, channelOf, due, tenantsTold };
}

describe('alerts of several tenants', () => {
  it('are told in turns: a storm of one is no delay for another, nor for what comes while it lasts', async () => {
    let late: (() => Promise<unknown>) | undefined;
    const { clock, store, dispatcher, sent, channelOf, due, tenantsTold } = stage((kept) => ({
      ...kept,
      async dueChannels(...ask) {
        // After the first round.
        if (sent.length > 0) await late?.();
        late = sent.length > 0 ? undefined : late;
        return kept.dueChannels(...ask);
      },
    }));
    const [crowd, acme, globex] = [await channelOf('crowd'), await channelOf('acme'), await channelOf('globex')];
    const storm = await due('crowd', crowd, 3_000);
    await due('acme', acme, 1, clock.now() + 4_000);
    late = () => due('globex', globex, 1);
    await clock.advance(5_000);
    await dispatcher.dispatch();
    const turn = Array.from({ length: 5 }, () => 'crowd');
    expect(tenantsTold()).toEqual([...turn, 'acme', ...turn, 'globex', ...turn, ...turn, ...turn, ...turn]);
    // And each tenant's by their age, though they were looked at in parts.
    const told: string[][] = [];
    for (const { messageId } of sent.filter(({ tenantId }) => tenantId === 'crowd'))
      told.push((await store.tenant('crowd').alertsIn(messageId)).map(({ trouble }) => trouble.incidentId));
    const expected = Array.from({ length: 30 }, (_, index) => storm.slice(100 * index, 100 * index + 100).sort());
    expect(told).toEqual(expected);
  });

  it('are told in turns of their channels too', async () => {
    const { clock, dispatcher, sent, channelOf, due } = stage();
    const [busy, quiet] = [await channelOf('acme'), await channelOf('acme')];
    await due('acme', busy, 1_200);
    await due('acme', quiet, 1, clock.now() + 2_000);
    await clock.advance(5_000);
    await dispatcher.dispatch();
    const channels = sent.map(({ channelId }) => (channelId === busy ? 'busy' : 'quiet'));
    expect(channels.indexOf('quiet')).toBe(5);
    expect(channels.filter((it) => it === 'busy')).toHaveLength(12);
  });

  it('wait for none whose channel cannot be told, which is asked again after a while and not before', async () => {
    let asked = 0;
    const { clock, dispatcher, channelOf, due, tenantsTold } = stage((kept) => ({
      ...kept,
      tenant(tenantId) {
        const tenant = kept.tenant(tenantId);
        if (tenantId !== 'broken') return tenant;
        return { ...tenant, waitingAlerts: () => Promise.reject(new Error(`This is not one (${asked++})`)) };
      },
    }));
    const [broken, acme] = [await channelOf('broken'), await channelOf('acme')];
    await due('broken', broken, 1_500);
    await due('acme', acme, 1_500, clock.now() + 1);
    await clock.advance(4_000);
    await dispatcher.dispatch();
    expect([asked, tenantsTold()]).toEqual([1, Array.from({ length: 15 }, () => 'acme')]);
    await clock.advance(4_999);
    await dispatcher.dispatch();
    expect(asked).toBe(1);
    await clock.advance(1);
    await dispatcher.dispatch();
    expect(asked).toBe(2);
  });
});

it('of a tenant’s channels, those that had their turn longest ago come first', () => {
  const of = (tenantId: string, channelId: string) => ({ tenantId, channelId });
  const hadTurn = new Map([
    [channelKey(of('acme', 'a')), 2],
    [channelKey(of('acme', 'b')), 1],
  ]);
  expect(turnsOf([of('acme', 'a'), of('globex', 'a'), of('acme', 'b'), of('acme', 'c')], hadTurn)).toEqual([
    { tenantId: 'acme', channelIds: ['c', 'b', 'a'] },
    { tenantId: 'globex', channelIds: ['a'] },
  ]);
});
