import { systemClock } from '@dotmac/core';
import type { RoomRules, SweepContext } from '../../src/files/make-room.js';

/** What counts what a sweep does. */
export function counting(): SweepContext & {
  total: { seen: number; removed: number; bytes: number };
  sample: string[];
} {
  const total = { seen: 0, removed: 0, bytes: 0 };
  const sample: string[] = [];
  return {
    total,
    sample,
    clock: systemClock,
    signal: new AbortController().signal,
    most: () => Infinity,
    step(batch, names) {
      for (const key of ['seen', 'removed', 'bytes'] as const) total[key] += batch[key];
      sample.push(...names);
      return Promise.resolve(true);
    },
  };
}

/** Rules by which everything goes that was last used before `cutoff`. */
export const rules = (given: Partial<RoomRules> = {}): RoomRules => ({
  cutoff: undefined,
  maxBytes: undefined,
  minFree: undefined,
  floor: Infinity,
  ageBy: ['access', 'modification'],
  exclude: [],
  links: false,
  ...given,
});

/** What `clearRoom` takes to remove all that may be removed. */
export const anyAge = () => [rules({ cutoff: Infinity }), { cutoff: Infinity, beyond: 0 }, counting(), true] as const;
