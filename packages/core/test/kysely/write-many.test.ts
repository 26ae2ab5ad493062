import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  databaseFromUrl,
  inTransaction,
  isUniqueViolation,
  writeTogether,
  type Database,
  type WritesTogether,
} from '../../src/kysely/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

interface Tables {
  goods: { name: string; n: number };
  places: { name: string; good: string; seq: number };
  notes: { seq?: number; name: string; at: number };
}

for (const { dialect, present, fresh: createFresh, title } of dialects)
  describe.skipIf(!present)(`those who write at the same time on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      const { types } = database.traits;
      const { schema } = database.kysely;
      const named = (table: string) =>
        schema.createTable(table).addColumn('name', types.key, (c) => c.notNull().primaryKey());
      await named('goods').addColumn('n', types.bigInt).execute();
      await named('places').addColumn('good', types.key).addColumn('seq', types.int).execute();
      await schema
        .createTable('notes')
        .addColumn('seq', types.serial)
        .addColumn('name', types.key)
        .addColumn('at', types.bigInt)
        .execute();
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });
    const kysely = (): Kysely<Tables> => database.withTables<Tables>();
    const names = Array.from({ length: 12 }, (_, index) => `g${index}`);
    beforeEach(async () => {
      for (const table of ['goods', 'places', 'notes'] as const) await kysely().deleteFrom(table).execute();
      await kysely()
        .insertInto('goods')
        .values(names.map((name) => ({ name, n: 0 })))
        .execute();
      await kysely()
        .insertInto('places')
        .values(names.map((name) => ({ name: `p-${name}`, good: name, seq: 0 })))
        .execute();
    });

    /** Moves a good on, and says so at its place and in two notes. */
    const move = (name: string, from: number, to: number, note = `${name} ${to}`): WritesTogether => ({
      holding: { table: 'places', where: { name: `p-${name}`, seq: from } },
      guard: { update: 'goods', set: { n: to }, where: { name, n: from } },
      then: [
        {
          insert: 'notes',
          rows: [{ name: note }, { name: `${note}, again` }],
          computed: { at: sql`1 + 1` },
        },
        { update: 'places', set: { seq: to }, where: { name: `p-${name}`, good: name } },
      ],
    });
    /** Puts a place of its own beside a good. */
    const put = (name: string, to: number, place: string): WritesTogether => ({
      guard: { update: 'goods', set: { n: to }, where: { name, n: 0 } },
      then: [{ insert: 'places', rows: [{ name: place, good: name, seq: to }] }],
    });
    const goods = async (): Promise<Record<string, number>> => {
      const rows = await kysely().selectFrom('goods').selectAll().execute();
      return Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]));
    };

    it('each write all that is theirs, in their order', async () => {
      expect(await Promise.all(names.map((name, index) => writeTogether(database, move(name, 0, index + 1))))).toEqual(
        names.map(() => true),
      );
      expect(await goods()).toEqual(Object.fromEntries(names.map((name, index) => [name, index + 1])));
      const places = await kysely().selectFrom('places').select(['good', 'seq']).execute();
      expect(Object.fromEntries(places.map(({ good, seq }) => [good, seq]))).toEqual(await goods());
      const notes = await kysely().selectFrom('notes').selectAll().orderBy('seq').execute();
      expect(notes).toHaveLength(2 * names.length);
      for (const name of names) {
        const own = notes.filter((note) => note.name.startsWith(`${name} `));
        expect(own.map((note) => note.name.includes('again'))).toEqual([false, true]);
        expect(own.map(({ at }) => Number(at))).toEqual([2, 2]);
      }
    });

    it('skip what is there already where they are told to, each for itself', async () => {
      const same = (name: string): WritesTogether => ({
        ...put(name, 1, 'p-g0'),
        then: [{ insert: 'places', rows: [{ name: 'p-g0', good: name, seq: 9 }], skipExisting: true }],
      });
      const outcomes = await Promise.all(names.map((name) => writeTogether(database, same(name))));
      expect(outcomes).toEqual(names.map(() => true));
      expect(await goods()).toEqual(Object.fromEntries(names.map((name) => [name, 1])));
      const places = await kysely().selectFrom('places').select('seq').where('name', '=', 'p-g0').execute();
      expect(places.map(({ seq }) => Number(seq))).toEqual([0]);
    });

    it('write nothing of their own when their row, or the one to be held, is not as it must be', async () => {
      await kysely().updateTable('places').set({ seq: 9 }).where('name', '=', 'p-g5').execute();
      const moves = names.map((name, index) => writeTogether(database, move(name, index === 3 ? 7 : 0, 1)));
      expect(await Promise.all(moves)).toEqual(names.map((_, index) => index !== 3 && index !== 5));
      const after = await goods();
      expect([after['g3'], after['g5'], after['g4']]).toEqual([0, 0, 1]);
      const { count } = await kysely()
        .selectFrom('notes')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      expect(Number(count)).toBe(2 * (names.length - 2));
    });

    it('are answered once each, and fail for nobody else, whatever they ask', async () => {
      let round = 0;
      const asked = fc.array(fc.record({ row: fc.nat(3), place: fc.nat(5) }), { minLength: 1, maxLength: 25 });
      await fc.assert(
        fc.asyncProperty(asked, async (list) => {
          round += 1;
          await kysely().updateTable('goods').set({ n: 0 }).execute();
          const placeOf = (place: number): string => `r${round}-${place}`;
          const outcomes = await Promise.allSettled(
            list.map(({ row, place }, index) => writeTogether(database, put(`g${row}`, index + 1, placeOf(place)))),
          );
          const won = outcomes.flatMap((it, index) => (it.status === 'fulfilled' && it.value ? [index] : []));
          const after = await goods();
          for (const row of [0, 1, 2, 3]) {
            const winners = won.filter((index) => list[index]?.row === row);
            expect(winners.length).toBeLessThanOrEqual(1);
            expect(after[`g${row}`]).toBe((winners[0] ?? -1) + 1);
          }
          const places = await kysely().selectFrom('places').select(['name', 'seq']).execute();
          const own = places.filter(({ name }) => name.startsWith(`r${round}-`));
          expect(own.map(({ name, seq }) => `${name} ${seq}`).sort()).toEqual(
            won.map((index) => `${placeOf(list[index]?.place ?? -1)} ${index + 1}`).sort(),
          );
          for (const [index, outcome] of outcomes.entries()) {
            const { row, place } = list[index] ?? expect.unreachable();
            const isRowTaken = won.some((other) => list[other]?.row === row);
            const isPlaceTaken = won.some((other) => list[other]?.place === place);
            if (outcome.status === 'rejected') {
              expect(isUniqueViolation(outcome.reason)).toBe(true);
              expect(isPlaceTaken).toBe(true);
            } else if (!outcome.value) expect(isRowTaken).toBe(true);
          }
        }),
        { numRuns: 15 },
      );
    }, 60_000);

    // SQLite locks no rows.
    if (dialect !== 'sqlite')
      it('do not wait for one whose row somebody else has locked', async () => {
        let unlock = (): void => {};
        let isLocked = (): void => {};
        const locked = new Promise<void>((resolve) => (isLocked = resolve));
        const holder = inTransaction<Tables, void>(database, undefined, async (trx) => {
          await trx.updateTable('goods').set({ n: 0 }).where('name', '=', 'g0').execute();
          isLocked();
          await new Promise<void>((resolve) => (unlock = resolve));
        });
        await locked;
        const answered: string[] = [];
        const moving = names.slice(0, 6).map(async (name) => {
          const isWritten = await writeTogether(database, move(name, 0, 1));
          answered.push(name);
          return isWritten;
        });
        await Promise.all(moving.slice(1));
        for (let turn = 0; turn < 20; turn++) await nextTurn();
        expect(answered.sort()).toEqual(['g1', 'g2', 'g3', 'g4', 'g5']);
        unlock();
        await holder;
        expect(await Promise.all(moving)).toEqual(moving.map(() => true));
      });

    // The others write alone.
    if (dialect === 'postgres')
      it('are told that nobody knows when the answer is lost, and it is not tried again', async () => {
        const others = databaseFromUrl(fresh.url);
        let unlock = (): void => {};
        let isHeld = (): void => {};
        const held = new Promise<void>((resolve) => (isHeld = resolve));
        // Somebody is just taking the place: whoever wants it too waits in the middle of a statement.
        const holder = inTransaction<Tables, void>(others, undefined, async (trx) => {
          await trx.insertInto('places').values({ name: 'wanted', good: 'x', seq: 0 }).execute();
          isHeld();
          await new Promise<void>((resolve) => (unlock = resolve));
          throw new Error('undone');
        });
        await held;
        const putting = names
          .slice(0, 5)
          .map((name, index) => writeTogether(database, put(name, 1, index === 3 ? 'wanted' : `w-${name}`)));
        const outcomes = Promise.allSettled(putting);
        const terminated = sql<{ ended: boolean }>`
        select pg_terminate_backend(pid) as ended from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
        for (let ended = 0; ended === 0; await nextTurn())
          ended = (await terminated.execute(others.kysely)).rows.length;
        const [first, ...rest] = await outcomes;
        expect(first).toMatchObject({ status: 'fulfilled', value: true });
        for (const each of rest)
          expect(each).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
        unlock();
        await expect(holder).rejects.toThrow('undone');
        expect(await goods()).toEqual({ ...Object.fromEntries(names.map((name) => [name, 0])), g0: 1 });
        await others.close();
      });
  });
