import { mkdtemp, open, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createMountQueue, SilentDiskError } from '../../src/files/mount-queue.js';
import { createDiskProbe } from '../../src/files/probe-disk.js';
import { fileKey, openForWriting } from '../../src/files/proc.js';
import { measureDisks } from '../../src/host/measure.js';
import { openPolicyRoot } from '../../src/tasks/open-policy-root.js';

/** A probe of disks of which some never answer, until they do. */
function disks(...dead: string[]) {
  const clock = fakeClock(0);
  const silent = new Set(dead);
  const waiting: (() => void)[] = [];
  const calls: string[] = [];
  const answers = async (directory: string): Promise<void> => {
    calls.push(directory);
    if (silent.has(directory)) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const files = {
    stat: (async (directory: string) => (await answers(directory), stat(tmpdir()))) as unknown as typeof stat,
    statfs: (async () => statfs(tmpdir())) as unknown as typeof statfs,
  };
  const asked = async (count: number): Promise<void> => {
    await expect.poll(() => calls.length).toBe(count);
  };
  const revive = (): void => {
    silent.clear();
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { clock, calls, asked, revive, probe: createDiskProbe({ mounts: createMountQueue(clock), files }) };
}

it('a disk that does not answer is waited for five seconds, and not asked again until it has answered', async () => {
  const { clock, calls, asked, revive, probe } = disks('/gone');
  const all = Promise.allSettled([probe('/gone'), probe('/gone'), probe('/gone')]);
  await asked(1);
  await clock.advance(4_999);
  expect(calls).toEqual(['/gone']);
  await clock.advance(1);
  const ends = await all;
  expect(ends.map((it) => it.status === 'rejected' && (it.reason as unknown) instanceof SilentDiskError)).toEqual([
    true,
    true,
    true,
  ]);
  await expect(probe('/gone')).rejects.toBeInstanceOf(SilentDiskError);
  expect(calls).toEqual(['/gone']);
  expect(await probe('/there')).toMatchObject({ totalBytes: expect.any(Number) as number });
  revive();
  await expect.poll(() => probe('/gone').then(({ device }) => device, String)).toBe(String((await stat(tmpdir())).dev));
});

it('while three disks do not answer no other is asked, for each of them keeps a thread', async () => {
  const gone = ['/gone-1', '/gone-2', '/gone-3'];
  const { clock, calls, asked, revive, probe } = disks(...gone);
  const all = Promise.allSettled(gone.map((it) => probe(it)));
  await asked(3);
  await clock.advance(5_000);
  await all;
  await expect(probe('/there')).rejects.toBeInstanceOf(SilentDiskError);
  expect(calls).not.toContain('/there');
  revive();
  await expect.poll(() => probe('/there').then(() => 'answered', String)).toBe('answered');
});

it('of many disks that do not answer no more than three are asked, though all are looked at at once', async () => {
  const gone = ['/gone-1', '/gone-2', '/gone-3', '/gone-4', '/gone-5', '/gone-6'];
  const { clock, calls, asked, revive, probe } = disks(...gone);
  const all = Promise.allSettled(gone.map((it) => probe(it)));
  await asked(3);
  await clock.advance(5_000);
  expect((await all).map(({ status }) => status)).toEqual(Array<string>(6).fill('rejected'));
  expect(calls).toHaveLength(3);
  revive();
  await expect.poll(() => Promise.all(gone.map((it) => probe(it))).then((all) => all.length, String)).toBe(6);
});

it('beyond three disks that are asked at once one is asked when one of these has answered', async () => {
  const mounts = createMountQueue(fakeClock(0));
  const answers: (() => void)[] = [];
  const slow = ['one', 'two', 'three'].map((mount) =>
    mounts.ask(mount, () => new Promise<void>((resolve) => answers.push(resolve))),
  );
  let asked = 0;
  const fourth = mounts.ask('four', () => Promise.resolve((asked += 1)));
  await turn();
  expect([answers.length, asked]).toEqual([3, 0]);
  answers[1]?.();
  expect(await fourth).toBe(1);
  for (const answer of answers) answer();
  expect(await Promise.all(slow)).toHaveLength(3);
});

it('disks are measured beside one that does not answer, and one that is not there is left out', async () => {
  const { clock, asked, probe } = disks('/gone');
  const stale = Object.assign(new Error('stale'), { code: 'ESTALE' });
  const missing = Object.assign(new Error('missing'), { code: 'ENOENT' });
  const faults: Record<string, Error> = { '/stale': stale, '/missing': missing };
  const measured = measureDisks(
    ['/gone', '/stale', '/missing', '/there', '/there-too'].map((directory) => ({
      name: directory.slice(1),
      directory,
    })),
    (directory) => (faults[directory] ? Promise.reject(faults[directory]) : probe(directory)),
  );
  await asked(1);
  await clock.advance(5_000);
  expect(await measured).toMatchObject({
    disks: [{ policies: ['there', 'there-too'] }],
    unreachable: [
      { policy: 'gone', reason: 'its file system does not answer' },
      { policy: 'stale', reason: expect.stringContaining('ESTALE') as string },
    ],
  });
});

it('no work begins in a directory whose disk does not answer', async () => {
  const { clock, asked, probe } = disks('/gone');
  let begun = 0;
  const work = openPolicyRoot({ name: 'app', directory: '/gone' }, () => Promise.resolve((begun += 1)), { probe });
  const refused = expect(work).rejects.toMatchObject({
    code: 'FILES_NOT_WORKABLE',
    message: expect.stringContaining('does not answer') as string,
  });
  await asked(1);
  await clock.advance(5_000);
  await refused;
  expect(begun).toBe(0);
});

it('who writes to a file is not looked for while three disks do not answer', async () => {
  const clock = fakeClock(0);
  const mounts = createMountQueue(clock);
  const never = () => new Promise<void>(() => undefined);
  const silent = Promise.allSettled(['one', 'two', 'three'].map((mount) => mounts.ask(mount, never)));
  await clock.advance(5_000);
  await silent;
  const writer = await open('/dev/null', 'w');
  let calls = 0;
  const look = (() => Promise.reject(new Error(`call ${(calls += 1)}`))) as unknown as typeof stat;
  try {
    await expect(openForWriting(new Set(['1:1']), { mounts, look })).rejects.toBeInstanceOf(SilentDiskError);
    expect(calls).toBe(0);
  } finally {
    await writer.close();
  }
});

it('who writes to a file is not told where somebody writes to a disk that does not answer, which nobody waits for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-writers-'));
  const [own, others] = [await open(join(folder, 'app.log'), 'a'), await open('/dev/null', 'w')];
  const clock = fakeClock(0);
  let calls = 0;
  const look = ((path: string, options: { bigint: true }) => {
    if (path !== `/proc/${process.pid}/fd/${others.fd}`) return stat(path, options);
    calls += 1;
    return new Promise(() => undefined);
  }) as typeof stat;
  try {
    const { dev, ino } = await own.stat({ bigint: true });
    const found = openForWriting(new Set([fileKey(dev, ino)]), { mounts: createMountQueue(clock), look });
    await expect.poll(() => calls).toBe(1);
    const refused = expect(found).rejects.toBeInstanceOf(SilentDiskError);
    await clock.advance(5_000);
    await refused;
  } finally {
    await Promise.all([own.close(), others.close()]);
    await rm(folder, { recursive: true });
  }
});
