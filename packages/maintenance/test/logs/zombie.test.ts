import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { isLong } from '../../../../test/support/length.js';
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

/**
 * What became of the lines after a process was stopped before its Nth call, another had rotated three times, and the first was
 * woken. It has no lease that would tell it: what a signal says comes late, and here never.
 */
async function holdUpAt(nth: number, policy: Partial<LogPolicy>) {
  const folder = await logFolder();
  const writer = logWriter(folder.at('app.log'));
  const told = policy.method === 'copytruncate' ? policy : { ...policy, reopen: () => writer.reopen() };
  let child: ChildProcess | undefined;
  try {
    // Two files that are past their time, one that waits to be compressed, and a log that is due.
    writer.write(10);
    await rotate(folder, { ...told, compress: false });
    const old = policy.naming === 'numbered' ? ['2', '3'] : ['20200102T000000Z', '20200101T000000Z'];
    for (const end of old) await folder.write(`app.log.${end}`, 'past its time\n', 40);
    writer.write(10);
    writers.add(writer);
    const given = [folder.directory, JSON.stringify({ ...policy, retentionDays: 30 }), `${process.pid}`, `${nth}`];
    child = fork(worker.path, [...given, 'SIGSTOP'], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let said = '';
    child.stderr?.on('data', (text) => (said += String(text)));
    const exit = once(child, 'close') as Promise<[code: number | null, signal: string | null]>;
    const stopped = child.stdout ? once(child.stdout, 'data').then(String) : undefined;
    const at = await Promise.race([stopped, exit.then(() => undefined)]);
    writer.write(10);
    // The last leave plain files under the names that those had which the first was at.
    for (const compressOldLogs of [policy.compress !== false, false, false]) {
      const { faults } = await rotate(folder, { ...told, retentionDays: 30 }, { request: { compressOldLogs } });
      expect({ nth, at, faults }).toEqual({ nth, at, faults: [] });
      writer.write(10);
    }
    child.kill('SIGCONT');
    const end = await exit;
    writer.write(10);
    const { faults } = await rotate(folder, { ...told, retentionDays: 30 });
    writer.write(10);
    const found = accountFor(await folder.lines(), writer.written());
    return { nth, at, end, said, faults, ...found };
  } finally {
    // It may be stopped still.
    child?.kill('SIGKILL');
    writers.delete(writer);
    writer.close();
    await folder.remove();
  }
}

const ways: Record<string, Partial<LogPolicy>> = {
  'renamed, dated': { maxSizeMb: 1e-9 },
  'renamed, numbered': { maxSizeMb: 1e-9, naming: 'numbered' },
  'renamed, numbered, and not compressed': { maxSizeMb: 1e-9, naming: 'numbered', compress: false },
  copied: { maxSizeMb: 1e-9, naming: 'numbered', method: 'copytruncate' },
};
const atOnce = 4;
/** Every so many calls, each way from another one on: the first calls are the same in all. Each by `npm run test:long`. */
const stride = isLong ? 1 : 7;
const firsts = [1, 3, 5, 7];

describe.each(Object.entries(ways))('a process that is held up while logs are %s', (way, policy) => {
  it('loses and doubles no line when it wakes, whatever others rotated meanwhile', async () => {
    const first = isLong ? 1 : (firsts[Object.keys(ways).indexOf(way)] ?? 1);
    const whole = { end: [0, null], said: '', faults: [], missing: [], doubled: [], torn: [] };
    let points = 0;
    for (let survivors = 0; survivors < atOnce; points += atOnce) {
      const calls = Array.from({ length: atOnce }, (_, i) => (points + i) * stride + first);
      const ends = await Promise.all(calls.map((nth) => holdUpAt(nth, policy)));
      for (const { nth, at, ...left } of ends) expect({ nth, at, ...left }).toEqual({ nth, at, ...whole });
      survivors = ends.filter(({ at }) => at === undefined).length;
    }
    expect(points * stride).toBeGreaterThan(70);
  }, 600_000);
});
