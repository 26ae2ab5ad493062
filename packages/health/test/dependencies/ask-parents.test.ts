import { describe, expect, it } from 'vitest';
import { createParentAsking } from '../../src/dependencies/ask-parents.js';
import { tellersOf } from '../../src/dependencies/graph.js';
import { memoryHealthStore } from '../../src/index.js';
import { uncheckedState, type KeptEndpoint, type KeptState } from '../../src/monitoring/directory.js';
import { endpointRecord } from '../support/endpoints.js';
import { staged } from '../support/staged.js';

const now = 10_000_000;
const kept = (
  id: string,
  dependsOn: string[],
  { pausedAt = null, ...state }: Partial<KeptState> & { pausedAt?: number | null } = {},
): KeptEndpoint => ({
  ...uncheckedState,
  ...{ status: 'healthy', checkedAt: now - 30_000, ...state },
  endpoint: endpointRecord({ id, dependsOn, pausedAt, checkInterval: 3_600, recheckInterval: 2 }),
});
const paused = { pausedAt: 1 };

/** What is asked of some parents, and when, counted from now. */
function asking(all: KeptEndpoint[], underWay = new Set<string>()) {
  const planned: [string, number][] = [];
  const lookup = (id: string) => all.find(({ endpoint }) => endpoint.id === id);
  const parents = createParentAsking({
    lookup,
    plan: ({ endpoint }, at) => void planned.push([endpoint.id, at - now]),
    isUnderWay: (id) => underWay.has(id),
  });
  return { parents, planned, underWay, of: (id: string) => lookup(id) as KeptEndpoint };
}

describe('what an endpoint depends on is asked', () => {
  it('the nearest alone, and what a paused or unknown one depends on beyond it', () => {
    const chain = (middle: Parameters<typeof kept>[2]) => [
      kept('web', ['switch', 'power']),
      kept('switch', ['router'], middle),
      ...[kept('power', ['router']), kept('router', ['uplink']), kept('uplink', [])],
    ];
    const asked = (middle: Parameters<typeof kept>[2]) => {
      const { parents, planned, of } = asking(chain(middle));
      parents.ask(of('web'), now);
      return planned.map(([id]) => id);
    };
    expect(asked({})).toEqual(['switch', 'power']);
    expect(asked({ status: 'offline' })).toEqual(['switch', 'power']);
    expect(asked({ status: 'unknown' })).toEqual(['switch', 'power', 'router']);
    expect(asked(paused)).toEqual(['power', 'router']);
  });

  it('to the end of a chain that is paused, of a circle too', () => {
    const all = [kept('a', ['b']), kept('b', ['c'], paused), kept('c', ['a', 'b', 'gone'], paused)];
    expect(tellersOf('a', (id) => all.find(({ endpoint }) => endpoint.id === id))).toEqual([]);
  });

  it('at once, after its recheck interval when it was just looked at, and a minute after it was seen to be down', () => {
    const at = (state: Partial<KeptState>) => {
      const { parents, planned, of } = asking([kept('web', ['switch']), kept('switch', [], state)]);
      parents.ask(of('web'), now);
      return planned[0]?.[1];
    };
    expect(at({})).toBe(0);
    expect(at({ checkedAt: null })).toBe(0);
    expect(at({ checkedAt: now - 500 })).toBe(1_500);
    // By a clock that was set back meanwhile.
    expect(at({ checkedAt: now + 3_600_000 })).toBe(2_000);
    expect(at({ status: 'offline', checkedAt: now - 20_000 })).toBe(40_000);
    expect(at({ status: 'offline', checkedAt: now - 60_000 })).toBe(0);
  });

  it('once more when it was being looked at already, and turns out to be well', () => {
    const { parents, planned, underWay, of } = asking(
      [kept('web', ['switch']), kept('mail', ['switch']), kept('switch', [])],
      new Set(['switch']),
    );
    for (const child of ['web', 'mail', 'web']) parents.ask(of(child), now);
    expect(planned).toEqual([]);
    underWay.clear();
    parents.looked(of('switch'), now + 100);
    expect(planned).toEqual([['switch', 2_100]]);
    parents.looked(of('switch'), now + 2_100);
    expect(planned).toHaveLength(1);
    underWay.add('switch');
    parents.ask(of('web'), now);
    parents.looked({ ...of('switch'), worse: 1 }, now);
    expect(planned).toHaveLength(1);
  });
});

