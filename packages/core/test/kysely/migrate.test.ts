import { RawNode, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutOff, untilDone } from '../../../../test/support/cut-off.js';
import { available, freshMysql, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';
import {
  checkMigrated,
  coreMigrations,
  databaseFromUrl,
  fromKysely,
  migrate,
  mysql,
  postgres,
  type Database,
  type Mysql2Pool,
  type ModuleMigrations,
} from '../../src/kysely/index.js';
import { dialects } from '../support/databases.js';
import { tablesOf } from '../support/handed-on.js';

type Tables = { moved: { name: string; note: string | null } };

const counted: ModuleMigrations = { module: 'counted', migrations: { '0001-nothing': () => Promise.resolve() } };

/** Every kind of statement that a migration may have. */
const changes: ModuleMigrations = {
  module: 'changes',
  migrations: {
    '0001-all-at-once': async (schema, { types, traits }) => {
      const tables = schema.withTables<Tables>();
      await schema.schema
        .createTable('moved')
        .ifNotExists()
        .addColumn('name', types.key, (c) => c.notNull().primaryKey())
        .addColumn('old', types.int)
        .execute();
      await schema.schema.alterTable('moved').addColumn('note', types.word).execute();
      await schema.schema.createIndex('moved_by_note').on('moved').columns(['note']).execute();
      await schema.schema.createIndex('moved_by_name').unique().on('moved').columns(['name', 'note']).execute();
      const drop = schema.schema.dropIndex('moved_by_note');
      await (traits.transactionalDdl ? drop : drop.on('moved')).execute();
      await schema.schema.alterTable('moved').dropColumn('old').execute();
      await tables.deleteFrom('moved').execute();
      await tables.insertInto('moved').values({ name: 'first', note: 'kept' }).execute();
      await tables.updateTable('moved').set({ note: 'changed' }).execute();
    },
  },
};

describe.skipIf(!available.mysql)('a migration on MariaDB, where each statement commits by itself', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeAll(async () => {
    fresh = await freshMysql();
    database = databaseFromUrl(fresh.url, { poolSize: 1 });
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  it('is finished when it is begun again, after whichever of its statements it was cut off', async () => {
    const cut = cutOff(database.kysely);
    await untilDone(() => migrate(fromKysely(cut.kysely, 'mysql'), changes));
    expect(cut.times).toBeGreaterThan(9);
    const rows = await database.withTables<Tables>().selectFrom('moved').selectAll().execute();
    expect(rows).toEqual([{ name: 'first', note: 'changed' }]);
    expect(await migrate(database, changes)).toEqual([]);
  });

  it('of the tables of core is, too', async () => {
    const cut = cutOff(database.kysely);
    await untilDone(() => migrate(fromKysely(cut.kysely, 'mysql'), coreMigrations));
    expect(await migrate(database, coreMigrations)).toEqual([]);
    expect(await tablesOf(database)).toEqual(
      expect.arrayContaining(['dotmac_outbox', 'dotmac_leases', 'dotmac_idempotency']),
    );
  });

  it('hides no other fault of a statement', async () => {
    const faulty: ModuleMigrations = {
      module: 'faulty',
      migrations: {
        '0001-nothing': (schema) => schema.schema.createIndex('none').on('nowhere').column('a').execute(),
      },
    };
    await expect(migrate(database, faulty)).rejects.toThrow(/nowhere/);
    expect((await sql`select 1 as one`.execute(database.kysely)).rows).toEqual([{ one: 1 }]);
  });
});

for (const { present, fresh: createFresh, title, dialect } of dialects.filter((it) => it.dialect !== 'sqlite'))
  describe.skipIf(!present)(`statements of migrations on ${title}`, () => {
    const sleep = (seconds: number) =>
      dialect === 'postgres' ? sql`select pg_sleep(${sql.lit(seconds)})` : sql`select sleep(${sql.lit(seconds)})`;

    it('take as long as they take, as does the wait of those who do not migrate, and others do not', async () => {
      const fresh = await createFresh();
      const instances = [1, 2].map(() => databaseFromUrl(fresh.url, { poolSize: 1, queryTimeoutMs: 3_000 }));
      const slow: ModuleMigrations = {
        module: 'slow',
        migrations: { '0001-slow': async (schema) => void (await sleep(5).execute(schema)) },
      };
      const applied = await Promise.all(instances.map((instance) => migrate(instance, slow)));
      expect(applied.flat()).toEqual(['0001-slow']);
      await Promise.all(
        instances.map(({ kysely }) =>
          expect(sleep(60).execute(kysely)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' }),
        ),
      );
      await Promise.all(instances.map((instance) => instance.close()));
      await fresh.drop();
    });

    it('hold nobody up where none is left to apply: that is asked for no longer than anything else', async () => {
      const fresh = await createFresh();
      const [other, instance] = [databaseFromUrl(fresh.url), databaseFromUrl(fresh.url, { queryTimeoutMs: 300 })];
      await migrate(other, counted);
      await other.kysely.connection().execute(async (connection) => {
        const lock =
          dialect === 'postgres'
            ? sql`begin; lock table dotmac_counted_migrations in access exclusive mode`
            : sql`lock tables dotmac_counted_migrations write`;
        await lock.execute(connection);
        await expect(migrate(instance, counted)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
        await (dialect === 'postgres' ? sql`commit` : sql`unlock tables`).execute(connection);
      });
      expect(await migrate(other, counted)).toEqual([]);
      await Promise.all([other.close(), instance.close()]);
      await fresh.drop();
    });
  });

describe.skipIf(!available.postgres)('a migration on PostgreSQL', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeAll(async () => {
    fresh = await freshPostgres();
    database = databaseFromUrl(fresh.url);
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  it('that loses its connection is told by what it met, and not by what was asked of the connection next', async () => {
    const cut: ModuleMigrations = {
      module: 'cut',
      migrations: {
        '0001-cut': async (schema) => {
          await sql`select pg_terminate_backend(pg_backend_pid())`.execute(schema).catch(() => undefined);
          throw new Error('half way');
        },
      },
    };
    await expect(migrate(database, cut)).rejects.toThrow('half way');
  });

  it('is done also when the limit of the session cannot be set back', async () => {
    let limits = 0;
    const { kysely } = database;
    const losing = kysely.withPlugin({
      transformQuery({ node }) {
        if (RawNode.is(node) && node.sqlFragments[0]?.includes("set_config('statement_timeout'") && ++limits === 2)
          throw new Error('cut off');
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    expect(await migrate(fromKysely(losing, 'postgres'), counted)).toEqual(['0001-nothing']);
    expect(limits).toBe(2);
  });
});

for (const { present, fresh: createFresh, title } of dialects)
  describe.skipIf(!present)(`on ${title}`, () => {
    it('what cannot be asked for its migrations is not said to lack them', async () => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      await database.kysely.schema.createTable('dotmac_counted_migrations').addColumn('title', 'integer').execute();
      await expect(checkMigrated(database, counted)).rejects.toThrow(/column.*name/i);
      await expect(migrate(database, counted)).rejects.toThrow(/column.*name/i);
      await database.close();
      await fresh.drop();
    });
  });

describe.skipIf(!available.postgres)('two applications in two schemas of one PostgreSQL database', () => {
  it('each migrate tables of their own', async () => {
    const fresh = await freshPostgres();
    const pools = ['one', 'two'].map(
      (schema) => new pg.Pool({ connectionString: fresh.url, options: `-c search_path=${schema}` }),
    );
    for (const [at, pool] of pools.entries()) {
      await pool.query(`create schema ${['one', 'two'][at]}`);
      const database = postgres(pool);
      expect(await migrate(database, coreMigrations)).toEqual(Object.keys(coreMigrations.migrations));
      expect(await migrate(database, coreMigrations)).toEqual([]);
      expect(await tablesOf(database)).toContain('dotmac_outbox');
    }
    await Promise.all(pools.map((pool) => pool.end()));
    await fresh.drop();
  });
});

describe('a database server', () => {
  /** One that answers with its version alone. */
  const serverOf = (version: string) =>
    mysql({
      getConnection: (callback: (error: null, connection: unknown) => void) =>
        callback(null, {
          query: (_: unknown, answer: (error: null, rows: unknown) => void) => answer(null, [{ version }]),
          release: () => undefined,
        }),
    } as unknown as Mysql2Pool);

  it.each([
    ['10.5.29-MariaDB-log', 'MariaDB 10.6'],
    ['5.5.5-10.5.29-MariaDB', 'MariaDB 10.6'],
    ['5.7.44-log', 'MySQL 8'],
    ['5.7.12', 'MySQL 8'],
  ])('%s is refused as too old', async (version, needed) => {
    await expect(migrate(serverOf(version), coreMigrations)).rejects.toMatchObject({
      code: 'DATABASE_TOO_OLD',
      details: { needed, version },
    });
    await expect(checkMigrated(serverOf(version), coreMigrations)).rejects.toMatchObject({ code: 'DATABASE_TOO_OLD' });
  });

  const lateEnough = [
    '10.6.1-MariaDB',
    '5.5.5-10.6.1-MariaDB',
    '11.4.2-MariaDB-ubu2404',
    '8.0.36',
    '9.1.0',
    'unheard of',
  ];
  it.each(lateEnough)('%s is not', async (version) => {
    await expect(migrate(serverOf(version), coreMigrations)).rejects.not.toMatchObject({ code: 'DATABASE_TOO_OLD' });
  });
});
