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
