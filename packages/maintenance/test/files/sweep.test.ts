import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRoot } from '../../src/files/root.js';
import { sweep, type Sweep, type Swept } from '../../src/files/sweep.js';

describe('a sweep', () => {
  let outer: string;
  const at = (...names: string[]) => join(outer, ...names);
  beforeEach(async () => void (outer = await mkdtemp(join(tmpdir(), 'dotmac-sweep-'))));
  afterEach(() => rm(outer, { recursive: true }));

  const fill = (count: number, ...names: string[]) =>
    Promise.all(Array.from({ length: count }, (_, index) => writeFile(at(...names, `file-${index}`), 'x')));
  const swept = async (more: Partial<Sweep> = {}) => {
    const root = await openRoot(outer);
    if (!root) throw new Error('the directory is not there');
    const batches: Swept[] = [];
    const outcome = await sweep(root, {
      ...{ goes: () => true, spared: () => false, locked: () => Promise.resolve(false), emptyGoes: () => false },
      ...{ links: false, remove: true, most: () => Infinity, signal: new AbortController().signal },
      step: (batch) => (batches.push(batch), Promise.resolve(true)),
      ...more,
    }).finally(() => root.close());
    return { outcome, removed: batches.map((batch) => batch.removed) };
  };

  it('removes no more of a batch than may go, and sees all of it', async () => {
    await fill(10);
    const { outcome, removed } = await swept({ most: () => 3 });
    expect([outcome.complete, removed]).toEqual([true, [3]]);
    expect(await readdir(outer)).toHaveLength(7);
    expect((await swept({ most: () => -1 })).removed).toEqual([0]);
  });

  it('ends when it is told to, and enters nothing more', async () => {
    await mkdir(at('inner'));
    await fill(3, 'inner');
    await fill(3);
    const { outcome } = await swept({ step: () => Promise.resolve(false) });
    expect(outcome).toMatchObject({ complete: false, directoriesRemoved: 0 });
    expect(await readdir(outer)).toEqual(['inner']);
    expect(await readdir(at('inner'))).toHaveLength(3);
  });

  it('ends by its signal before the next batch', async () => {
    await fill(3);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(swept({ signal })).rejects.toThrow('enough');
    expect(await readdir(outer)).toHaveLength(3);
  });

  it('only looks where nothing is to be removed', async () => {
    await mkdir(at('inner'));
    await fill(2, 'inner');
    const { outcome, removed } = await swept({ remove: false, emptyGoes: () => true });
    expect([outcome.directoriesRemoved, removed]).toEqual([0, [0, 2]]);
    expect(await readdir(at('inner'))).toHaveLength(2);
  });

  it('removes the directories that it emptied, others where they may go, and none that has something left', async () => {
    for (const name of ['emptied', 'empty', 'kept']) await mkdir(at(name));
    await fill(2, 'emptied');
    await fill(2, 'kept');
    await swept({ goes: (_, path) => path !== 'kept/file-1' });
    expect((await readdir(outer)).toSorted()).toEqual(['empty', 'kept']);
    expect(await readdir(at('kept'))).toEqual(['file-1']);
    await swept({ goes: () => false, emptyGoes: () => true });
    expect(await readdir(outer)).toEqual(['kept']);
  });

  it('leaves what is locked, and what is spared, with all that is in it', async () => {
    for (const name of ['locked', 'spared']) await mkdir(at(name));
    for (const name of ['locked', 'spared']) await fill(2, name);
    const { outcome } = await swept({ spared: (path) => path === 'spared', locked: () => Promise.resolve(true) });
    expect(outcome.directoriesLeft).toBe(1);
    for (const name of ['locked', 'spared']) expect(await readdir(at(name))).toHaveLength(2);
  });

  it('enters sixty-four directories one in another, and no more', async () => {
    const path = Array<string>(66).fill('d');
    await mkdir(at(...path), { recursive: true });
    await writeFile(at(...path.slice(0, 64), 'file'), 'x');
    await writeFile(at(...path.slice(0, 65), 'file'), 'x');
    expect((await swept()).outcome.directoriesLeft).toBe(1);
    await expect(access(at(...path.slice(0, 64), 'file'))).rejects.toMatchObject({ code: 'ENOENT' });
    await access(at(...path.slice(0, 65), 'file'));
  });
});
