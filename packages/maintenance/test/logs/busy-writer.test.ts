import { fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { isLong } from '../../../../test/support/length.js';
import { logFolder, rotate, type LogFolder } from '../support/logs.js';
import { accountFor } from '../support/log-writer.js';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
let folder: LogFolder;
beforeAll(async () => void (worker = await bundleWorker(new URL('writer-worker.ts', import.meta.url))));
afterAll(() => worker.remove());
beforeEach(async () => void (folder = await logFolder(Date.now(), tmpdir())));
afterEach(() => folder.remove());

// What is asserted is that no line is lost. How fast the writer gets is the machine's matter: it asks for 50,000 lines a
// second, and the test for so many lines in all, and for rotations while it writes. The rate that was reached stands beside
// the test in its report. `npm run test:long` is for a quiet machine: there falling short by more than a tenth is the doing of
// the rotation, which keeps the writer from its work.
const leastRate = 45_000;

describe('a writer of as many lines as the machine lets it, up to 50,000 a second', () => {
  it('finds all of them again, each once, however often its log is renamed and compressed', async ({ annotate }) => {
    const writer = fork(worker.path, [folder.at('app.log')]);
    await once(writer, 'message');
    const policy = { maxSizeMb: 0.1, reopen: { signal: 'SIGHUP' as const, pid: writer.pid as number } };
    const ended = once(writer, 'exit');
    // At a number of lines, for however fast it is.
    let reached = 0;
    writer.once('message', () => (reached += 1));
    let [rotated, compressed, held] = [0, 0, 0];
    for (const until = performance.now() + 4_000; performance.now() < until || rotated < 5 || reached === 0;) {
      const { counts, faults } = await rotate(folder, policy);
      expect(faults).toEqual([]);
      [rotated, compressed, held] = [rotated + counts.rotated, compressed + counts.compressed, held + counts.growing];
    }
    const told = once(writer, 'message');
    writer.send('end');
    const [{ lines, ms }] = (await told) as [{ lines: number; ms: number }];
    await ended;
    const { counts } = await rotate(folder, { ...policy, reopen: () => undefined });
    expect(counts.growing).toBe(0);
    expect(accountFor(await folder.lines(), lines)).toEqual({ missing: [], doubled: [], torn: [] });
    expect(lines).toBeGreaterThan(50_000);
    const rate = Math.round(lines / (ms / 1_000));
    await annotate(`${rate} lines a second, in ${rotated} rotations`);
    if (isLong) expect(rate).toBeGreaterThanOrEqual(leastRate);
    expect(compressed + counts.compressed).toBe(rotated + counts.rotated);
  }, 120_000);
});
