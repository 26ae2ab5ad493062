import { symlink } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { numbered, type RotatedName } from '../../src/logs/naming.js';
import { logFolder, rotate } from '../support/logs.js';

const read = (name: string): RotatedName => {
  const it_ = numbered.read(name);
  if (!it_) throw new Error(`${name} is no rotated name`);
  return it_;
};

/** Names of rotated files, each of a file that may be moved or is left alone; some have one number. */
const anyFiles = fc.uniqueArray(
  fc.record({
    name: fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom('', '.gz', '.zst'))
      .map(([rank, suffix]) => `app.log.${rank}${suffix}`),
    isHeld: fc.boolean(),
  }),
  { maxLength: 12, selector: ({ name }) => name },
);

it('numbers make room for the youngest, whatever is left alone: no file is overwritten, and their order is kept', () => {
  fc.assert(
    fc.property(anyFiles, (files) => {
      const [held, rotated] = [true, false].map((wanted) =>
        files.filter(({ isHeld }) => isHeld === wanted).map(({ name }) => read(name)),
      ) as [RotatedName[], RotatedName[]];
      // By name, the file that has it: what it was named at first.
      const there = new Map(files.map(({ name }) => [name, name]));
      for (const { from, to } of numbered.shift('app.log', rotated, held)) {
        const file = there.get(from);
        expect([file === undefined, there.has(to)]).toEqual([false, false]);
        const [old, now] = [read(from).rank, read(to).rank];
        // What is between them is all left alone: else recovery would not know a move that a dead process began.
        for (let rank = old + 1; rank < now; rank++) expect(held.map((it_) => it_.rank)).toContain(rank);
        there.delete(from);
        there.set(to, file ?? '');
      }
      const [name = ''] = numbered.names('app.log', 0, rotated, held);
      for (const suffix of ['', '.gz', '.zst']) expect([...there.keys()]).not.toContain(`${name}${suffix}`);
      for (const it_ of held) expect(there.get(it_.name)).toBe(it_.name);
      const moved = [...there].filter(([, was]) => rotated.some((it_) => it_.name === was));
      const ranks = moved.map(([is, was]) => ({ is: read(is).rank, was: read(was).rank }));
      for (const one of ranks) {
        expect(one.is).toBeGreaterThan(read(name).rank);
        for (const other of ranks) expect(Math.sign(one.is - other.is)).toBe(Math.sign(one.was - other.was));
      }
    }),
    { numRuns: 2_000 },
  );
});

it('a rotated file beside a link of its number moves on, and the log gets a number', async () => {
  const folder = await logFolder();
  try {
    await folder.write('app.log.1', 'older\n');
    await symlink('/dev/null', folder.at('app.log.1.gz'));
    await folder.write('app.log', 'younger\n');
    const policy = { naming: 'numbered', maxSizeMb: 1e-9, compress: false } as const;
    const { counts, faults } = await rotate(folder, policy);
    expect([counts.rotated, faults]).toEqual([1, []]);
    expect(await folder.names()).toEqual(['app.log.1.gz', 'app.log.2', 'app.log.3']);
    expect([await folder.read('app.log.2'), await folder.read('app.log.3')]).toEqual(['younger\n', 'older\n']);
  } finally {
    await folder.remove();
  }
});
