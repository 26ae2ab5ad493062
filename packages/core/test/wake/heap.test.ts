import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timeHeap } from '../../src/wake/heap.js';

it('gives what was pushed in the order of time, whatever was pushed, popped or dropped in between', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer(), fc.constant('pop' as const), fc.constant('retain even' as const))),
      (steps) => {
        const heap = timeHeap<{ at: number }>();
        let model: number[] = [];
        for (const step of steps) {
          if (step === 'pop') expect(heap.pop()?.at).toBe(model.shift());
          else if (step === 'retain even') {
            heap.retain(({ at }) => at % 2 === 0);
            model = model.filter((at) => at % 2 === 0);
          } else {
            heap.push({ at: step });
            model = [...model, step].sort((a, b) => a - b);
          }
          expect([heap.size, heap.peek()?.at]).toEqual([model.length, model[0]]);
        }
      },
    ),
  );
});
