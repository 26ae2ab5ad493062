import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRota } from '../../src/history/rota.js';
import { createDirectory } from '../../src/monitoring/directory.js';
import { endpointRecord } from '../support/endpoints.js';

describe('a rota', () => {
  it('comes round to everybody once a round, neighbours together, however often it is asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 20_000 }), (size, stepMs) => {
        const directory = createDirectory();
        for (let index = 0; index < size; index++)
          directory.add(endpointRecord({ id: `e${index}`, tenantId: `t${index % 3}` }));
        const rota = createRota(directory, 60_000);
        const order = [...directory.all()].map(({ endpoint }) => endpoint.id);
        rota.turn(0);
        const turns: string[] = [];
        for (let now = stepMs; turns.length < 2 * size; now += stepMs) {
          turns.push(...rota.turn(now));
          expect(Math.abs(turns.length - (size * now) / 60_000)).toBeLessThan(1.1);
        }
        expect(turns.slice(0, 2 * size)).toEqual([...order, ...order]);
      }),
      { numRuns: 50 },
    );
  });

  it('is at ease with endpoints that come and go, with none at all, and with a long pause', () => {
    const directory = createDirectory();
    const rota = createRota(directory, 60_000);
    expect([rota.turn(0), rota.turn(100_000)]).toEqual([[], []]);
    for (const id of ['a', 'b', 'c']) directory.add(endpointRecord({ id }));
    expect(rota.turn(10_000_000)).toEqual(['a', 'b', 'c']);
    directory.remove('acme', 'b');
    expect(rota.turn(10_060_000).sort()).toEqual(['a', 'c']);
  });
});
