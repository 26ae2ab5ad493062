import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { adviceLimits } from '../../src/databases/advice.js';
import { upkeepOf } from '../../src/databases/upkeep.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

/** What stands against another type of the column `id` of a table `kept`. */
const refusing: [what: string, statements: string[]][] = [
  ['a key of partitions', ['create table kept (id serial, at int) partition by range (id)']],
  ['an expression in one', ['create table kept (id serial, at int) partition by range ((id % 10))']],
  [
    'the key of a part of it',
    [
      'create table kept (id serial, at int) partition by range (at)',
      'create table kept_1 partition of kept for values from (0) to (10) partition by list (id)',
    ],
  ],
  ['a view', ['create table kept (id serial)', 'create view seen as select id from kept']],
  [
    'a trigger',
    [
      'create table kept (id serial, b int)',
      `create trigger kept_it before update of id on kept for each row execute function suppress_redundant_updates_trigger()`,
    ],
  ],
  ['a generated column', ['create table kept (id serial, twice bigint generated always as (id * 2) stored)']],
  ['a policy of who may read', ['create table kept (id serial)', 'create policy readers on kept using (id > 1)']],
  [
    'a function that is read beforehand',
    [
      'create table kept (id serial)',
      'create function newest() returns bigint begin atomic select max(id) from kept; end',
    ],
  ],
  ['its row as a type', ['create table kept (id serial)', 'create table rows_of (one kept, all_of kept[])']],
  [
    'a type that it is made of',
    [
      'create type made as (id int)',
      'create table kept of made',
      'create sequence kept_id_seq as integer',
      `alter table kept alter column id set default nextval('kept_id_seq')`,
    ],
  ],
  [
    'another parent of an heir',
    ['create table kept (id serial)', 'create table also (id int)', 'create table heir (b int) inherits (kept, also)'],
  ],
];

for (const { title, fresh: createFresh } of dialects.filter(
  ({ dialect, present }) => present && dialect === 'postgres',
))
  describe(`sequences of ${title} that come to an end`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const run = (statement: string) => sql.raw(statement).execute(database.kysely);
    const found = async (tables: string[] | null) => {
      const asked = { tables, asOf: Date.now(), limits: adviceLimits, checkIntegrity: false };
      const { findings } = await upkeepOf(database).advise(asked);
      return findings.filter(({ kind }) => kind === 'sequence_exhaustion');
    };
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
    });
    afterEach(async () => {
      await run('drop schema public cascade');
      await run('create schema public');
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    it.each(refusing)('are told without another type of the column, where %s refuses one', async (_, statements) => {
      for (const statement of statements) await run(statement);
      await run(`select setval('kept_id_seq', 2147483000)`);
      expect(await found(['kept'])).toMatchObject([
        { id: 'sequence_exhaustion:kept.id', applySql: [], undoSql: [], risk: expect.stringContaining('refuses') },
      ]);
      await expect(run('alter table kept alter column id type bigint')).rejects.toThrow(/cannot alter/);
    });

    it('are told once of a table and all that inherits from it, and of that alone where it is looked at alone', async () => {
      await run('create table kept (id serial, at int) partition by range (at)');
      await run('create table kept_1 partition of kept for values from (0) to (10) partition by list (at)');
      await run('create table kept_1_1 partition of kept_1 for values in (1)');
      await run(`select setval('kept_id_seq', 2147483000)`);
      expect((await found(null)).map(({ id }) => id)).toEqual(['sequence_exhaustion:kept.id']);
      expect(await found(['kept_1_1'])).toMatchObject([
        { id: 'sequence_exhaustion:kept_1_1.id', applySql: [], undoSql: [] },
      ]);
    });
  });
