import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { isLong } from '../../../../test/support/length.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { logFolder, rotate } from '../support/logs.js';
import { accountFor, logWriter } from '../support/log-writer.js';

/** How many times a rotation is killed; more by `npm run test:long`. */
const kills = isLong ? 3_000 : 40;
const perFolder = 50;

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => void (worker = await bundleWorker(new URL('rotator-worker.ts', import.meta.url))));
afterAll(() => worker.remove());

/** Kills rotators at random times while this process writes; every line that the system took is accounted for. */
async function killRotators(policy: Partial<LogPolicy>, count: number): Promise<{ lines: number; rotations: number }> {
  // On a disk, for its flushes take the time that kills fall into.
  const folder = await logFolder(Date.now(), tmpdir());
  const writer = logWriter(folder.at('app.log'));
  const reopen = () => writer.reopen();
  process.on('SIGUSR2', reopen);
  let rotations = 0;
  let killing = true;
  const writing = (async () => {
    while (killing) {
      writer.write(20);
      await sleep(4);
    }
  })();
  try {
    for (let kill = 0; kill < count; kill++) {
      const child = fork(worker.path, [folder.directory, JSON.stringify(policy), `${process.pid}`]);
      const ended = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
      child.on('message', (message) => void (message === 'rotated' && (rotations += 1)));
      await Promise.race([once(child, 'message'), ended]);
      await sleep(randomInt(250));
      // On a busy machine none may have come to its end so far: the last one is let.
      if (kill === count - 1 && rotations === 0) await Promise.race([once(child, 'message'), ended]);
      child.kill('SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);
    }
    killing = false;
    await writing;
    const { faults } = await rotate(folder, { ...policy, reopen });
    expect(faults).toEqual([]);
    expect(accountFor(await folder.lines(), writer.written())).toEqual({ missing: [], doubled: [], torn: [] });
    return { lines: writer.written(), rotations };
  } finally {
    killing = false;
    await writing;
    process.off('SIGUSR2', reopen);
    writer.close();
    await rm(folder.directory, { recursive: true });
    await folder.remove();
  }
}

describe('a rotation killed at random times', () => {
  it.each(['dated', 'numbered'] as const)(
    '%s: no line that was acknowledged is lost or doubled, no file overwritten',
    async (naming) => {
      let [lines, rotations] = [0, 0];
      for (let left = kills / 2; left > 0; left -= perFolder) {
        const result = await killRotators({ maxSizeMb: 1e-9, naming }, Math.min(left, perFolder));
        [lines, rotations] = [lines + result.lines, rotations + result.rotations];
      }
      expect(rotations).toBeGreaterThan(0);
      expect(lines).toBeGreaterThan(kills);
      if (isLong) console.log(`${naming}: ${kills / 2} kills, ${rotations} whole rotations, ${lines} lines`);
    },
    60_000 + kills * 2_000,
  );
});
