import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { logFolder, rotate } from '../support/logs.js';
import { accountFor, logWriter, type LogWriter } from '../support/log-writer.js';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => void (worker = await bundleWorker(new URL('dying-rotator-worker.ts', import.meta.url))));
afterAll(() => worker.remove());

const writers = new Set<LogWriter>();
const reopenAll = (): void => writers.forEach((writer) => writer.reopen());
beforeEach(() => void process.on('SIGUSR2', reopenAll));
afterEach(() => void process.off('SIGUSR2', reopenAll));

/** How a process ended that was to be killed at its Nth call, and what became of the lines once another had gone on. */
async function killAt(nth: number, policy: Partial<LogPolicy>) {
  const folder = await logFolder();
  const writer = logWriter(folder.at('app.log'));
  const told = policy.method === 'copytruncate' ? policy : { ...policy, reopen: () => writer.reopen() };
  try {
    // One file that waits to be compressed, and a log that is due.
    writer.write(10);
    await rotate(folder, { ...told, compress: false });
    writer.write(10);
    writers.add(writer);
    const child = fork(worker.path, [folder.directory, JSON.stringify(policy), `${process.pid}`, `${nth}`]);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    // Whoever was not told writes on into the file that was moved.
    writer.write(10);
    const { faults } = await rotate(folder, told);
    writer.write(10);
    const found = accountFor(await folder.lines(), writer.written());
    return { nth, ended: code ?? signal, faults, ...found };
  } finally {
    writers.delete(writer);
    writer.close();
    await folder.remove();
  }
}

const ways: Record<string, Partial<LogPolicy>> = {
  'renamed, dated': { maxSizeMb: 1e-9, every: 'day' },
  'renamed, numbered': { maxSizeMb: 1e-9, naming: 'numbered' },
  copied: { maxSizeMb: 1e-9, method: 'copytruncate' },
};
const atOnce = 4;

describe.each(Object.entries(ways))('a process that is killed while logs are %s', (_, policy) => {
  it('loses, doubles and tears no line, at whichever change to its files it dies', async () => {
    const whole = { faults: [], missing: [], doubled: [], torn: [] };
    let points = 0;
    for (let survivors = 0; survivors < atOnce; points += atOnce) {
      const calls = Array.from({ length: atOnce }, (_, i) => points + i + 1);
      const deaths = await Promise.all(calls.map((nth) => killAt(nth, policy)));
      for (const { ended, nth, ...left } of deaths) {
        expect(['SIGKILL', 0]).toContain(ended);
        expect({ nth, ...left }).toEqual({ nth, ...whole });
      }
      survivors = deaths.filter(({ ended }) => ended === 0).length;
    }
    expect(points).toBeGreaterThan(30);
  }, 300_000);
});
