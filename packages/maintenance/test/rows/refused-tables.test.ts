import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { restrictedUser } from '../support/restricted-user.js';

const tables = ['a', 'b', 'c'];

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`a table on which the database refuses the work, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const run = (text: string, on = database) => sql.raw(text).execute(on.kysely);
    beforeEach(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      for (const table of tables) {
        await run(`create table ${table} (id int primary key, at bigint)`);
        await run(`insert into ${table} values (1, 0), (2, 0)`);
      }
    });
    afterEach(async () => {
      await database.close();
      await fresh.drop();
    });
    const acme = (on: Database) =>
      createMaintenance({
        store: memoryMaintenanceStore(),
        throttle: [],
        databases: { main: on },
        retention: tables.map((table) => ({
          ...{ name: table, table, database: 'main', timeColumn: 'at', retentionDays: 30, allowFullScan: true },
          ...(table === 'b' && { archive: { table: 'b_archive' } }),
        })),
      }).scope({ tenantId: 'acme' });
    /** Only `b` is refused, for that reason. */
    const refused = async (reason: string, on = database) => {
      const done = await acme(on).runs.execute({ maintenanceType: 'database_cleanup', parameters: {} });
      expect(done).toMatchObject({
        status: 'failed',
        itemsCleaned: 4,
        errorMessage: `The database refused the work on b: ${reason}.`,
        details: { policies: [{ outcome: 'done' }, { outcome: 'failed', rows: 0 }, { outcome: 'done' }] },
      });
      expect((await run('select id from b')).rows).toHaveLength(2);
    };

    it('keeps no other from its turn: a row of the archive has the key', async () => {
      await run('create table b_archive (id int primary key, at bigint)');
      await run('insert into b_archive values (2, 0)');
      await refused('a row with such a key is there already');
    });

    it('keeps no other from its turn: a trigger is against it', async () => {
      await run('create table b_archive (id int primary key, at bigint)');
      const raising = {
        sqlite: ["create trigger kept before delete on b begin select raise(abort, 'kept'); end"],
        postgres: [
          "create function keep() returns trigger language plpgsql as $$ begin raise exception 'kept'; end $$",
          'create trigger kept before delete on b for each row execute function keep()',
        ],
        mysql: [
          "create trigger kept before delete on b for each row signal sqlstate '45000' set message_text = 'kept'",
        ],
      }[dialect];
      for (const text of raising) await run(text);
      await refused(dialect === 'sqlite' ? 'other rows refer to what was to go' : 'the log has its words');
    });

    if (dialect !== 'sqlite')
      it('keeps no other from its turn: its user has not the permission', async () => {
        await run('create table b_archive (id int primary key, at bigint)');
        const user = await restrictedUser(database, fresh.url);
        await user.grant('select, delete on a', 'select on b', 'select, delete on c');
        await user.grant('select, insert, delete on b_archive');
        try {
          await refused(
            `its user has not the permission (missing: GRANT DELETE ON ${user.denied('b')})`,
            user.database,
          );
        } finally {
          await user.drop();
        }
      });
  });
