import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { adviceLimits } from '../../src/databases/advice.js';
import type { Finding, FindingKind } from '../../src/databases/finding.js';
import { judgeIndexes } from '../../src/databases/index-rules.js';
import { indexFacts } from '../../src/databases/mysql/advice/indexes.js';
import { upkeepOf } from '../../src/databases/upkeep.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const day = 86_400_000;
type Dialect = (typeof dialects)[number]['dialect'];

/** What is there, as the catalogue has it: all but what each making anew makes anew, numbers and places. */
const catalogues: Record<Dialect, string[]> = {
  sqlite: ['select type, name, tbl_name, sql from sqlite_schema order by 1, 2'],
  postgres: [
    `select c.relname, pg_get_indexdef(c.oid), i.indisvalid, i.indisprimary, obj_description(c.oid) from pg_index i
      join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'public'::regnamespace order by 1`,
    `select conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid) from pg_constraint
      where connamespace = 'public'::regnamespace order by 1, 2`,
    `select table_name, column_name, data_type, character_maximum_length, numeric_precision, is_nullable, column_default, is_identity, identity_generation,
      identity_maximum from information_schema.columns where table_schema = 'public' order by 1, 2`,
    `select * from pg_sequences where schemaname = 'public' order by sequencename`,
  ],
  mysql: [
    `select table_name, index_name, seq_in_index, column_name, non_unique, collation, sub_part, index_type, index_comment
      from information_schema.statistics where table_schema = database() order by 1, 2, 3`,
    `select table_name, ordinal_position, column_name, column_type, is_nullable, column_default, extra, column_comment
      from information_schema.columns where table_schema = database() order by 1, 2`,
    `select table_name, auto_increment from information_schema.tables where table_schema = database() order by 1`,
  ],
};

/** It leaves no room for those of columns in the name of an index. */
const longName = 'a'.repeat(60);

/** What gives each kind of finding that can be taken back, by what it is found at. */
const made: Record<Dialect, { tables: string[]; found: [kind: FindingKind, object: string][] }> = {
  sqlite: {
    tables: [
      'create table "odd "" parent" (id integer primary key)',
      `create table child (id integer primary key, a text, b text, p integer references "odd "" parent")`,
      'create index a on child (a)',
      'create index a_b on child (a, b desc)',
      'create index b_some on child (b collate nocase, a) where a is not null',
      'create index b_again on child (b collate nocase, a) where a is not null',
      'create table part (id integer primary key, p integer references "odd "" parent", a_b integer references part)',
      // It has the name that an index for the key would have.
      'create index PART_p_idx on part (p) where id > 10',
    ],
    found: [
      ['duplicate_index', 'a'],
      ['duplicate_index', 'b_some'],
      ['foreign_key_without_index', 'child.p'],
      ['foreign_key_without_index', 'part.p'],
      ['foreign_key_without_index', 'part.a_b'],
    ],
  },
  postgres: {
    tables: [
      'create table owner (id int primary key)',
      `create table "Odd ""Name" (id int primary key, owner_id int references owner, a int, b text, gone timestamptz)`,
      'create index odd_a on "Odd ""Name" (a)',
      `comment on index odd_a is 'it''s \\ here'`,
      'create index odd_ab on "Odd ""Name" (a, b)',
      'create index "Odd Lower" on "Odd ""Name" (lower(b) text_pattern_ops desc nulls last) include (a) with (fillfactor = 70)',
      'create table keyless (at bigint not null, n int)',
      'create unique index keyless_at on keyless (at) include (n)',
      'create table small (id smallserial primary key)',
      'alter sequence small_id_seq restart with 30000',
      'insert into small default values',
      'create table ids (id int generated always as identity (start with 2000000000 increment by 5))',
      'insert into ids default values',
      'create sequence shared as integer maxvalue 1000 start with 900',
      `create table counting (id bigint default nextval('shared'))`,
      'insert into counting default values',
      // By sequences that they share: no text can become a number by itself, and no number what it was without its size.
      'create sequence coded as smallint start with 30000',
      `create table codes (code varchar(12) default 'c' || nextval('coded'))`,
      'insert into codes default values',
      'create sequence numbered as integer start with 2000000000',
      `create table numbers (id numeric(12) default nextval('numbered'))`,
      'insert into numbers default values',
      // Its partitions count by the same.
      'create table parted (id serial, at int not null) partition by range (at)',
      'create table parted_1 partition of parted for values from (0) to (10) partition by list (at)',
      'create table parted_1_1 partition of parted_1 for values in (1)',
      'alter sequence parted_id_seq restart with 2000000000',
      'insert into parted (at) values (1)',
      // Of what its rows are divided by the type stays.
      'create sequence split as smallint start with 30000',
      `create table divided (id int default nextval('split')) partition by range (id)`,
      'create table divided_1 partition of divided for values from (0) to (100000)',
      'insert into divided default values',
      'create table orders (id int primary key, user_id int references owner, deleted_at timestamptz)',
      // It has the name that PostgreSQL gives by itself.
      'create index on orders (user_id) where deleted_at is null',
      `create table ${longName} (id int primary key, one int constraint one references owner, two int constraint two references owner)`,
    ],
    found: [
      ['duplicate_index', 'odd_a'],
      ['unused_index', 'Odd Lower'],
      ['foreign_key_without_index', 'Odd "Name_owner_id_fkey'],
      ['foreign_key_without_index', 'orders_user_id_fkey'],
      ['foreign_key_without_index', 'one'],
      ['foreign_key_without_index', 'two'],
      ['table_without_primary_key', 'keyless'],
      ['sequence_exhaustion', 'small.id'],
      ['sequence_exhaustion', 'ids.id'],
      ['sequence_exhaustion', 'counting.id'],
      ['sequence_exhaustion', 'codes.code'],
      ['sequence_exhaustion', 'numbers.id'],
      ['sequence_exhaustion', 'parted.id'],
      ['sequence_exhaustion', 'divided.id'],
    ],
  },
  mysql: {
    tables: [
      `create table \`Odd \`\`name\` (id int primary key, a varchar(50), b int, c text,
        key a (a) comment 'it''s \\\\ here', key a_b (a, b desc), key b (b), fulltext key words (c))`,
      `create table counted (id tinyint unsigned auto_increment primary key comment 'it''s \\\\ here', n int) auto_increment = 240`,
      'create table hidden (id smallint auto_increment invisible primary key, n int) auto_increment = 32000',
      'create table signed (n int, id smallint auto_increment, key by_id (id)) auto_increment = 32000',
    ],
    found: [
      ['duplicate_index', 'a'],
      ['unused_index', 'b'],
      ['unused_index', 'words'],
      ['sequence_exhaustion', 'counted.id'],
      ['sequence_exhaustion', 'hidden.id'],
      ['sequence_exhaustion', 'signed.id'],
    ],
  },
};

