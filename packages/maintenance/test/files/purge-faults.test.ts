import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { clearRoom, measureRoom, type RoomRules } from '../../src/files/make-room.js';
import { openRoot } from '../../src/files/root.js';
import type { FileSystem } from '../../src/files/system.js';
import { dyingAt, failing, operations, type Operation } from '../support/faulty-files.js';

const now = Date.now();
const old = new Date(now - 40 * 86_400_000);
const byAge: RoomRules = {
  cutoff: now - 30 * 86_400_000,
  maxBytes: undefined,
  minFree: { share: 0 },
  floor: now,
  ageBy: ['modification'],
  exclude: ['kept-*'],
  links: false,
};

/** As much as the three young ones take is to be left, and those that are kept do not count. */
const forRoom: RoomRules = { ...byAge, cutoff: undefined, maxBytes: 3 * 8_192 };

/** Old and young files, of which some are in directories that will be empty, beside a directory that is none of its business. */
async function prepare(): Promise<{ parent: string; directory: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'dotmac-purge-'));
  const directory = join(parent, 'cache');
  for (const inner of ['', 'a', 'a/b', 'c', '../outside']) {
    await mkdir(join(directory, inner), { recursive: true });
    for (const name of ['old-1', 'old-2', 'old-3', 'kept-old', 'young']) {
      if (inner === 'a/b' && !name.startsWith('old')) continue;
      const path = join(directory, inner, name);
      await writeFile(path, 'x'.repeat(5_000));
      if (name !== 'young') await utimes(path, old, old);
    }
  }
  return { parent, directory };
}
const going = 12;
const staying = ['a', 'a/kept-old', 'a/young', 'c', 'c/kept-old', 'c/young', 'kept-old', 'young'];
const outside = ['kept-old', 'old-1', 'old-2', 'old-3', 'young'];

async function purge(directory: string, system?: FileSystem, rules = byAge): Promise<number> {
  let removed = 0;
  const root = await openRoot(directory, { shared: true, ...(system && { system }) });
  const context = { clock: systemClock, signal: new AbortController().signal, most: () => Infinity };
  try {
    if (!root) throw new Error('no directory');
    const room = await measureRoom(root, rules, context);
    const step = (batch: { removed: number }) => Promise.resolve(((removed += batch.removed), true));
    await clearRoom(root, rules, room, { ...context, step }, true);
  } catch (error) {
    if (!system) throw error;
  } finally {
    await root?.close();
  }
  return removed;
}

/** What calls fail with; all others with EIO. */
const codes: Partial<Record<Operation, string[]>> = {
  unlink: ['EIO', 'EACCES', 'ENOSPC'],
  rmdir: ['EIO', 'ENOSPC'],
  open: ['EIO', 'EMFILE'],
};

/** Calls that purging cannot do without: of these at least one has to have failed. */
const needed: readonly Operation[] = ['open', 'opendir', 'lstat', 'unlink', 'rmdir', 'statfs'];

describe('a call that fails while a directory is purged', () => {
  it.each(operations)(
    '%s: what is to stay stays, each file that goes is counted once, and the next run is done',
    async (operation) => {
      for (const code of codes[operation] ?? ['EIO']) {
        let failed = 0;
        for (let nth = 1, last = Infinity; nth <= last; nth++) {
          const at = `${operation} ${nth} ${code}`;
          const { parent, directory } = await prepare();
          try {
            const { system, calls } = failing(operation, nth, code);
            const before = await purge(directory, system).catch(() => 0);
            if (calls() < nth) last = nth;
            else failed += 1;
            const left = await readdir(directory, { recursive: true });
            expect([at, staying.filter((name) => !left.includes(name))]).toEqual([at, []]);
            const after = await purge(directory);
            expect([at, before + after]).toEqual([at, going]);
            // A directory that was emptied and could not be removed is young, and goes when it is old.
            const found = (await readdir(directory, { recursive: true })).filter((name) => name !== 'a/b').sort();
            expect([at, found]).toEqual([at, staying]);
            expect([at, (await readdir(join(parent, 'outside'))).sort()]).toEqual([at, outside]);
          } finally {
            await rm(parent, { recursive: true });
          }
        }
        if (needed.includes(operation)) expect([operation, code, failed]).not.toEqual([operation, code, 0]);
      }
    },
  );
});

describe.each([
  ['by their age', byAge],
  ['for the sake of room', forRoom],
] as const)('a process that dies while files go %s', (_, rules) => {
  it('has removed nothing but what is due, at whichever call it dies, and the next run removes the rest', async () => {
    const removed = new Set<number>();
    let points = 0;
    for (let nth = 1, last = Infinity; nth <= last; nth++, points++) {
      const { parent, directory } = await prepare();
      try {
        const found = async () => (await readdir(directory, { recursive: true })).sort();
        const { system, calls } = dyingAt(nth);
        await purge(directory, system, rules).catch(() => 0);
        if (calls() < nth) last = nth;
        const left = await found();
        expect([nth, staying.filter((name) => !left.includes(name))]).toEqual([nth, []]);
        removed.add(going - left.filter((name) => name.includes('old-')).length);
        await purge(directory, undefined, rules);
        // A directory that was emptied and could not be removed is young, and goes when it is old.
        expect([nth, (await found()).filter((name) => name !== 'a/b')]).toEqual([nth, staying]);
        expect([nth, (await readdir(join(parent, 'outside'))).sort()]).toEqual([nth, outside]);
      } finally {
        await rm(parent, { recursive: true });
      }
    }
    expect(points).toBeGreaterThan(50);
    // Before the first, after the last, and between.
    expect(removed.size).toBeGreaterThan(5);
    expect([Math.min(...removed), Math.max(...removed)]).toEqual([0, going]);
  });
});
