import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ancestorsOf, wouldCircle } from '../../src/dependencies/graph.js';
import { suppressorOf, unaskedOf } from '../../src/dependencies/suppression.js';
import { uncheckedState, type KeptEndpoint } from '../../src/monitoring/directory.js';
import { observe, unchecked, type StatusState } from '../../src/monitoring/status.js';
import { endpointRecord } from '../support/endpoints.js';

const parentsIn = (edges: Record<string, string[]>) => (id: string) => edges[id] ?? [];

describe('what an endpoint depends on', () => {
  it('is found at every distance, the nearest first', () => {
    const edges = { web: ['db', 'router'], db: ['switch'], router: ['uplink'], switch: ['uplink'] };
    expect(ancestorsOf('web', parentsIn(edges))).toEqual(['db', 'router', 'switch', 'uplink']);
    expect(ancestorsOf('uplink', parentsIn(edges))).toEqual([]);
  });

  it('is never itself: whatever is allowed in turn makes no circle', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const step = fc.tuple(fc.constantFrom(...ids), fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const edges: Record<string, string[]> = {};
        for (const [id, parents] of steps) if (!wouldCircle(id, parents, parentsIn(edges))) edges[id] = parents;
        // Without circles there is an order in which everything comes after what it depends on.
        const placed = new Set<string>();
        for (let round = 0; round < ids.length; round++)
          for (const id of ids) if (parentsIn(edges)(id).every((it) => placed.has(it))) placed.add(id);
        expect(placed.size).toBe(ids.length);
      }),
    );
  });

  it('is looked through to its end though records make a circle', () => {
    expect(ancestorsOf('a', parentsIn({ a: ['b'], b: ['c'], c: ['a', 'b'] }))).toEqual(['b', 'c']);
  });
});

describe('the trouble of an endpoint', () => {
  const now = 10_000_000;
  const kept = (id: string, dependsOn: string[], state: Partial<KeptEndpoint> = {}): KeptEndpoint => ({
    ...uncheckedState,
    endpoint: endpointRecord({ id, name: id, dependsOn, checkInterval: 60, timeout: 5, ...state.endpoint }),
    status: 'healthy',
    since: 0,
    checkedAt: now,
    ...('endpoint' in state ? {} : state),
  });
  const suppressed = (parent: Partial<KeptEndpoint>, middle: Partial<KeptEndpoint> = {}) => {
    const all = [
      kept('web', ['switch'], { status: 'offline' }),
      kept('switch', ['uplink'], middle),
      kept('uplink', [], parent),
    ];
    return suppressorOf('web', (id) => all.find(({ endpoint }) => endpoint.id === id), now)?.name;
  };

  it('is its own while all that it depends on is well', () => {
    expect(suppressed({})).toBeUndefined();
    expect(suppressed({ status: 'degraded' })).toBeUndefined();
  });

  it('is that of the furthest that is down, though what lies between looks well', () => {
    expect(suppressed({ status: 'offline' }, { status: 'critical' })).toBe('uplink');
    expect(suppressed({ status: 'offline' })).toBe('uplink');
    expect(suppressed({}, { status: 'offline' })).toBe('switch');
  });

  it('is another’s while that is about to be decided, and until it had time to be seen well again itself', () => {
    expect(suppressed({ worse: 1, answered: false })).toBe('uplink');
    expect(suppressed({ since: now - 64_000 })).toBe('uplink');
    expect(suppressed({ since: now - 65_000 })).toBeUndefined();
  });

  it('is its own while what it depends on is merely slow, and was about now', () => {
    expect(suppressed({ status: 'degraded', since: now - 60_000, availableSince: 0 })).toBeUndefined();
    expect(suppressed({ worse: 1, answered: true })).toBeUndefined();
    expect(suppressed({ since: now - 10_000, availableSince: now - 65_000 })).toBeUndefined();
    expect(suppressed({ since: now - 10_000, availableSince: now - 64_000 })).toBe('uplink');
    // As one that comes and goes between slow and well gets there.
    const policy = { retryCount: 2, recoveryCount: 1, minErrorMs: 0, recoveryResponseMs: null };
    let state: StatusState = unchecked;
    for (let at = now - 200_000; at <= now; at += 10_000) {
      const status = at % 40_000 < 20_000 ? 'healthy' : 'degraded';
      state = observe(state, { status, responseTimeMs: 1, at }, policy);
      const web = kept('web', ['uplink'], { status: 'offline' });
      const all = [web, kept('uplink', [], { ...state, checkedAt: at })];
      const root = suppressorOf('web', (id) => all.find(({ endpoint }) => endpoint.id === id), at)?.name;
      expect(root).toBe(at < now - 200_000 + 65_000 ? 'uplink' : undefined);
    }
    expect(state.since).toBeGreaterThan(now - 65_000);
  });

  it('is nobody’s yet while a parent has not been looked at since, as long as that can take', () => {
    const unasked = (parent: Partial<KeptEndpoint>, startedAt = now - 1_000) => {
      const all = [kept('web', ['switch'], { status: 'offline' }), kept('switch', [], parent)];
      return unaskedOf('web', (id) => all.find(({ endpoint }) => endpoint.id === id), { startedAt, now })?.name;
    };
    expect(unasked({ checkedAt: now - 1_001 })).toBe('switch');
    expect(unasked({ checkedAt: null })).toBe('switch');
    expect(unasked({ checkedAt: now - 1_000 })).toBeUndefined();
    expect(unasked({ endpoint: endpointRecord({ pausedAt: 1 }), checkedAt: null })).toBeUndefined();
    // Asked again after a second, its timeout is five, and a place to check it is free within half a minute.
    expect(unasked({ checkedAt: 1 }, now - 35_999)).toBe('switch');
    expect(unasked({ checkedAt: 1 }, now - 36_000)).toBeUndefined();
    expect(unaskedOf('nobody', () => undefined, { startedAt: now, now })).toBeUndefined();
  });

  it('is its own when what it depends on is paused, unknown or gone', () => {
    expect(suppressed({ status: 'unknown' })).toBeUndefined();
    expect(suppressed({ endpoint: endpointRecord({ pausedAt: 1 }), status: 'offline' })).toBeUndefined();
    expect(suppressorOf('nobody', () => undefined, now)).toBeUndefined();
  });
});
