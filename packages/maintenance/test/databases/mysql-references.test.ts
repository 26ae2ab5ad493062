import { sql, type Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { available, freshMysql, type FreshDatabase } from '../../../../test/support/services.js';
import { restrictedUser, type RestrictedUser } from '../support/restricted-user.js';
import { referencesTo } from '../../src/databases/mysql/references.js';

describe.skipIf(!available.mysql)('references to a table of MariaDB (needs MariaDB: npm run services)', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let other: string;
  let user: string;
  let plain: Database;
  let isMariaDb: boolean;
  const password = 'of the test alone';
  const run = async (...statements: string[]) => {
    for (const statement of statements) await sql.raw(statement).execute(database.kysely);
  };

  beforeAll(async () => {
    fresh = await freshMysql();
    database = databaseFromUrl(fresh.url);
    const asked = await sql<{ version: string }>`select version() as version`.execute(database.kysely);
    isMariaDb = /mariadb/i.test(asked.rows[0]?.version ?? '');
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

  describe('by one who has privileges on tables alone', () => {
    let user: RestrictedUser;
    const found = () => referencesTo(user.database.kysely, { table: 'parent' });
    beforeEach(async () => {
      user = await restrictedUser(database, fresh.url);
      await user.grant('select, delete on parent', 'select on child');
    });
    afterEach(() => user.drop());

    it('are found with their rules, which the catalogue keeps from such a user', async () => {
      const { rows } = await sql`
        select * from information_schema.referential_constraints where constraint_schema = database()`.execute(
        user.database.kysely,
      );
      // MySQL shows the rules of what a user may read.
      if (isMariaDb) expect(rows).toEqual([]);
      const near = { table: 'child' };
      const references = await found();
      expect(references).toHaveLength(2);
      expect(references).toEqual(
        expect.arrayContaining([
          { child: near, childColumns: ['x', 'y'], columns: ['a', 'b'], onDelete: 'cascade', indexed: true },
          { child: near, childColumns: ['z'], columns: ['c'], onDelete: 'restrict', indexed: true },
        ]),
      );
    });

    it('are found by their rules whatever the names of the constraints and columns say', async () => {
      await run(
        `create table \`odd \`\`) ON DELETE CASCADE\` (id int primary key,
          \`a) ON DELETE CASCADE\` int comment ') ON DELETE CASCADE', b int, c int,
          constraint \`kept \`\`one\` foreign key (\`a) ON DELETE CASCADE\`) references parent (c) on update cascade,
          constraint emptied foreign key (b) references parent (c) on delete set null on update cascade,
          constraint gone foreign key (c) references parent (c) on delete cascade on update set null)`,
      );
      await user.grant('select on `odd ``) ON DELETE CASCADE`');
      const rules = (await found()).filter(({ child }) => child.table.startsWith('odd'));
      expect(rules.map(({ childColumns: [column], onDelete }) => [column, onDelete])).toEqual(
        expect.arrayContaining([
          ['a) ON DELETE CASCADE', 'restrict'],
          ['b', 'set null'],
          ['c', 'cascade'],
        ]),
      );
      await run('drop table `odd ``) ON DELETE CASCADE`');
    });

    it('are not taken to be none where InnoDB’s list has a table that this user may not see', async () => {
      await run(`grant process on *.* to ${user.name}`);
      const missing = expect.stringContaining('SHOW command denied') as string;
      await expect(found()).rejects.toMatchObject({ code: 'ER_TABLEACCESS_DENIED_ERROR', message: missing });
      await user.grant(`select on \`${other}\`.\`far child\``);
      expect(await found()).toHaveLength(3);
    });
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
