import type { Kysely } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  databaseFromUrl,
  inTransaction,
  isUniqueViolation,
  keptQuery,
  migrate,
  writeTogether,
  type Database,
  type WritesTogether,
} from '../../src/kysely/index.js';
import { counterMigrations, row, type Tables } from '../support/counters.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const named = keptQuery((db: Kysely<Tables>, { name }: { name: string }) =>
  db.selectFrom('counters').select(['name', 'n', 'best', 'info']).where('name', '=', name),
);

for (const { present, fresh: createFresh, title } of dialects)
  describe.skipIf(!present)(`writes of one commit on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      await migrate(database, counterMigrations);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });
    const kysely = (): Kysely<Tables> => database.withTables<Tables>();
    beforeEach(async () => {
      await kysely().deleteFrom('counters').execute();
      await kysely()
        .insertInto('counters')
        .values([row('guard', 1, 0), row('other', 5, 0), row('gone', 6, 0)])
        .execute();
    });
    const stored = async () => {
      const rows = await kysely().selectFrom('counters').select(['name', 'n', 'best']).orderBy('name').execute();
      return Object.fromEntries(rows.map(({ name, n, best }) => [name, [Number(n), Number(best)]]));
    };
    const swap = (from: number, to: number, then: WritesTogether['then'] = []): WritesTogether => {
      return { guard: { update: 'counters', set: { n: to }, where: { name: 'guard', n: from } }, then };
    };
    const all: WritesTogether['then'] = [
      { insert: 'counters', rows: [row('a', 1, 1), row('b', 2, 2)], computed: {} },
      { update: 'counters', set: { n: 50, best: 7 }, where: { name: 'other' } },
      { delete: 'counters', where: { name: 'gone', n: 6 } },
    ];
    const before = { guard: [1, 0], other: [5, 0], gone: [6, 0] };
    const after = { guard: [2, 0], other: [50, 7], a: [1, 1], b: [2, 2] };

    it('makes all of them when the guard finds its row', async () => {
      expect(await writeTogether(database, swap(1, 2, all))).toBe(true);
      expect(await stored()).toEqual(after);
    });

    it('makes none of them when it does not, by itself or in a transaction', async () => {
      expect(await writeTogether(database, swap(9, 2, all))).toBe(false);
      const joined = await inTransaction<Tables, boolean>(database, undefined, (trx) =>
        writeTogether(database, swap(9, 2, all), trx),
      );
      expect(joined).toBe(false);
      expect(await stored()).toEqual(before);
    });

    it('commits and is undone with the transaction that it joins', async () => {
      const work = (undo: boolean) =>
        inTransaction<Tables, boolean>(database, undefined, async (trx) => {
          const written = await writeTogether(database, swap(1, 2, all), trx);
          expect(await named(database, { name: 'guard' }, trx)).toMatchObject([{ name: 'guard' }]);
          if (undo) throw new Error('undo');
          return written;
        });
      await expect(work(true)).rejects.toThrow('undo');
      expect(await stored()).toEqual(before);
      expect(await work(false)).toBe(true);
      expect(await stored()).toEqual(after);
    });

    it('asks for a row to be held as well, and writes nothing without it', async () => {
      const holding = (n: number) => ({
        ...swap(1, 2, all),
        holding: { table: 'counters', where: { name: 'gone', n } },
      });
      expect(await writeTogether(database, holding(7))).toBe(false);
      expect(await stored()).toEqual(before);
      expect(await writeTogether(database, holding(6))).toBe(true);
      expect(await stored()).toEqual(after);
    });

    it('skips new rows that are there already where it is told to, and fails for them elsewhere', async () => {
      const known = { insert: 'counters', rows: [row('other', 9, 9), row('a', 1, 1)] };
      await expect(writeTogether(database, swap(1, 2, [known]))).rejects.toSatisfy(isUniqueViolation);
      expect(await stored()).toEqual(before);
      const work = (from: number, to: number) => swap(from, to, [{ ...known, skipExisting: true }]);
      expect(await writeTogether(database, work(1, 2))).toBe(true);
      const then = { ...before, guard: [2, 0], a: [1, 1] };
      expect(await stored()).toEqual(then);
      expect(await inTransaction(database, undefined, (trx) => writeTogether(database, work(2, 3), trx))).toBe(true);
      expect(await stored()).toEqual({ ...then, guard: [3, 0] });
    });

    it('has one winner of fifty who swap the same row', async () => {
      const racers = Array.from({ length: 50 }, (_, index) =>
        writeTogether(database, swap(1, 100 + index, [{ insert: 'counters', rows: [row(`r${index}`, index, 0)] }])),
      );
      const won = (await Promise.all(racers)).flatMap((outcome, index) => (outcome ? [index] : []));
      expect(won).toHaveLength(1);
      expect(await stored()).toEqual({ ...before, guard: [100 + Number(won[0]), 0], [`r${won[0]}`]: [won[0], 0] });
    });

    it('lets those that share a commit fail by themselves', async () => {
      const names = Array.from({ length: 20 }, (_, index) => (index === 7 ? 'other' : `n${index}`));
      const outcomes = await Promise.allSettled(
        names.map((name, index) =>
          writeTogether(database, {
            guard: { update: 'counters', set: { best: index }, where: { name: 'guard' } },
            then: [{ insert: 'counters', rows: [row(name, index, 0)] }],
          }),
        ),
      );
      const failed = outcomes.filter((it) => it.status === 'rejected');
      expect(failed).toHaveLength(1);
      expect(isUniqueViolation(failed[0]?.reason)).toBe(true);
      expect(outcomes[7]?.status).toBe('rejected');
      expect(Object.keys(await stored())).toHaveLength(3 + 19);
    });

    it('keeps any text as it is, and what is no text as U+FFFD', async () => {
      const texts = ['\\ \' " $1 ? `', '\n\t{"a":[1]}', 'Ключ 😀'];
      for (const [index, name] of texts.entries())
        await writeTogether(
          database,
          swap(index + 1, index + 2, [{ insert: 'counters', rows: [row(name, index, 0)] }]),
        );
      for (const [index, name] of texts.entries())
        expect((await named(database, { name })).map(({ n }) => Number(n))).toEqual([index]);
      if (title !== 'PostgreSQL') return;
      await writeTogether(database, swap(4, 5, [{ insert: 'counters', rows: [row('half \ud83d', 9, 0)] }]));
      expect(await named(database, { name: 'half \ufffd' })).toHaveLength(1);
    });
  });
