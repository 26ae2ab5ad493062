import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { clean, planned } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const asOf = Date.UTC(2026, 5, 1);
const old = asOf - 60 * 86_400_000;

type Pair = [from: string, to: string];
/** Types of a column, and of the archive's, that keeps its values as they are, or does not. */
const pairs: Record<'sqlite' | 'postgres' | 'mysql', { keeps: Pair[]; loses: Pair[] }> = {
  sqlite: {
    keeps: [
      ['integer', 'bigint'],
      ['decimal(12,2)', 'integer'],
      ['timestamp', 'date'],
      ['varchar(20)', 'text'],
      ['real', 'double precision'],
      ['text', ''],
    ],
    loses: [
      ['text', 'integer'],
      ['integer', 'text'],
      ['integer', 'real'],
      ['', 'text'],
    ],
  },
  postgres: {
    keeps: [
      ['smallint', 'integer'],
      ['integer', 'numeric(10)'],
      ['numeric(12,2)', 'numeric'],
      ['numeric(12,2)', 'numeric(14,3)'],
      ['numeric(9)', 'integer'],
      ['real', 'double precision'],
      ['varchar(20)', 'varchar(21)'],
      ['varchar(20)', 'text'],
      ['text', 'varchar'],
      ['timestamp(3)', 'timestamp'],
      ['integer[]', 'integer[]'],
    ],
    loses: [
      ['bigint', 'integer'],
      ['numeric(12,2)', 'integer'],
      ['numeric(12,2)', 'numeric(12,3)'],
      ['numeric', 'numeric(12,2)'],
      ['integer', 'numeric(9)'],
      ['double precision', 'real'],
      ['double precision', 'numeric'],
      ['text', 'varchar(100)'],
      ['timestamp', 'timestamp(3)'],
      ['timestamp', 'date'],
      ['timestamptz', 'timestamp'],
      ['json', 'jsonb'],
      ['bigint[]', 'integer[]'],
    ],
  },
  mysql: {
    keeps: [
      ['int', 'bigint'],
      ['int unsigned', 'bigint'],
      ['bigint', 'decimal(19,0)'],
      ['decimal(12,2)', 'decimal(14,3)'],
      ['float', 'double'],
      ['varchar(20)', 'varchar(21)'],
      ['varchar(20)', 'text'],
      ['varchar(20) character set utf8mb3', 'varchar(20) character set utf8mb4'],
      ['text', 'mediumtext'],
      ['blob', 'longblob'],
      ['datetime', 'datetime(3)'],
      ["enum('a','b')", "enum('a','b')"],
    ],
    loses: [
      ['int unsigned', 'int'],
      ['int', 'bigint unsigned'],
      ['decimal(12,2)', 'int'],
      ['decimal(12,2)', 'decimal(12,3)'],
      ['double', 'float'],
      ['varchar(20)', 'varchar(19)'],
      ['text', 'varchar(16000)'],
      ['varchar(200)', 'tinytext'],
      ['varchar(20) character set utf8mb4', 'varchar(20) character set latin1'],
      ['datetime(3)', 'datetime'],
      ['datetime', 'date'],
      ["enum('a','b')", "enum('a')"],
    ],
  },
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`an archive table on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const run = (statement: string) => sql.raw(statement).execute(database.kysely);
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });
    const policy = { table: 'rows_now', timeColumn: 'at', retentionDays: 30, archive: { table: 'rows_then' } };
    const made = async (from: string, to: string) => {
      for (const name of ['rows_now', 'rows_then']) await run(`drop table if exists ${name}`);
      await run(`create table rows_now (id bigint primary key, at bigint, value ${from})`);
      await run('create index rows_now_at on rows_now (at)');
      await run(`create table rows_then (id bigint primary key, at bigint, value ${to})`);
    };

    it.each(pairs[dialect].keeps)('takes a value of %s into one of %s', async (from, to) => {
      await made(from, to);
      expect((await planned(database, policy, asOf)).prepared.archive).toBeDefined();
      await made(to, to);
      expect((await planned(database, policy, asOf)).prepared.archive).toBeDefined();
    });

    it.each(pairs[dialect].loses)('is refused when it would take %s into %s', async (from, to) => {
      await made(from, to);
      await expect(planned(database, policy, asOf)).rejects.toMatchObject({
        code: 'TABLE_NOT_MAINTAINABLE',
        message: expect.stringContaining('would not keep as it is: value') as string,
      });
    });

    // No trigger of MySQL or MariaDB can leave out a row without an error.
    if (dialect === 'mysql') return;
    it('gives the rows back that a trigger of its own keeps out', async () => {
      await made('integer', 'integer');
      await run(`insert into rows_now values (1, ${old}, 1), (2, ${old}, 2)`);
      if (dialect === 'sqlite')
        await run('create trigger dropped before insert on rows_then when new.id = 2 begin select raise(ignore); end');
      else {
        await run(
          'create function dropped() returns trigger language plpgsql as $$ begin if new.id = 2 then return null; end if; return new; end $$',
        );
        await run('create trigger dropped before insert on rows_then for each row execute function dropped()');
      }
      await expect(clean(database, await planned(database, policy, asOf))).rejects.toThrow('did not take all');
      expect((await sql`select * from rows_now`.execute(database.kysely)).rows).toHaveLength(2);
      expect((await sql`select * from rows_then`.execute(database.kysely)).rows).toHaveLength(0);
    });
  });
