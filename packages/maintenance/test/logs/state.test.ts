import { link, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRoot, type OpenRoot } from '../../src/files/root.js';
import { readState, writeState, type RotationState } from '../../src/logs/state.js';
import { day, logFolder, rotate, type LogFolder } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);
let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder(now)));
afterEach(() => folder.remove());

async function inFolder<Result>(work: (root: OpenRoot) => Promise<Result>): Promise<Result> {
  const root = await openRoot(folder.directory);
  if (!root) throw new Error('the folder is not there');
  return work(root).finally(() => root.close());
}
const keep = (state: RotationState) => inFolder((root) => writeState(root, state));
const kept = async () => Object.keys((await inFolder(readState)).since).sort();

describe('the state of a directory of logs', () => {
  it('forgets the logs that are gone', async () => {
    const policy = { every: 'day', pattern: 'job-*.log' } as const;
    for (let nth = 0; nth < 3; nth++) {
      await folder.write(`job-${nth}.log`, 'x');
      await rotate(folder, policy, { now: now + nth });
      expect(await kept()).toEqual([`job-${nth}.log`]);
      await rm(folder.at(`job-${nth}.log`));
    }
    await rotate(folder, policy, { now: now + 3 });
    expect(await kept()).toEqual([]);
  });

  it('keeps those of which a rotated file is there, and those of other policies', async () => {
    const [jobs, web] = [
      { every: 'day', pattern: 'job-*.log' } as const,
      { every: 'day', pattern: 'web.log' } as const,
    ];
    await folder.write('job-1.log', 'x');
    await folder.write('web.log', 'x');
    await rotate(folder, jobs, { now });
    await rotate(folder, web, { now });
    await rotate(folder, jobs, { now: now + day });
    expect(await folder.names()).toEqual(['job-1.log.20260201T120000Z.gz', 'web.log']);
    await rotate(folder, jobs, { now: now + day });
    expect(await kept()).toEqual(['job-1.log', 'web.log']);
    await rm(folder.at('job-1.log.20260201T120000Z.gz'));
    await rotate(folder, jobs, { now: now + day });
    expect(await kept()).toEqual(['web.log']);
  });

  it('keeps what is no plain log at the moment, and is one again later', async () => {
    const policy = { every: 'day', compress: false } as const;
    await folder.write('app.log', 'x');
    await rotate(folder, policy, { now });
    await link(folder.at('app.log'), folder.at('copied-by-somebody'));
    const { counts } = await rotate(folder, policy, { now: now + day });
    expect([counts.odd, counts.rotated, await kept()]).toEqual([1, 0, ['app.log']]);
    await rm(folder.at('copied-by-somebody'));
    await rotate(folder, policy, { now: now + day });
    expect(await folder.names()).toEqual(['app.log.20260201T120000Z']);
  });

  it('begins anew for a log whose last rotation a clock dated that was years ahead', async () => {
    const policy = { every: 'day', compress: false } as const;
    await folder.write('app.log', 'x');
    await keep({ since: { 'app.log': now + 3_650 * day }, untold: [] });
    const rotated: number[] = [];
    for (let days = 0; days < 2; days++)
      rotated.push((await rotate(folder, policy, { now: now + days * day })).counts.rotated);
    expect(rotated).toEqual([0, 1]);
  });

  it('keeps whose writers are still to be told, when those of another policy of the directory are', async () => {
    const due = { maxSizeMb: 1e-9, compress: false } as const;
    const [jobs, web] = [
      { ...due, name: 'jobs', pattern: 'job-*.log' },
      { ...due, name: 'web', pattern: 'web.log' },
    ];
    for (const name of ['job-1.log', 'web.log']) await folder.write(name, 'x');
    await rotate(folder, { ...jobs, reopen: () => Promise.reject(new Error('no')) }, { now });
    expect(await rotate(folder, { ...web, reopen: () => undefined }, { now })).toMatchObject({ faults: [] });
    let told = 0;
    await rotate(folder, { ...jobs, reopen: () => void (told += 1) }, { now });
    expect(told).toBe(1);
  });

  it('is whole however many logs it knew, and has the writers that are still to be told', async () => {
    const name = (nth: number): string => `${nth}-${'n'.repeat(200)}.log`;
    const since = Object.fromEntries(Array.from({ length: 100_000 }, (_, nth) => [name(nth), now]));
    await keep({ since, untold: ['app'] });
    let told = 0;
    const { notes } = await rotate(folder, { every: 'day', reopen: () => void (told += 1) }, { now });
    expect([told, notes, await kept()]).toEqual([1, [], []]);
  });
});
