import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearRoom, measureRoom, refusedFiles, type RoomRules } from '../../src/files/make-room.js';
import { openRoot } from '../../src/files/root.js';
import { failing } from '../support/faulty-files.js';
import { counting, rules } from '../support/room.js';

const now = Date.UTC(2026, 0, 31, 12);
const hour = 3_600_000;
let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'dotmac-room-'))));
afterEach(() => rm(folder, { recursive: true }));

/** A file last used so many hours before `now`. */
async function file(name: string, ageHours: number, bytes = 1): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.alloc(bytes, 1));
  const when = new Date(now - ageHours * hour);
  await utimes(path, when, when);
}
/** The names below the folder. A recursive `readdir` would follow links (Node 26 in all its forms), which are used by that. */
const left = async (within = ''): Promise<string[]> => {
  const entries = await readdir(join(folder, within), { withFileTypes: true });
  const below = entries.map(async (it) => {
    const name = join(within, it.name);
    return it.isDirectory() ? [name, ...(await left(name))] : [name];
  });
  return (await Promise.all(below)).flat().sort();
};

/** Measures and clears; first without removing anything. */
async function clear(given: Partial<RoomRules>): Promise<{ foretold: object; done: object; directories: number }> {
  const root = await openRoot(folder);
  if (!root) throw new Error('the folder is not there');
  const all = rules({ floor: now, ...given });
  const [looking, doing] = [counting(), counting()];
  try {
    await clearRoom(root, all, await measureRoom(root, all, counting()), looking, false);
    const room = await measureRoom(root, all, counting());
    const { directoriesRemoved } = await clearRoom(root, all, room, doing, true);
    return { foretold: looking.total, done: doing.total, directories: directoriesRemoved };
  } finally {
    await root.close();
  }
}
const olderThan = (hours: number) => ({ cutoff: now - hours * hour });

it('clearing a directory for room leaves what was used since the floor, also of the second in which that lies', async () => {
  const seconds = (age: number): number => (age * 1_000) / hour;
  for (let index = 0; index < 4; index++) await file(`older-${index}`, seconds(9.9));
  for (let index = 0; index < 8; index++) await file(`younger-${index}`, seconds(9.1));
  await clear({ floor: now - 9_500, maxBytes: 0 });
  expect(await left()).toEqual(Array.from({ length: 8 }, (_, index) => `younger-${index}`));
});

it('clearing a directory for room removes what is old before all else, though another of its second is not', async () => {
  const seconds = (age: number): number => (age * 1_000) / hour;
  for (let index = 0; index < 4; index++) await file(`older-${index}`, seconds(9.9), 4_096);
  for (let index = 0; index < 8; index++) await file(`younger-${index}`, seconds(9.1), 4_096);
  const { blocks } = await stat(join(folder, 'younger-0'));
  await clear({ cutoff: now - 9_500, maxBytes: 7 * blocks * 512 });
  const names = await left();
  expect([names.length, names.filter((name) => name.startsWith('older'))]).toEqual([7, []]);
});

