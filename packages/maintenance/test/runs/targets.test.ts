import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTargetLedger, etaSeconds, type TargetLedger, type TargetSize } from '../../src/runs/targets.js';

const someItems = fc.option(fc.nat(100), { nil: null, freq: 5 });
const items = (planned: number | null): TargetSize => ({ planned, toSee: null });
const settling = (settled: number, bytes = 0) => ({ seen: settled, settled, bytes });
const name = fc.constantFrom('a', 'b', 'c', 'd');
type Step = ['expect' | 'begin', string, number | null] | ['count', string, number] | ['end', string];
const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.tuple(fc.constant('expect' as const), name, someItems),
  fc.tuple(fc.constant('begin' as const), name, someItems),
  fc.tuple(fc.constant('count' as const), name, fc.nat(60)),
  fc.tuple(fc.constant('end' as const), name),
);

function take(ledger: TargetLedger, steps: readonly Step[]): TargetLedger {
  for (const [at, [what, target, of]] of steps.entries())
    if (what === 'count') ledger.count(target, settling(of as number));
    else if (what === 'end') ledger.end(target, at);
    else if (what === 'begin') ledger.begin(target, items(of as number | null), at);
    else ledger.expect(target, items(of as number | null));
  return ledger;
}

describe('the targets of a run', () => {
  it('have as much left as is planned and not settled, and nobody knows of the one if not of the other', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { planned, done, left } = take(createTargetLedger(), steps);
        expect(left).toBe(planned === null ? null : planned - done);
        expect(left ?? 0).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('are all known only when each that is open or to come is', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, someItems)), (expected) => {
        const ledger = take(
          createTargetLedger(),
          expected.map(([target, of]) => ['expect', target, of]),
        );
        const last = new Map(expected);
        const known = [...last.values()].every((of) => of !== null);
        expect(ledger.planned).toBe(known ? [...last.values()].reduce<number>((sum, of) => sum + (of ?? 0), 0) : null);
      }),
    );
  });

  it('have nothing left once each has ended, whatever was planned, and nothing is to come', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const ledger = take(createTargetLedger(), steps);
        for (const target of ['a', 'b', 'c', 'd']) {
          ledger.expect(target, items(0));
          ledger.end(target, steps.length);
        }
        const counted = ledger.paces(steps.length).reduce((sum, { settled }) => sum + settled, 0);
        expect([ledger.left, ledger.planned, ledger.done]).toEqual([0, counted, counted]);
      }),
    );
  });

  it('count the time of each from its beginning to its end, or to the beginning of the next', () => {
    const ledger = createTargetLedger();
    ledger.begin('a', items(10), 1_000);
    ledger.count('a', settling(4, 100));
    ledger.begin('b', items(null), 3_000);
    ledger.count('b', settling(7));
    expect(ledger.paces(3_500)).toEqual([
      { target: 'a', planned: 4, seen: 4, settled: 4, bytes: 100, seconds: 2 },
      { target: 'b', planned: null, seen: 7, settled: 7, bytes: 0, seconds: 0.5 },
    ]);
    ledger.end('b', 4_000);
    expect(ledger.paces(9_000)[1]).toEqual({ target: 'b', planned: 7, seen: 7, settled: 7, bytes: 0, seconds: 1 });
    ledger.begin('a', items(6), 9_000);
    expect([ledger.planned, ledger.paces(9_500)[0]?.seconds]).toEqual([17, 2.5]);
  });

  it('go by what is looked at where that is what takes the time, and by their items elsewhere', () => {
    const ledger = createTargetLedger();
    ledger.expect('files', { planned: 0, toSee: 500 });
    ledger.expect('rows', items(20));
    expect([ledger.planned, ledger.left, ledger.done]).toEqual([20, 520, 0]);
    ledger.begin('files', { planned: 10, toSee: 1_000 }, 0);
    ledger.count('files', { seen: 400, settled: 1, bytes: 0 });
    expect([ledger.planned, ledger.left, ledger.done]).toEqual([30, 620, 400]);
    ledger.begin('rows', items(20), 5);
    ledger.count('rows', settling(5));
    expect([ledger.planned, ledger.left, ledger.done]).toEqual([21, 15, 405]);
  });
});

describe('the time that is left', () => {
  it('is unknown without a plan or a pace, and nothing when nothing is left', () => {
    expect([etaSeconds(null, 5, 1), etaSeconds(50, 0, 9), etaSeconds(50, 5, 0), etaSeconds(0, 0, 0)]).toEqual([
      null,
      null,
      null,
      0,
    ]);
  });

  it('is that of the pace so far: it halves when half of it is done at the same pace', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 1_000 }), (half, perItem) => {
        expect(etaSeconds(half, half, half * perItem)).toBe(half * perItem);
        expect(etaSeconds(half * 2, half, half * perItem)).toBe(2 * half * perItem);
      }),
    );
  });

  it('never grows when more is settled in no more time', () => {
    const positive = fc.integer({ min: 1, max: 1_000 });
    fc.assert(
      fc.property(positive, positive, positive, fc.nat(500), (left, settled, seconds, more) => {
        const later = etaSeconds(Math.max(0, left - more), settled + more, seconds) as number;
        expect(later).toBeLessThanOrEqual(etaSeconds(left, settled, seconds) as number);
      }),
    );
  });
});
