import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bulkUpsert,
  databaseFromUrl,
  insertNewRows,
  inTransaction,
  migrate,
  type Database,
} from '../../src/kysely/index.js';
import { counterMigrations, row, type Tables } from '../support/counters.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

for (const { present, fresh: createFresh, title } of dialects)
  describe.skipIf(!present)(`many rows at once on ${title}`, () => {
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

    it.each([0, 1, 7, 8, 9, 41, 249, 1_001])('%i rows are inserted, and then changed', async (count) => {
      const save = bulkUpsert<Tables, 'counters'>(database, 'counters', {
        columns: ['name', 'n', 'best', 'info'],
        conflict: ['name'],
      });
      const rows = (n: number) => Array.from({ length: count }, (_, index) => row(`${count} ${index}`, n + index, n));
      const stored = async () => {
        const all = await database.withTables<Tables>().selectFrom('counters').select(['name', 'n', 'best']).execute();
        const own = all.filter(({ name }) => name.startsWith(`${count} `));
        return own
          .map(({ name, n, best }) => [name, Number(n), Number(best)])
          .sort((a, b) => Number(a[1]) - Number(b[1]));
      };
      for (const n of [0, 5_000]) {
        await inTransaction<Tables, void>(database, undefined, (trx) => save(trx, rows(n)));
        expect(await stored()).toEqual(rows(n).map(({ name, n: value, best }) => [name, value, best]));
      }
      const undone = inTransaction<Tables, void>(database, undefined, async (trx) => {
        await save(trx, rows(9_000));
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      expect(await stored()).toEqual(rows(5_000).map(({ name, n: value, best }) => [name, value, best]));
    });

    it('those that are there already are skipped, also within those that are given', async () => {
      const rows = Array.from({ length: 300 }, (_, index) => ({ ...row(`new ${index % 250}`, index, 0) }));
      const insert = (count: number) => insertNewRows(database, { insert: 'counters', rows: rows.slice(0, count) });
      expect([await insert(0), await insert(20), await insert(300), await insert(300)]).toEqual([0, 20, 230, 0]);
      const { n } = await database
        .withTables<Tables>()
        .selectFrom('counters')
        .select('n')
        .where('name', '=', 'new 7')
        .executeTakeFirstOrThrow();
      expect(Number(n)).toBe(7);
    });
  });
