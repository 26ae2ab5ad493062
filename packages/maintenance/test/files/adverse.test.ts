import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available } from '../../../../test/support/services.js';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
let folder: string;
beforeAll(async () => void (worker = await bundleWorker(new URL('adverse-worker.ts', import.meta.url))));
afterAll(() => worker.remove());
beforeEach(() => {
  folder = mkdtempSync(join('/tmp', 'dotmac-adverse-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(name: string): Record<string, unknown> {
  const words = ['--mount', '--propagation', 'private', process.execPath, worker.path, name, folder];
  return JSON.parse(execFileSync('unshare', words, { encoding: 'utf8' })) as Record<string, unknown>;
}
const rotated = expect.stringMatching(/^app\.log\.\d{8}T\d{6}Z$/) as string;
const names = (outcome: unknown): string[] => Object.keys((outcome as { files: object }).files);

describe.skipIf(!available.namespaces)('where the system refuses', () => {
  it('a disk that is full: the log is renamed and whole, and compressed when there is room again', () => {
    const { first, kept, second } = run('full');
    expect(first).toMatchObject({ faults: ['ENOSPC'], counts: { rotated: 1, compressed: 0 } });
    expect(names(first)).toEqual([rotated]);
    expect(kept).toBe(true);
    expect(second).toMatchObject({ faults: [], counts: { compressed: 1 } });
  });

  it('a disk of which a part is to be left free: the oldest rotated logs go, no more than it takes, and never the log', () => {
    const { some, enough, all, packed } = run('room to be left') as Record<string, Record<string, unknown>>;
    const rotatedOf = (...days: number[]) => days.map((day) => `app.log.2026010${day}T000000Z`);
    expect(some).toMatchObject({ foretold: rotatedOf(1, 2), faults: [], deleted: 2 });
    expect(some?.['left']).toEqual(['app.log', ...rotatedOf(3, 4, 5)]);
    expect(some?.['free']).toBeGreaterThanOrEqual(0.5);
    expect(enough).toMatchObject({ foretold: [], deleted: 0 });
    expect(all).toMatchObject({ foretold: rotatedOf(1, 2, 3, 4, 5), deleted: 5, left: ['app.log'] });
    // What compression gives back is room, too.
    expect(packed).toMatchObject({ faults: [], deleted: 0 });
    expect(packed?.['left']).toEqual(['app.log', ...rotatedOf(1, 2, 3, 4, 5).map((name) => `${name}.gz`)]);
    expect(packed?.['free']).toBeGreaterThanOrEqual(0.5);
  });

  it('a disk without another inode: the log stays as it is', () => {
    expect(run('no inodes')).toMatchObject({ faults: ['ENOSPC'], files: { 'app.log': 10_000 } });
  });

  it('a disk without room for a copy: the log is not emptied, and the half copy goes', () => {
    expect(run('full copy')).toMatchObject({ faults: ['ENOSPC'], files: { 'app.log': 400_000 } });
  });

  it('a mount that is read-only: the log stays as it is', () => {
    expect(run('read-only')).toMatchObject({ faults: ['EROFS'], files: { 'app.log': 1_000 } });
  });

  it('a directory that may not be written to: the log stays as it is', () => {
    expect(run('not allowed')).toMatchObject({ faults: ['EACCES'], files: { 'app.log': 1_000 } });
  });

  it('a disk that a directory has filled: its oldest files go, no more than it takes, and there is room to write', () => {
    const { files, outcome, left, free, writes } = run('full directory') as Record<string, unknown>;
    expect(files).toBeGreaterThan(10);
    expect(outcome).toMatchObject({ complete: true, missing: 0 });
    expect(free).toBeGreaterThanOrEqual(0.5);
    // One block of 128 KiB more would have been too much.
    expect(free).toBeLessThan(0.5 + 2 / 16);
    const kept = left as string[];
    // What the last file had no room for was left of it, and is the youngest.
    expect(kept.slice(0, -1)).toEqual(
      Array.from({ length: kept.length - 1 }, (_, index) =>
        String((files as number) - (kept.length - 1) + index).padStart(2, '0'),
      ),
    );
    expect(writes).toBe(true);
  });

  it('a directory on a mount that is read-only: its files stay, and the run is told why', () => {
    expect(run('read-only directory')).toEqual({ outcome: { failed: 'EROFS', removed: 0 }, left: ['old'] });
  });

  it('files of others, below a directory of the user’s own: they stay, are told of, and keep nothing from going', () => {
    expect(run('directories of others')).toMatchObject({
      outcome: { complete: true, removed: 1, filesLeft: 2, directoriesLeft: 1 },
      ...{ own: false, locked: ['old'], sticky: ['old'] },
    });
  });

  it('files of others, where room is to be made: younger ones go in their place, as many as may go unasked', () => {
    const { enough, all, asked } = run('room that others take');
    const stay = 'files of uploads stay: this process may not look at them, or remove them.';
    expect(enough).toMatchObject({
      ...{ status: 'completed', seen: 5, removed: 3, left: ['locked/1', 'own/5'] },
      notes: [`1 ${stay}`],
    });
    const short = 'uploads is short of 1 MiB: what takes it is younger, or stays.';
    expect(all).toMatchObject({
      ...{ status: 'completed', seen: 5, removed: 4, left: ['locked/1'] },
      notes: [short, `1 ${stay}`],
    });
    expect(asked).toMatchObject({ status: 'needs_confirmation', removed: 0, left: { length: 5 } });
  });

  it('a file of others that would have made room: what went before somebody has to be asked is reported', () => {
    const left = ['locked/1', 'own/3', 'own/4', 'own/5'];
    expect(run('room that others take')['askedLater']).toMatchObject({
      ...{ status: 'needs_confirmation', removed: 1, reported: 1, left },
      notes: [expect.stringMatching(/^uploads: waits for a confirmation/)],
    });
  });

  it('a file of others that would have made room: what went in its place before is planned once', () => {
    expect(run('room that others take')['ended']).toMatchObject({ removed: 2, left: { length: 3 }, planned: 4 });
  });

  it('a file of others that would have made room: what goes in its place no plan has foreseen', () => {
    expect(run('room that others take')['applied']).toMatchObject({ removed: 2, left: { length: 3 }, planned: null });
  });

  it('an old file of others, where there is room enough: it is tried once in a run', () => {
    expect(run('room that others take')['old']).toMatchObject({
      ...{ status: 'completed', removed: 4, left: ['locked/1'], rounds: 1 },
      notes: [expect.stringMatching(/^1 files of uploads stay/)],
    });
  });

  it('another file that is mounted over a log is neither moved nor emptied', () => {
    const { renamed, copied, outside } = run('bound log');
    expect([outside, names(renamed), names(copied)]).toEqual(['outside', ['app.log'], ['app.log']]);
  });

  it('directories that are mounted below a cache are not entered, of the same device or not', () => {
    const { outcome, left } = run('bound directories');
    expect(outcome).toMatchObject({ directoriesLeft: 2, directoriesRemoved: 1 });
    expect(left).toEqual(['./cache/bound/precious', './cache/other/precious', './outside/precious']);
  });
});