for (const { dialect, title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`what advice on ${title} does is undone by what it says undoes it`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const run = (statement: string) => sql.raw(statement).execute(database.kysely);
    const catalogue = async () => {
      const all = [];
      for (const query of catalogues[dialect]) all.push((await run(query)).rows);
      return all;
    };
    /** The use of indexes is not counted on every server. */
    const unused = async (): Promise<Finding[]> => {
      if (dialect !== 'mysql') return [];
      const facts = await indexFacts(database.kysely, await upkeepOf(database).tables(null));
      const since = { since: 0, doubt: null };
      return judgeIndexes(
        facts.map((it) => ({ ...it, scans: 0 })),
        since,
        Date.now(),
      ).filter(({ kind }) => kind === 'unused_index');
    };
    const findings = async (): Promise<Finding[]> => {
      const asked = { tables: null, asOf: Date.now() + 31 * day, limits: adviceLimits, checkIntegrity: false };
      return [...(await upkeepOf(database).advise(asked)).findings, ...(await unused())];
    };
    const wanted =
      ([kind, object]: [FindingKind, string]) =>
      (it: Finding) =>
        it.kind === kind && (it.object === object || it.table === object || `${it.table}.${it.object}` === object);

    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      for (const statement of made[dialect].tables) await run(statement);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    it.each(made[dialect].found)('%s of %s', async (...which) => {
      const [before, all] = [await catalogue(), await findings()];
      const found = all.find(wanted(which));
      expect(found?.applySql).not.toEqual([]);
      expect(found?.undoSql).not.toEqual([]);
      for (const statement of found?.applySql ?? []) await run(statement);
      expect((await findings()).find(wanted(which))).toBeUndefined();
      expect(await catalogue()).not.toEqual(before);
      for (const statement of found?.undoSql ?? []) await run(statement);
      expect(await catalogue()).toEqual(before);
      expect((await findings()).find(wanted(which))).toMatchObject({ id: found?.id });
    });

    it('and no two of them undo the same', async () => {
      const undone = (await findings()).flatMap(({ undoSql }) => undoSql);
      expect(new Set(undone).size).toBe(undone.length);
    });

    it('and no other kind that is found has something to be undone', async () => {
      const known = new Set(made[dialect].found.map(([kind]) => kind));
      const others = (await findings()).filter(({ kind, undoSql }) => !known.has(kind) && undoSql.length > 0);
      expect(others).toEqual([]);
    });
  });
