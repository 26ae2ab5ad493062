import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { available, freshMysql, type FreshDatabase } from '../../../../test/support/services.js';
import { referencesTo } from '../../src/databases/mysql/references.js';

describe.skipIf(!available.mysql)('references to a table of MariaDB (needs MariaDB: npm run services)', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let other: string;
  let user: string;
  let plain: Database;
  const password = 'of the test alone';
  const run = async (...statements: string[]) => {
    for (const statement of statements) await sql.raw(statement).execute(database.kysely);
  };

  beforeAll(async () => {
    fresh = await freshMysql();
    database = databaseFromUrl(fresh.url);
    const own = new URL(fresh.url).pathname.slice(1);
    // Names that InnoDB spells in its own way.
    other = `${own}-Käse $`;
    user = `${own.slice(0, 30)}u`;
    await run(
      `create database \`${other}\``,
      'create table parent (a int, b int, c int unique, primary key (a, b))',
      'create table Parent (a int primary key)',
      'create table bystander (id int primary key, of_parent int, foreign key (of_parent) references Parent (a))',
      `create table child (id int primary key, x int, y int, z int, key (x, y),
        constraint both_parts foreign key (x, y) references parent (a, b) on delete cascade,
        constraint one_part foreign key (z) references parent (c))`,
      `create table \`${other}\`.\`far child\` (id int primary key, x int, y int,
        constraint far foreign key (x, y) references \`${own}\`.parent (a, b) on delete set null)`,
      `create user '${user}'@'%' identified by '${password}'`,
      `grant all on \`${own}\`.* to '${user}'@'%'`,
      `grant all on \`${other}\`.* to '${user}'@'%'`,
    );
    const url = new URL(fresh.url);
    [url.username, url.password] = [user, encodeURIComponent(password)];
    plain = databaseFromUrl(url.href);
  });
  afterAll(async () => {
    await plain.close();
    await run(`drop user '${user}'@'%'`, `drop database \`${other}\``);
    await database.close();
    await fresh.drop();
  });

  it.each<[string, () => Database]>([
    ['by one who may read InnoDB’s list', () => database],
    ['by one who may not', () => plain],
  ])('are found, of several columns and from other schemas, %s', async (_, of) => {
    const found = await referencesTo(of().kysely, { table: 'parent' });
    const [near, far] = [{ table: 'child' }, { table: 'far child', schema: other }];
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        { child: near, childColumns: ['x', 'y'], columns: ['a', 'b'], onDelete: 'cascade', indexed: true },
        { child: near, childColumns: ['z'], columns: ['c'], onDelete: 'restrict', indexed: true },
        { child: far, childColumns: ['x', 'y'], columns: ['a', 'b'], onDelete: 'set null', indexed: true },
      ]),
    );
    expect(await referencesTo(of().kysely, { table: 'far child', schema: other })).toEqual([]);
  });

  it('are found without opening the tables that have none', async () => {
    for (let count = 0; count < 50; count++) await run(`create table \`${other}\`.idle_${count} (id int primary key)`);
    const opened = async (connection: Kysely<unknown>) => {
      const { rows } = await sql<{ Value: string }>`show session status like 'Opened_tables'`.execute(connection);
      return Number(rows[0]?.Value);
    };
    await database.kysely.connection().execute(async (connection) => {
      const before = await opened(connection);
      expect(await referencesTo(connection, { table: 'parent' })).toHaveLength(3);
      expect((await opened(connection)) - before).toBeLessThan(20);
    });
  });
});
