import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { prepareAll } from '../../src/databases/rows/prepare.js';
import { checkPolicies } from '../../src/policies/policy-set.js';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';
import { neverAborted } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { restrictedUser, type RestrictedUser } from '../support/restricted-user.js';

const tables = ['a', 'b', 'c'];
const policy = (table: string): RetentionPolicy => {
  return { name: table, table, database: 'main', timeColumn: 'at', retentionDays: 30, allowFullScan: true };
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`a table that the user may not read, on ${title}`, () => {
      let fresh: FreshDatabase;
      let owner: Database;
      let user: RestrictedUser;
      const run = (text: string) => sql.raw(text).execute(owner.kysely);
      const left = async (table: string) => (await run(`select id from ${table}`)).rows.length;
      beforeEach(async () => {
        fresh = await createFresh();
        owner = databaseFromUrl(fresh.url);
        for (const table of tables) {
          await run(`create table ${table} (id int primary key, at bigint, note varchar(20))`);
          await run(`insert into ${table} values (1, 0, 'first'), (2, 0, 'second')`);
        }
        user = await restrictedUser(owner, fresh.url);
        await user.grant('select, delete on a', 'select, delete on c');
      });
      afterEach(async () => {
        await user.drop();
        await owner.close();
        await fresh.drop();
      });
      const acme = (of: Partial<RetentionPolicy> = {}) =>
        createMaintenance({
          store: memoryMaintenanceStore(),
          throttle: [],
          databases: { main: user.database },
          retention: tables.map((table) => ({ ...policy(table), ...(table === 'b' && of) })),
        }).scope({ tenantId: 'acme' });
      const request = { maintenanceType: 'database_cleanup', parameters: {} };
      const refusal = (missing: string) =>
        `The database refused the work on b: its user has not the permission (missing: ${missing}).`;
      /** A run of all tells that `b` failed, by itself, and what is missing. */
      const runFails = async (missing: string, of: Partial<RetentionPolicy> = {}) => {
        const done = await acme(of).runs.execute(request);
        expect(done).toMatchObject({ status: 'failed', itemsCleaned: 4, errorMessage: refusal(missing) });
        const policies = done.details['policies'] as { policy: string }[];
        expect(policies.find((it) => it.policy === 'b')).toMatchObject({
          outcome: 'failed',
          warnings: [refusal(missing)],
        });
        expect([await left('a'), await left('b'), await left('c')]).toEqual([0, 2, 0]);
      };
      /** So does a plan of all; and of `b` alone there is none. */
      const planFails = async (missing: string, of: Partial<RetentionPolicy> = {}) => {
        const { plans } = acme(of);
        const { plan } = await plans.create(request);
        expect(plan.targets.map(({ target }) => target)).toEqual(['table:main.a', 'table:main.c']);
        expect(plan.warnings).toEqual([`b: ${refusal(missing)}`]);
        await expect(plans.create({ ...request, parameters: { policies: ['b'] } })).rejects.toMatchObject({
          code: 'PLAN_NOT_MADE',
          message: expect.stringContaining(missing) as string,
        });
      };
      const archiveFolder = async () => {
        const directory = await mkdtemp(join(tmpdir(), 'dotmac-archive-'));
        onTestFinished(() => rm(directory, { recursive: true }));
        return directory;
      };

      it('is told of, with what is missing, and keeps no other from its turn', async () => {
        const missing = dialect === 'mysql' ? `GRANT SELECT ON ${user.denied('b')}` : 'GRANT SELECT, DELETE ON b';
        await planFails(missing);
        await runFails(missing);
      });

      it('is told of where rows of it go along with those of another', async () => {
        await run('create table d (id int primary key, b_id int)');
        await run('create index d_of on d (b_id)');
        await run('insert into d values (1, 1)');
        await user.grant('select, delete on b');
        const of = { along: [{ table: 'd', columns: { b_id: 'id' } }] };
        const missing =
          dialect === 'mysql' ? `GRANT SELECT ON ${user.denied('d')}` : 'GRANT UPDATE ON b; GRANT SELECT, DELETE ON d';
        await planFails(missing, of);
        await runFails(missing, of);
        await user.grant('select, delete on d', ...(dialect === 'mysql' ? [] : ['update on b']));
        expect(await acme(of).runs.execute(request)).toMatchObject({ status: 'completed', itemsCleaned: 2 });
        expect(await left('d')).toBe(0);
      });

      it('is told of although other privileges are there', async () => {
        await user.grant('delete on b');
        const missing = dialect === 'mysql' ? `GRANT SELECT ON ${user.denied('b')}` : 'GRANT SELECT ON b';
        await planFails(missing);
        await runFails(missing);
      });

      it('is not emptied into an archive without the columns that the user does not see', async () => {
        await user.grant('select (id, at), delete on b');
        const directory = await archiveFolder();
        // PostgreSQL shows everybody what there is: there it is who reads it that fails.
        if (dialect === 'mysql') await planFails(`GRANT SELECT ON ${user.denied('b')}`, { archive: { directory } });
        await runFails(dialect === 'mysql' ? `GRANT SELECT ON ${user.denied('b')}` : 'GRANT SELECT, UPDATE ON b', {
          archive: { directory },
        });
        expect(await readdir(directory)).toEqual([]);
      });

      it('is cleaned by who sees the columns that this takes', async () => {
        await user.grant('select (id, at), delete on b');
        expect(await acme().runs.execute(request)).toMatchObject({ status: 'completed', itemsCleaned: 6 });
      });

      it('is told of when it is the archive that may not be written', async () => {
        await user.grant('select, delete on b');
        await run('create table kept (id int primary key, at bigint, note varchar(20))');
        const missing = dialect === 'mysql' ? `GRANT INSERT ON ${user.denied('kept')}` : 'GRANT INSERT ON kept';
        if (dialect === 'mysql') await planFails(missing, { archive: { table: 'kept' } });
        await runFails(missing, { archive: { table: 'kept' } });
      });

      it('is looked at without waiting for who has locked it', { timeout: 120_000 }, async () => {
        await user.grant('select, delete on b');
        const { retention } = checkPolicies({
          databases: { main: user.database },
          retention: [{ ...policy('b'), archive: { directory: await archiveFolder() } }],
        });
        await owner.kysely.connection().execute(async (kysely) => {
          if (dialect === 'postgres') await sql`begin`.execute(kysely);
          await sql.raw(dialect === 'postgres' ? 'lock table b' : 'lock tables b write').execute(kysely);
          try {
            expect((await prepareAll(retention, Date.now(), undefined, neverAborted)).ordered).toHaveLength(1);
          } finally {
            await sql.raw(dialect === 'postgres' ? 'commit' : 'unlock tables').execute(kysely);
          }
        });
      });
    });
