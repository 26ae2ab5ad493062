import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryTables } from '../../src/memory/tables.js';

describe('memory tables', () => {
  it('undo everything a throwing transaction wrote', async () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value: fc.integer() }),
      fc.record({ kind: fc.constant('delete' as const), key }),
      fc.record({ kind: fc.constant('clear' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, fc.integer()), fc.array(step), async (initial, steps) => {
        const tables = memoryTables({ things: new Map(Object.entries(initial)) });
        const attempt = tables.transaction(({ things }) => {
          for (const change of steps) {
            if (change.kind === 'set') things.set(change.key, change.value);
            else if (change.kind === 'delete') things.delete(change.key);
            else things.clear();
          }
          throw new Error('undo');
        });
        await expect(attempt).rejects.toThrow('undo');
        expect(Object.fromEntries(tables.read.things)).toEqual(initial);
      }),
    );
  });

  it('run transactions one after another, and go on after one that failed', async () => {
    const tables = memoryTables({ counters: new Map([['n', 0]]) });
    const increment = (fail: boolean) =>
      tables.transaction(async ({ counters }) => {
        const before = counters.get('n') ?? 0;
        await new Promise((resolve) => setImmediate(resolve));
        counters.set('n', before + 1);
        if (fail) throw new Error('undo');
      });
    await Promise.allSettled(Array.from({ length: 40 }, (_, index) => increment(index % 4 === 0)));
    expect(tables.read.counters.get('n')).toBe(30);
  });

  it('join the running transaction and refuse any other', async () => {
    const tables = memoryTables({ things: new Map<string, number>() });
    const told: string[] = [];
    let kept: { isTransaction: true } | undefined;
    await tables.transaction(async (_, trx) => {
      kept = trx;
      trx.afterCommit(() => told.push('committed'));
      await tables.transaction(({ things }) => things.set('a', 1), trx);
      expect(told).toEqual([]);
    });
    expect(told).toEqual(['committed']);
    expect(tables.read.things.get('a')).toBe(1);
    await expect(tables.transaction(() => 1, kept)).rejects.toThrow(TypeError);
  });
});
