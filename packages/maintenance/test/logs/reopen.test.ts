import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reopenLogs } from '../../src/logs/reopen.js';
import { logFolder, rotate, type LogFolder } from '../support/logs.js';

const own = String(process.pid);
let folder: LogFolder;
const [told, marked] = [vi.fn(), vi.fn()];
beforeEach(async () => {
  folder = await logFolder();
  process.on('SIGUSR2', told);
  process.on('SIGHUP', marked);
});
afterEach(async () => {
  process.off('SIGUSR2', told);
  process.off('SIGHUP', marked);
  vi.clearAllMocks();
  await folder.remove();
});

/** A file of a process's number. */
async function pidFile(content: string, mode = 0o644): Promise<string> {
  const path = folder.at('app.pid');
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}
const reopen = (path: string) => reopenLogs({ signal: 'SIGUSR2', pidFile: path });
/** Signals come in their order: after this one, every earlier one has come. */
async function signalsHaveCome(): Promise<void> {
  process.kill(process.pid, 'SIGHUP');
  await expect.poll(() => marked.mock.calls.length, { timeout: 20_000 }).toBe(1);
}

describe('a writer whose number is in a file', () => {
  it.each([
    ['alone', own],
    ['in a line', `${own}\n`],
    ['among spaces, as far as 32 bytes go', own.padStart(16).padEnd(32)],
  ])('is told, with the number %s', async (_, content) => {
    await reopen(await pidFile(content));
    await expect.poll(() => told.mock.calls.length, { timeout: 20_000 }).toBe(1);
  });

  it('is told after a rotation, by a file that only its owner may write to', async () => {
    await folder.write('app.log', 'line\n', 40);
    const path = await pidFile(own, 0o600);
    const policy = { maxAgeDays: 30, reopen: { signal: 'SIGUSR2' as const, pidFile: path } };
    expect(await rotate(folder, policy)).toMatchObject({ counts: { rotated: 1 }, faults: [] });
    await expect.poll(() => told.mock.calls.length, { timeout: 20_000 }).toBe(1);
  });

  it.each<[what: string, make: () => Promise<string>, says: RegExp]>([
    [
      'leads elsewhere',
      async () => {
        const path = folder.at('link.pid');
        await symlink(await pidFile(own), path);
        return path;
      },
      /ELOOP/,
    ],
    ['the group may write to', () => pidFile(own, 0o664), /only its owner/],
    ['everybody may write to', () => pidFile(own, 0o646), /only its owner/],
    ['is longer than a number', () => pidFile(own.padEnd(33)), /only its owner/],
    [
      'is a directory',
      async () => {
        await mkdir(folder.at('dir.pid'));
        return folder.at('dir.pid');
      },
      /only its owner/,
    ],
    [
      'is a pipe that nobody writes to',
      () => {
        execFileSync('mkfifo', ['-m', '600', folder.at('pipe.pid')]);
        return Promise.resolve(folder.at('pipe.pid'));
      },
      /only its owner/,
    ],
    ['is not there', () => Promise.resolve(folder.at('none.pid')), /ENOENT/],
    ['is empty', () => pidFile(''), /holds no number/],
    ['has a word', () => pidFile('nginx'), /holds no number/],
    ['has two numbers', () => pidFile(`${own} ${own}`), /holds no number/],
    ['has a number and more', () => pidFile(`${own}; x`), /holds no number/],
    ['has a group of processes', () => pidFile(`-${own}`), /holds no number/],
    ['has this group of processes', () => pidFile('0'), /no number of a process/],
    ['has the system', () => pidFile('1\n'), /no number of a process/],
    ['has a number beyond all numbers', () => pidFile('9'.repeat(20)), /no number of a process/],
  ])('is not told by a file that %s', async (_, make, says) => {
    await expect(reopen(await make())).rejects.toThrow(says);
    await signalsHaveCome();
    expect(told).not.toHaveBeenCalled();
  });

  it('that is gone is a fault of the rotation, and the log is rotated all the same', async () => {
    await folder.write('app.log', 'line\n', 40);
    const policy = { maxAgeDays: 30, reopen: { pidFile: await pidFile('nginx') } };
    const { counts, faults } = await rotate(folder, policy);
    expect(counts).toMatchObject({ rotated: 1 });
    expect(faults.map(({ what }) => what)).toEqual(['reopen']);
  });
});
