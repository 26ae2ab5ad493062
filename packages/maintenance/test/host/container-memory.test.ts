import fc from 'fast-check';
import { expect, it } from 'vitest';
import { availableWithin } from '../../src/host/container-memory.js';

const stat = (bytes: number) => `cache 1\ninactive_anon 7\ninactive_file ${bytes}\nactive_file 9\n`;

it('a container has what neither its processes nor the files in use take', () => {
  expect(availableWithin(1_000, 900, stat(300), 'inactive_file')).toBe(400);
  expect(availableWithin(1_000, 900, 'total_inactive_file 300\n', 'total_inactive_file')).toBe(400);
  expect(availableWithin(1_000, 900, 'nothing is said', 'inactive_file')).toBe(100);
});

it('a container never has less than nothing, nor more than its limit', () => {
  const bytes = fc.nat({ max: 2 ** 40 });
  fc.assert(
    fc.property(bytes, bytes, bytes, (limit, used, cached) => {
      const left = availableWithin(limit, used, stat(cached), 'inactive_file');
      expect(left >= 0 && left <= limit).toBe(true);
    }),
  );
});
