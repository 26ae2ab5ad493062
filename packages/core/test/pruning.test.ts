import { describe, expect, it } from 'vitest';
import { createPruning } from '../src/pruning.js';
import { silentLogger } from '../src/logger.js';
import { fakeClock } from '../src/testing/index.js';

const everyMs = 600_000;

describe('pruning', () => {
  it('deletes what is old of one thing, though there is no end of another, or it cannot be deleted', async () => {
    const clock = fakeClock();
    const warned: string[] = [];
    const deleted = { endless: 0, last: 0 };
    const pruning = createPruning({
      clock,
      logger: { ...silentLogger, warn: (_, message) => void warned.push(message) },
      what: 'old things',
      everyMs,
      jobs: [
        { size: 10, prune: () => Promise.resolve((deleted.endless += 10)).then(() => 10) },
        { size: 10, prune: () => Promise.reject(new Error('refused')) },
        { size: 10, prune: () => Promise.resolve((deleted.last += 3)).then(() => 3) },
      ],
    });
    pruning.start();
    await clock.advance(everyMs + 60_000);
    expect(deleted).toEqual({ endless: 10_000, last: 3 });
    expect(warned).toEqual(['old things could not be deleted']);
    await clock.advance(everyMs + 60_000);
    expect(deleted.last).toBe(6);
    await pruning.stop();
    expect(clock.pending).toBe(0);
  });
});
