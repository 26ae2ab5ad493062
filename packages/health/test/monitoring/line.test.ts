import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Line } from '../../src/monitoring/line.js';

it('gives what came first, first, and before that what was put to the front', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('add', 'add first', 'take')), (steps) => {
      const line = new Line<number>();
      const model: number[] = [];
      for (const [index, step] of steps.entries()) {
        if (step === 'take') expect(line.take()).toBe(model.shift());
        else if (step === 'add') {
          line.add(index);
          model.push(index);
        } else {
          line.addFirst(index);
          model.unshift(index);
        }
        expect([line.length, line.first]).toEqual([model.length, model[0]]);
      }
    }),
  );
});
