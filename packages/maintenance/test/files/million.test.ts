import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';

const files = 1_000_000;
/** Where making them waits for no disk. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let worker: Awaited<ReturnType<typeof bundleWorker>>;
let directory: string;
beforeAll(async () => {
  worker = await bundleWorker(new URL('million-worker.ts', import.meta.url));
  directory = await mkdtemp(join(memory, 'dotmac-million-'));
});
afterAll(async () => {
  worker.remove();
  await rm(directory, { recursive: true, force: true });
}, 120_000);

describe('a directory of a million files', () => {
  it('is cleaned in a heap that could not hold their names, but for those that are to stay', async () => {
    // Newer versions of Node.js let what is young grow to more than is looked for here.
    const execArgv = ['--max-old-space-size=48', '--max-semi-space-size=8'];
    const child = fork(worker.path, [directory, `${files}`], { execArgv });
    const ended = once(child, 'exit');
    const told = await Promise.race([once(child, 'message').then(([message]) => message as unknown), ended]);
    const going = files - files / 1_000;
    expect(told).toMatchObject({ status: 'completed', errorMessage: null, itemsCleaned: going, itemsProcessed: going });
    expect((told as { grownMb: number }).grownMb).toBeLessThan(64);
    expect(await ended).toEqual([0, null]);
    expect(await readdir(join(directory, 'flat'))).toHaveLength(files / 2 / 1_000);
    expect(await readdir(join(directory, 'many'))).toHaveLength(files / 2 / 1_000);
  }, 600_000);
});
