import { rename, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemFiles, type FileSystem } from '../../src/files/system.js';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { failing } from '../support/faulty-files.js';
import { day, logFolder, rotate, type LogFolder } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);
let folder: LogFolder;
beforeEach(async () => void (folder = await logFolder(now)));
afterEach(() => folder.remove());

const copied = { maxSizeMb: 1e-9, method: 'copytruncate', compress: false } as const;

describe('what a dead process left of copying a log', () => {
  it.each<[how: string, policy: Partial<LogPolicy>, name: string, ends: string]>([
    ['numbered', { ...copied, naming: 'numbered' }, 'app.log.1', ''],
    ['dated', copied, 'app.log.20260130T120000Z', ''],
    ['numbered, and the other is compressed', { ...copied, naming: 'numbered', compress: {} }, 'app.log.1', '.gz'],
  ])('has the next name when another file took its own: %s', async (_, policy, name, ends) => {
    await folder.write(name, 'line 1\n', 3);
    if (ends !== '') await rotate(folder, { ...policy, maxSizeMb: 1 }, { now });
    expect(await folder.names()).toEqual([`${name}${ends}`]);
    await folder.write('app.log', 'line 3\n');
    await writeFile(folder.at(`${name}.copying`), 'line 2\n');
    for (let later = 0; later < 3; later++) {
      const { faults, notes } = await rotate(folder, policy, { now: now + later * day });
      expect([faults, notes]).toEqual([[], []]);
      expect((await folder.lines()).sort()).toEqual(['line 1', 'line 2', 'line 3']);
    }
    expect((await folder.names()).filter((it) => it.startsWith('app.log.'))).toHaveLength(3);
  });

  it('keeps no other log from its turn while it cannot be read, and its own from being emptied', async () => {
    await folder.write('app.log', 'line 1\n');
    await writeFile(folder.at('app.log.20260130T120000Z.copying'), 'line 1\n');
    await folder.write('web.log', 'line 2\n');
    await folder.write('web.log.20250101T000000Z', 'line 3\n', 400);
    const policy = { ...copied, retentionDays: 30 };
    const { system } = failing('read', 1, 'EIO');
    const first = await rotate(folder, policy, { now, system });
    expect(first.faults).toMatchObject([{ what: 'file', error: { code: 'EIO' } }]);
    expect(first.counts).toMatchObject({ rotated: 1, deleted: 1 });
    expect((await stat(folder.at('app.log'))).size).toBe(7);
    // What it holds is in the log as well: once that was emptied, it would have been taken for all that there is.
    const { faults, counts } = await rotate(folder, policy, { now: now + day });
    expect([faults, counts.rotated]).toEqual([[], 1]);
    expect((await folder.lines()).sort()).toEqual(['line 1', 'line 2']);
  });
});

describe('what a dead process left of compressing a log', () => {
  it('keeps nothing else from its turn while it cannot be read', async () => {
    await folder.write('app.log.1', 'line 1\n', 2);
    await rotate(folder, { naming: 'numbered' }, { now });
    await rename(folder.at('app.log.1.gz'), folder.at('aside'));
    await folder.write('app.log.1', 'line 1\n', 2);
    await rename(folder.at('aside'), folder.at('app.log.1.gz'));
    await folder.write('app.log', 'line 2\n');
    await folder.write('web.log', 'line 3\n');
    const policy = { maxSizeMb: 1e-9, naming: 'numbered' } as const;
    const opened: FileHandle[] = [];
    let isBroken = true;
    const open: FileSystem['open'] = async (path, ...how) => {
      if (isBroken && String(path).endsWith('/app.log.1')) {
        isBroken = false;
        throw Object.assign(new Error('made to fail'), { code: 'EIO' });
      }
      const handle = await systemFiles.open(path, ...how);
      opened.push(handle);
      return handle;
    };
    const system = { ...systemFiles, open };
    const { faults, counts } = await rotate(folder, policy, { now, system });
    expect(faults).toMatchObject([{ what: 'file', error: { code: 'EIO' } }]);
    expect(counts).toMatchObject({ rotated: 2, compressed: 2 });
    expect(opened.filter(({ fd }) => fd >= 0)).toEqual([]);
    expect((await rotate(folder, policy, { now: now + day })).faults).toEqual([]);
    expect((await folder.lines()).sort()).toEqual(['line 1', 'line 2', 'line 3']);
  });
});
