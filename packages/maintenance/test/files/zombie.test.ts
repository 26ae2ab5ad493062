import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clearRoom, measureRoom, type RoomRules } from '../../src/files/make-room.js';
import { openRoot } from '../../src/files/root.js';
import { interruptible } from '../support/faulty-files.js';
import { counting, rules } from '../support/room.js';

const now = Date.now();
const [old, kilobytes] = [(now - 40 * 86_400_000) / 1_000, 8];
const names = ['1', '2', '3', 'a/1', 'a/2', 'a/b/1', 'a/b/2', 'a/b/3'];

/** What others do to a file while this process is held up. */
const deeds: Record<string, (path: string) => void> = {
  'put others in their place by renaming'(path) {
    writeFileSync(`${path}~`, 'fresh');
    renameSync(`${path}~`, path);
  },
  // Their numbers may be those of the first.
  'removed them and made others'(path) {
    rmSync(path, { force: true });
    writeFileSync(path, 'fresh');
  },
  'wrote them anew': (path) => writeFileSync(path, 'fresh'),
};

/** Clears a directory; others come before its Nth call, or when it has looked at a batch and is about to remove it. */
async function heldUpAt(nth: number, rule: RoomRules, deed: (path: string) => void) {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-zombie-'));
  const at = (name: string): string => join(directory, name);
  try {
    for (const name of names) {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), 'x'.repeat(kilobytes * 1_024));
      utimesSync(at(name), old, old);
    }
    let calls = 0;
    const point = (): void => {
      if (++calls !== nth) return;
      for (const name of names) {
        mkdirSync(dirname(at(name)), { recursive: true });
        deed(at(name));
      }
    };
    const system = interruptible((operation, when) => {
      // The look right before it is a call as well, and what is between the two is left open.
      if (when === 'before' && operation !== 'unlink' && operation !== 'rmdir') point();
    });
    const root = await openRoot(directory, { system });
    if (!root) throw new Error('the directory is not there');
    const did = counting();
    const most = (): number => (point(), Infinity);
    try {
      await clearRoom(root, rule, await measureRoom(root, rule, counting()), { ...did, most }, true);
    } finally {
      await root.close();
    }
    const found = await readdir(directory, { recursive: true, withFileTypes: true });
    const paths = found.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
    const contents = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    const fresh = contents.filter((it) => it === 'fresh').length;
    const directories = found.filter((it) => it.isDirectory()).map(({ name }) => name);
    return { wasHeldUp: calls >= nth, files: contents.length, fresh, directories, ...did.total };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const byAge = rules({ cutoff: now - 30 * 86_400_000, floor: now - 60_000, ageBy: ['modification'] });
describe.each([
  ['by their age', byAge],
  ['for the sake of room', { ...byAge, cutoff: undefined, maxBytes: 2 * kilobytes * 1_024 }],
] as const)('a process that is held up while files go %s', (_, rule) => {
  it.each(Object.entries(deeds))('removes none of those that are there when others %s', async (_, deed) => {
    let points = 0;
    for (let isOver = false; !isOver; points++) {
      const { wasHeldUp, ...came } = await heldUpAt(points + 1, rule, deed);
      isOver = !wasHeldUp;
      if (wasHeldUp) expect([points, came]).toMatchObject([points, { files: names.length, fresh: names.length }]);
    }
    expect(points).toBeGreaterThan(30);
  });

  it('removes no directory that others put in the place of one', async () => {
    let points = 0;
    for (let isOver = false; !isOver; points++) {
      const put = (path: string): void => {
        // Once, and after all that the others need.
        if (!path.endsWith('/a/b/3')) return;
        renameSync(dirname(path), `${dirname(path)}-before`);
        mkdirSync(dirname(path));
      };
      const { wasHeldUp, directories } = await heldUpAt(points + 1, rule, put);
      isOver = !wasHeldUp;
      if (wasHeldUp) expect([points, directories]).toEqual([points, expect.arrayContaining(['b'])]);
    }
    expect(points).toBeGreaterThan(30);
  });

  it('counts none that others removed', async () => {
    let points = 0;
    for (let isOver = false; !isOver; points++) {
      let others = 0;
      const { wasHeldUp, removed } = await heldUpAt(points + 1, rule, (path) => {
        if (existsSync(path)) others += 1;
        rmSync(path, { force: true });
      });
      isOver = !wasHeldUp;
      if (wasHeldUp) expect([points, removed]).toEqual([points, names.length - others]);
    }
    expect(points).toBeGreaterThan(30);
  });
});
