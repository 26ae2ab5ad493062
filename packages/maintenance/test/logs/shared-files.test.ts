import { link, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dyingAt } from '../support/faulty-files.js';
import { logFolder, rotate, type LogFolder } from '../support/logs.js';

describe('logs that have a second name elsewhere, as a backup by hard links gives them', () => {
  let folder: LogFolder;
  beforeEach(async () => void (folder = await logFolder()));
  afterEach(() => folder.remove());

  it('are left alone, and not taken for what a rotation left half done, whose names follow each other alike', async () => {
    const snapshot = join(folder.directory, '..', 'snapshot');
    await mkdir(snapshot);
    for (const name of ['app.log', 'app.log.1', 'app.log.2']) {
      await folder.write(name, `${name}\n`, 3);
      await link(folder.at(name), join(snapshot, name));
    }
    const { counts, faults } = await rotate(folder, { maxSizeMb: 1e-9, naming: 'numbered', compress: false });
    expect(faults).toEqual([]);
    expect(counts).toMatchObject({ rotated: 0, deleted: 0 });
    expect(await folder.lines()).toEqual(['app.log', 'app.log.1', 'app.log.2']);
  });

  const policy = { maxSizeMb: 1e-9, naming: 'numbered', compress: false } as const;
  /** A snapshot of the last day has the first and the third of the rotated ones. */
  async function prepare(): Promise<string> {
    const snapshot = join(folder.directory, '..', 'snapshot');
    await mkdir(snapshot);
    for (const [index, name] of ['app.log.5', 'app.log.4', 'app.log.3', 'app.log.2', 'app.log.1'].entries())
      await folder.write(name, `line ${index}\n`, 6 - index);
    for (const name of ['app.log.1', 'app.log.3']) await link(folder.at(name), join(snapshot, name));
    await folder.write('app.log', 'line 5\n');
    return snapshot;
  }
  const all = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index}`);

  it('are passed over by the numbers of the others, which go on', async () => {
    const snapshot = await prepare();
    for (let next = 6; next < 9; next++) {
      expect(await rotate(folder, policy)).toMatchObject({ counts: { rotated: 1, odd: 2 }, faults: [] });
      await folder.write('app.log', `line ${next}\n`);
      expect((await folder.lines()).sort()).toEqual(all(next + 1));
    }
    expect(await folder.read('app.log.1')).toBe('line 4\n');
    expect(await folder.read('app.log.2')).toBe('line 7\n');
    expect(await folder.read('app.log.3')).toBe('line 2\n');
    await rm(snapshot, { recursive: true });
    expect(await rotate(folder, policy)).toMatchObject({ counts: { rotated: 1, odd: 0 }, faults: [] });
    expect((await folder.lines()).sort()).toEqual(all(9));
  });

  it('are passed over by a process that dies at any of its calls, and by the next, which leave every line once', async () => {
    let points = 0;
    for (let isOver = false; !isOver; points++) {
      await folder.remove();
      folder = await logFolder();
      await prepare();
      const { system, calls } = dyingAt(points + 1);
      await rotate(folder, policy, { system }).catch(() => undefined);
      isOver = calls() <= points;
      const { faults } = await rotate(folder, policy);
      expect([points, faults, (await folder.lines()).sort()]).toEqual([points, [], all(6)]);
      expect([points, await folder.read('app.log.3')]).toEqual([points, 'line 2\n']);
    }
    expect(points).toBeGreaterThan(50);
  });
});
