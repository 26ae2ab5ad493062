import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pendingResults } from '../../src/history/pending-results.js';
import { between, decodeResults, encodeResult, slotsOf, type RingChunk } from '../../src/history/ring.js';
import { endpointStatus, outcomes, uncheckedState, type CheckResult, type KeptEndpoint } from '../../src/index.js';
import { endpointRecord } from '../support/endpoints.js';

const micro = fc.integer({ min: 0, max: 10_000_000 }).map((count) => count / 1_000);
const phases = fc.record(
  { dnsMs: micro, connectMs: micro, tlsMs: micro, firstByteMs: micro, transferMs: micro, totalMs: micro },
  { requiredKeys: [] },
);
const result = fc.record({
  tenantId: fc.constant('acme'),
  endpointId: fc.constant('e'),
  at: fc.integer({ min: 0, max: 4e12 }),
  status: fc.constantFrom(...endpointStatus.options),
  responseTimeMs: fc.option(micro, { nil: null }),
  code: fc.oneof(fc.constantFrom(...Object.keys(outcomes)), fc.stringMatching(/^[a-z][a-z0-9_]{0,39}$/)),
  message: fc.string({ unit: 'binary', maxLength: 40 }),
  phases,
});

/** What a database has after these settlements: the last body of every slot. */
function database() {
  const slots = new Map<string, string>();
  return {
    put: (chunks: readonly RingChunk[]) => {
      for (const { ring, slot, body } of chunks) slots.set(`${ring} ${slot}`, body);
    },
    times: (ring: string): number[] =>
      [...slots]
        .filter(([key]) => key.startsWith(`${ring} `))
        .flatMap(([, body]) => decodeResults({ tenantId: 'acme', endpointId: 'e', body }).map(({ at }) => at))
        .sort((a, b) => b - a),
  };
}

describe('a result', () => {
  it('is the same after it was written and read, to the microsecond', () => {
    fc.assert(
      fc.property(fc.array(result, { minLength: 1, maxLength: 5 }), (results) => {
        const body = results.map(encodeResult).join(between);
        expect(decodeResults({ tenantId: 'acme', endpointId: 'e', body })).toEqual(results);
      }),
    );
  });

  it('is read as it was written before there were codes', () => {
    const body = ['1000,0,1.5,"Connected",null,1.2', '2000,3,null,"No answer in time"'].join(between);
    expect(decodeResults({ tenantId: 'acme', endpointId: 'e', body })).toMatchObject([
      { at: 1_000, status: 'healthy', code: 'ok', message: 'Connected', phases: { connectMs: 1.2 } },
      { at: 2_000, status: 'offline', code: 'unspecified', message: 'No answer in time', phases: {} },
    ]);
  });
});

describe('a ring', () => {
  const kept = (): KeptEndpoint => ({ ...uncheckedState, endpoint: endpointRecord({ id: 'e' }) });
  const check = (at: number, isHealthy = true): CheckResult => ({
    ...{ tenantId: 'acme', endpointId: 'e', at, status: isHealthy ? ('healthy' as const) : ('offline' as const) },
    ...{ code: isHealthy ? 'ok' : 'no_answer', responseTimeMs: 1, message: 'm', phases: {} },
  });
  const sizes = { recent: 100, issues: 20 };

  it('holds at least the last of its size, however they were stored and whatever failed or ended in between', () => {
    const step = fc.constantFrom('healthy', 'healthy', 'healthy', 'offline', 'store', 'fails', 'process ends');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), fc.nat({ max: 50 }), (steps, head) => {
        const [stored, endpoint] = [database(), kept()];
        let pending = pendingResults({ rings: sizes, most: 1e6 });
        const seen: { at: number; isHealthy: boolean }[] = [];
        let [at, ends] = [0, 0];
        const record = (isHealthy: boolean): void => {
          pending.add(endpoint, check(++at, isHealthy));
          seen.push({ at, isHealthy });
        };
        for (let count = 0; count < head; count++) record(true);
        for (const taken of steps) {
          if (taken === 'healthy' || taken === 'offline') record(taken === 'healthy');
          else if (taken === 'store') stored.put(pending.takeOf('e'));
          else if (taken === 'fails') pending.putBack(pending.takeOf('e'));
          else if (ends++ === 0) {
            stored.put(pending.takeOf('e'));
            pending = pendingResults({ rings: sizes, most: 1e6 });
          }
        }
        stored.put(pending.takeOf('e'));
        expect(pending.size).toBe(0);
        const last = seen.map((it) => it.at).reverse();
        const issues = seen.filter(({ isHealthy }) => !isHealthy).map((it) => it.at);
        expect(stored.times('recent').slice(0, 100)).toEqual(last.slice(0, 100));
        expect(stored.times('issues').slice(0, 20)).toEqual(issues.reverse().slice(0, 20));
        expect(stored.times('recent').length).toBeLessThanOrEqual(slotsOf('recent', 100) * 20);
      }),
      { numRuns: 200 },
    );
  });

  it('gives up the oldest, and says how many, when more waits than may', () => {
    const [pending, endpoint] = [pendingResults({ rings: { recent: 1_000, issues: 20 }, most: 50 }), kept()];
    let dropped = 0;
    for (let at = 1; at <= 200; at++) dropped += pending.add(endpoint, check(at));
    expect(pending.size + dropped).toBe(200);
    expect(pending.size).toBeLessThanOrEqual(50);
    const stored = database();
    stored.put(pending.takeOf('e'));
    expect(stored.times('recent')).toEqual(Array.from({ length: 200 - dropped }, (_, index) => 200 - index));
  });

  it('forgets an endpoint that is gone', () => {
    const [pending, endpoint] = [pendingResults({ rings: sizes, most: 50 }), kept()];
    for (let at = 1; at <= 30; at++) pending.add(endpoint, check(at, false));
    pending.forget('e');
    expect([pending.size, pending.takeOf('e')]).toEqual([0, []]);
  });
});