describe('hundreds of children that fail together', () => {
  const stage = async () => {
    const it = await staged((clock) => memoryHealthStore({ clock }));
    const { scope, states, register, clock, probed, until } = it;
    const children = async (count: number, dependsOn: string[]): Promise<string[]> => {
      const names = Array.from({ length: count }, (_, index) => `child ${index}`);
      for (const name of names) await register(name, { dependsOn, retryCount: 3, recheckInterval: 2 });
      return names;
    };
    const are = async (names: readonly string[], status: 'healthy' | 'offline', others: number): Promise<void> => {
      for (const name of names) states.set(name, status);
      const count = () => (status === 'healthy' ? scope.status().healthyCount - others : scope.status().offlineCount);
      await until(() => count() >= names.length, 1_000);
    };
    const countOf = (name: string): number => probed.filter((it) => it === name).length;
    return { ...it, children, are, countOf, seconds: (count: number) => clock.advance(count * 1_000) };
  };

  it('ask a parent that is well once in its recheck interval, whoever many they are', async () => {
    const { looks, registerSeldom, children, are } = await stage();
    const { id } = await registerSeldom('switch', { recheckInterval: 2 });
    const names = await children(300, [id]);
    await are(names, 'healthy', 1);
    looks.length = 0;
    await are(names, 'offline', 0);
    const visits = looks.flatMap(({ name, at }) => (name === 'switch' ? at : []));
    // Each child asks three times: 900 questions, within five seconds and two rechecks.
    expect(visits.length).toBeGreaterThanOrEqual(1);
    expect(visits.length).toBeLessThanOrEqual(6);
    for (const [index, at] of visits.slice(1).entries())
      expect(at - (visits[index] ?? 0)).toBeGreaterThanOrEqual(2_000);
  });

  it('go up the chain as far as it fails, and not beyond', async () => {
    const { states, registerSeldom, countOf, children, are, scope, seconds } = await stage();
    const rarely = { retryCount: 2, recheckInterval: 2 };
    let above: string[] = [];
    for (const name of ['uplink', 'core', 'distribution', 'access'])
      above = [(await registerSeldom(name, { ...rarely, dependsOn: above })).id];
    const names = await children(200, above);
    await are(names, 'healthy', 4);
    const before = ['access', 'distribution', 'core', 'uplink'].map(countOf);
    states.set('access', 'offline');
    await are(names, 'offline', 0);
    await seconds(10);
    const asked = ['access', 'distribution', 'core', 'uplink'].map(
      (name, index) => countOf(name) - (before[index] ?? 0),
    );
    // Until it is decided that it is down; it asks its own parent meanwhile, which answers.
    expect(asked[0]).toBeGreaterThanOrEqual(2);
    expect(asked[0]).toBeLessThanOrEqual(3);
    expect(asked[1]).toBeGreaterThanOrEqual(1);
    expect(asked[1]).toBeLessThanOrEqual(2);
    expect(asked.slice(2)).toEqual([0, 0]);
    const incidents = (await scope.incidents.list({ limit: 200 })).items.filter(({ endpointName }) =>
      /child/.test(endpointName),
    );
    expect(incidents.map(({ suppressedBy }) => suppressedBy?.name)).toEqual(incidents.map(() => 'access'));

    // What is known to be down is not asked by everybody who fails later.
    await are(names, 'healthy', 3);
    const known = countOf('access');
    await are(names, 'offline', 1);
    expect(countOf('access') - known).toBeLessThanOrEqual(1);
  });
});