describe('clearing a directory by age', () => {
  it('goes by the latest of the times that count', async () => {
    const times: [name: string, accessHours: number, writtenHours: number][] = [
      ['both', 5, 5],
      ['read', 1, 5],
      ['written', 5, 1],
    ];
    for (const [name, access, written] of times) {
      await file(name, 0);
      await utimes(join(folder, name), (now - access * hour) / 1_000, (now - written * hour) / 1_000);
    }
    await clear({ ...olderThan(2), ageBy: ['access', 'modification', 'change'] });
    expect(await left()).toEqual(['both', 'read', 'written']);
    await clear(olderThan(2));
    expect(await left()).toEqual(['read', 'written']);
    await clear({ ...olderThan(2), ageBy: ['modification'] });
    expect(await left()).toEqual(['written']);
  });

  it('removes directories that it empties, and empty ones that are old; no other', async () => {
    await file('emptied/deep/stale', 5);
    await file('half/stale', 5);
    await file('half/fresh', 1);
    for (const name of ['old', 'new']) await mkdir(join(folder, name));
    await utimes(join(folder, 'old'), 1, (now - 5 * hour) / 1_000);
    await utimes(join(folder, 'new'), 1, (now - hour) / 1_000);
    const { directories } = await clear(olderThan(2));
    expect([await left(), directories]).toEqual([['half', 'half/fresh', 'new'], 3]);
  });

  it('leaves links, hard links, pipes, sockets, and what has the sticky bit', async () => {
    await file('stale', 5);
    await file('sticky', 5);
    await chmod(join(folder, 'sticky'), 0o1644);
    await file('keep/stale', 5);
    await chmod(join(folder, 'keep'), 0o1755);
    await file('one', 5);
    await link(join(folder, 'one'), join(folder, 'two'));
    await symlink('one', join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    execFileSync('touch', ['-h', '-d', '2020-01-01', ...['link', 'pipe'].map((it) => join(folder, it))]);
    await clear(olderThan(2));
    expect(await left()).toEqual(['keep', 'link', 'one', 'pipe', 'sticky', 'two']);
    await clear({ ...olderThan(2), links: true });
    expect(await left()).toEqual(['keep', 'one', 'pipe', 'sticky', 'two']);
  });

  it('spares what is excluded by name or path, with all that is in it', async () => {
    for (const name of ['a.keep', 'deep/b.keep', 'deep/c', 'whole/d', 'x/y/z']) await file(name, 5);
    await clear({ ...olderThan(2), exclude: ['*.keep', 'whole', 'x/y'] });
    expect(await left()).toEqual(['a.keep', 'deep', 'deep/b.keep', 'whole', 'whole/d', 'x', 'x/y', 'x/y/z']);
  });

  it('does not enter a directory that somebody holds a lock of', async () => {
    await file('locked/stale', 5);
    await file('free/stale', 5);
    const holder = spawn('flock', [join(folder, 'locked'), 'sh', '-c', 'echo held; read _'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    await clear(olderThan(2));
    expect(await left()).toEqual(['locked', 'locked/stale']);
    holder.stdin.end();
    await once(holder, 'exit');
  });

  it('finds names that are no text, and of any length', async () => {
    const names = [
      Buffer.of(0x61, 0xff),
      Buffer.of(0xc3, 0x28),
      Buffer.from('\ufffd'),
      Buffer.from('é'.repeat(127)),
      Buffer.from('a\n\u202e'),
    ];
    for (const name of names) {
      const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
      await writeFile(path, 'x');
      await utimes(path, 1, 1);
    }
    expect(await clear(olderThan(2))).toMatchObject({ done: { removed: names.length } });
    expect(await left()).toEqual([]);
  });

  it('counts the room on the disk and not the length', async () => {
    await file('hole', 5);
    await truncate(join(folder, 'hole'), 2 ** 30);
    await utimes(join(folder, 'hole'), 1, 1);
    const { blocks } = await lstat(join(folder, 'hole'));
    expect(await clear(olderThan(2))).toMatchObject({ done: { removed: 1, bytes: blocks * 512 } });
  });

  it('only looking changes nothing, not even the times that files were read', async () => {
    for (const name of ['a', 'deep/b', 'deep/er/c']) await file(name, 5);
    const shape = async () =>
      Promise.all(
        (await left()).map(async (name) => {
          const { mode, size, atimeMs, mtimeMs, ctimeMs, ino } = await stat(join(folder, name));
          return [name, mode, size, mtimeMs, ctimeMs, ino, name.includes('.') ? 0 : size < 10 ? atimeMs : 0];
        }),
      );
    const before = await shape();
    const root = await openRoot(folder);
    if (!root) throw new Error('the folder is not there');
    const looking = counting();
    await clearRoom(root, rules(), { cutoff: now, beyond: 0 }, looking, false);
    await root.close();
    expect([looking.total.removed, looking.sample.sort()]).toEqual([3, ['a', 'deep/b', 'deep/er/c']]);
    expect(await shape()).toEqual(before);
  });
});

describe('clearing a directory for room', () => {
  const block = 8_192;
  it('removes the least recently used, wherever they are, down to the size', async () => {
    for (let age = 1; age <= 10; age++) await file(`${age % 3}/${age}`, age, block);
    await clear({ maxBytes: 4 * block });
    expect((await left()).filter((it) => it.includes('/'))).toEqual(['0/3', '1/1', '1/4', '2/2']);
  });

  it('keeps what was used since the floor, and says what is missing', async () => {
    for (let age = 1; age <= 6; age++) await file(`${age}`, age, block);
    const given = rules({ maxBytes: 0, floor: now - 3.5 * hour });
    const root = await openRoot(folder);
    if (!root) throw new Error('the folder is not there');
    expect((await measureRoom(root, given, counting())).missing).toBe(3 * block);
    await root.close();
    await clear(given);
    expect(await left()).toEqual(['1', '2', '3']);
  });

  it('may be held up between the files that it measures, and cut short there', async () => {
    for (let name = 1; name <= 150; name++) await file(`${name}`, 1);
    const root = await openRoot(folder);
    if (!root) throw new Error('the folder is not there');
    let asked = 0;
    await measureRoom(root, rules({ maxBytes: 0 }), { ...counting(), relief: async () => void (asked += 1) });
    expect(asked).toBe(3);
    const relief = () => Promise.reject(new Error('enough'));
    await expect(measureRoom(root, rules({ maxBytes: 0 }), { ...counting(), relief })).rejects.toThrow('enough');
    await root.close();
  });

  it('removes of files of one second no more than it has to', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await file(name, 5, block);
    await file('older', 6, block);
    const { done } = await clear({ maxBytes: 3 * block });
    expect([done, (await left()).length]).toEqual([{ seen: 5, removed: 2, bytes: 2 * block }, 3]);
    expect(await left()).not.toContain('older');
  });

  it('frees the disk up to what is to be left', async () => {
    for (let age = 1; age <= 4; age++) await file(`${age}`, age, block);
    await clear({ minFree: 1 });
    expect(await left()).toHaveLength(4);
    await clear({ minFree: { share: 1 } });
    expect(await left()).toEqual([]);
  });

  it('does exactly what it foretold, and never removes a younger file before an older one', async () => {
    const ages = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 12 });
    const limits = fc.record({
      cutoff: fc.option(fc.integer({ min: 0, max: 14 }), { nil: undefined }),
      maxBlocks: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
      floor: fc.integer({ min: 0, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(ages, limits, async (hours, { cutoff, maxBlocks, floor }) => {
        await rm(folder, { recursive: true });
        await mkdir(folder);
        for (const [index, age] of hours.entries()) await file(`${index % 2}/${index}-${age}`, age, block);
        const { foretold, done } = await clear({
          cutoff: cutoff === undefined ? undefined : now - cutoff * hour,
          maxBytes: maxBlocks === undefined ? undefined : maxBlocks * block,
          floor: now - floor * hour,
        });
        expect(foretold).toEqual(done);
        const kept = (await left()).filter((it) => it.includes('-')).map((it) => Number(it.split('-')[1]));
        const gone = [...hours];
        for (const age of kept) gone.splice(gone.indexOf(age), 1);
        const old = hours.filter((age) => cutoff !== undefined && age > cutoff).length;
        const eligible = hours.filter((age) => (cutoff !== undefined && age > cutoff) || age > floor).length;
        expect(gone).toHaveLength(Math.max(old, Math.min(eligible, hours.length - (maxBlocks ?? Infinity))));
        expect(Math.min(Infinity, ...gone)).toBeGreaterThanOrEqual(
          Math.max(0, ...kept.filter((age) => age > floor || (cutoff !== undefined && age > cutoff))),
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe('a file that the system refuses', () => {
  const counted = counting();
  const clearWith = async (code: string) => {
    for (let i = 0; i < 5; i++) await file(String(i), 100);
    const { system } = failing('unlink', 2, code);
    const root = await openRoot(folder, { system });
    if (!root) throw new Error('the folder is not there');
    const all = rules({ floor: now, cutoff: now - 10 * hour });
    try {
      return await clearRoom(root, all, { cutoff: now - 10 * hour, beyond: 0 }, counted, true);
    } finally {
      await root.close();
    }
  };

  it.each(['EACCES', 'EPERM', 'EBUSY'])('for its own sake (%s) stays, and the others go', async (code) => {
    expect(await clearWith(code)).toMatchObject({ complete: true, filesLeft: 1 });
    expect(await left()).toHaveLength(1);
  });

  it('makes no room: another of its second goes in its place, and what is measured then leaves it out', async () => {
    for (const name of ['a', 'b', 'c']) await file(`${name}/file`, 5, 8_192);
    const root = await openRoot(folder, { system: failing('unlink', 1, 'EACCES').system });
    if (!root) throw new Error('the folder is not there');
    const all = rules({ floor: now, maxBytes: 2 * 8_192 });
    const [doing, refused] = [counting(), refusedFiles()];
    try {
      const outcome = await clearRoom(root, all, await measureRoom(root, all, counting()), { ...doing, refused }, true);
      expect([outcome.filesLeft, doing.total.removed, refused.count]).toEqual([1, 1, 1]);
      const empty = { ...all, maxBytes: 0 };
      expect(await measureRoom(root, empty, { ...counting(), refused })).toMatchObject({
        bytes: 16_384,
        missing: 8_192,
      });
    } finally {
      await root.close();
    }
  });

  it('because the disk fails ends the sweep, after what has gone was counted', async () => {
    const { removed } = counted.total;
    await expect(clearWith('EIO')).rejects.toMatchObject({ code: 'EIO' });
    expect(counted.total.removed - removed).toBe(1);
    expect(await left()).toHaveLength(4);
  });
});
