import { link, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
});
