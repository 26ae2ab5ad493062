import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutOff, untilDone } from '../../../../test/support/cut-off.js';
import { available, freshMysql, type FreshDatabase } from '../../../../test/support/services.js';
import {
  coreMigrations,
  databaseFromUrl,
  fromKysely,
  migrate,
  type Database,
  type ModuleMigrations,
} from '../../src/kysely/index.js';
import { tablesOf } from '../support/handed-on.js';

type Tables = { moved: { name: string; note: string | null } };

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
