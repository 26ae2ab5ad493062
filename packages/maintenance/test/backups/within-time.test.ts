import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { backupDirectory } from '../../src/backups/directory.js';
import { checkBackup } from '../../src/backups/policy.js';
import { takeBackup } from '../../src/backups/take-backup.js';
import { verifyBackup } from '../../src/backups/verify-backup.js';
import { openRoot } from '../../src/files/root.js';

/** A backup that was taken with five seconds for each piece of work, and how it is looked at. */
async function taken() {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-time-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [file, directory] = [join(folder, 'app.db'), join(folder, 'backups')];
  new Sqlite(file).exec("create table t (x); insert into t values ('one'), ('two')").close();
  await mkdir(directory);
  const policy = checkBackup({ name: 'main', url: `sqlite:${file}`, directory, keep: { last: 1 }, timeoutMs: 5_000 });
  const root = await openRoot(directory);
  if (!root) throw new Error('no directory');
  onTestFinished(() => root.close());
  const clock = fakeClock();
  const { signal } = new AbortController();
  const work = { policy, directory: backupDirectory(root, policy), clock, signal };
  return { work, clock, backup: await takeBackup(work) };
}

it('does not count what a backup waits under pressure while it is tried out', async () => {
  const { work, clock, backup } = await taken();
  let waited = 0;
  const relief = async (): Promise<void> => {
    waited += 1;
    await clock.advance(60_000);
  };
  expect(await verifyBackup({ ...work, relief }, backup)).toMatchObject({ state: 'verified', fault: null });
  expect(waited).toBeGreaterThan(1);
  expect(clock.pending).toBe(0);
});

it('counts its work before and after', async () => {
  const { work, clock, backup } = await taken();
  // As if the disk were that slow.
  const openDump: typeof work.directory.openDump = async (of) => {
    const dump = await work.directory.openDump(of);
    const read = dump.read.bind(dump) as (...args: unknown[]) => Promise<never>;
    dump.read = async (...args: unknown[]) => (await clock.advance(2_000), read(...args));
    return dump;
  };
  const relief = (): Promise<void> => clock.advance(60_000);
  const slow = { ...work, directory: { ...work.directory, openDump }, relief };
  expect(await verifyBackup(slow, backup)).toMatchObject({ state: 'unverified', fault: 'timeout' });
});
