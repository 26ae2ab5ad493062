import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { sql, type Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { adviceLimits } from '../../src/databases/advice.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { upkeepOf } from '../../src/databases/upkeep.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { restrictedUser, type RestrictedUser } from '../support/restricted-user.js';

const advise = ({ kysely, dialect }: Pick<Database, 'kysely' | 'dialect'>) =>
  upkeepOf({ kysely, dialect } as Database).advise({
    ...{ tables: null, asOf: Date.now(), checkIntegrity: false },
    limits: { ...adviceLimits, bloatBytes: 1 },
  });

/** A database that refuses every statement that names `part`. */
const refusing = ({ kysely, dialect }: Database, part: string, code: string) => ({
  dialect,
  kysely: kysely.withPlugin({
    transformQuery: ({ node }) => {
      if (JSON.stringify(node).includes(part)) throw Object.assign(new Error('no'), { code });
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  }) as Kysely<unknown>,
});

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`advice to a user with few privileges, on ${title}`, () => {
      let fresh: FreshDatabase;
      let owner: Database;
      let user: RestrictedUser;
      const run = (text: string) => sql.raw(text).execute(owner.kysely);
      beforeEach(async () => {
        fresh = await createFresh();
        owner = databaseFromUrl(fresh.url);
        const counted = dialect === 'mysql' ? 'bigint auto_increment' : 'bigserial';
        await run(`create table secret (id ${counted} primary key, narrow int, wide varchar(900))`);
        await run('create table keyless (a int)');
        const row = "(1, repeat('x', 800))";
        await run(`insert into secret (narrow, wide) values ${Array.from({ length: 500 }, () => row).join()}`);
        await run(dialect === 'mysql' ? 'analyze table secret' : 'analyze secret');
        user = await restrictedUser(owner, fresh.url);
        await user.grant('select on keyless');
      });
      afterEach(async () => {
        await user.drop();
        await owner.close();
        await fresh.drop();
      });

      it('is of what the user sees, and notes what is missing for the rest', async () => {
        const { findings, notes } = await advise(user.database);
        expect(findings.map(({ id }) => id)).toContain('table_without_primary_key:keyless');
        const missing = notes.map((note) => /\(missing: (.+)\)\.$/.exec(note)?.[1]).filter((it) => it !== undefined);
        expect(missing).toEqual(
          dialect === 'mysql'
            ? ['GRANT SELECT ON mysql.innodb_table_stats', 'GRANT PROCESS ON *.*', 'GRANT PROCESS ON *.*']
            : ['GRANT SELECT ON secret', 'GRANT SELECT ON SEQUENCE secret_id_seq', 'GRANT pg_read_all_stats'],
        );
        expect((await advise(owner)).notes.filter((note) => note.includes('missing'))).toEqual([]);
      });

      it('is given by a run, which tells of the tables that it could not analyse, and why', async () => {
        const policy = { database: 'main', timeColumn: 'id', retentionDays: 1 };
        const { runs } = createMaintenance({
          store: memoryMaintenanceStore(),
          throttle: [],
          databases: { main: user.database },
          upkeep: [{ name: 'main', database: 'main' }],
          retention: ['keyless', 'secret'].map((table) => ({ ...policy, name: table, table })),
        }).scope({ tenantId: 'acme' });
        const done = await runs.execute({ maintenanceType: 'performance_optimization', parameters: {} });
        expect(done.status).toBe('failed');
        const why = dialect === 'mysql' ? `GRANT INSERT ON ${user.denied('keyless')})` : 'missing: to own it';
        expect(done.errorMessage).toContain(why);
        const [report] = done.details['databases'] as Record<string, unknown>[];
        expect(report).toMatchObject({
          tables_analyzed: 0,
          tables_missing: dialect === 'mysql' ? ['secret'] : [],
          findings: expect.arrayContaining([
            expect.objectContaining({ id: 'table_without_primary_key:keyless' }),
          ]) as unknown,
        });
      });

      if (dialect === 'postgres')
        it('does not take a table for bloated of which only narrow columns are seen', async () => {
          await user.grant('select (id, narrow) on secret');
          const bloated = async (of: Database) =>
            (await advise(of)).findings.filter(({ kind }) => kind === 'bloated_table').map(({ table }) => table);
          expect(await bloated(owner)).toEqual([]);
          expect(await bloated(user.database)).toEqual([]);
        });

      it('is given although the database refuses one of its looks, whichever, and notes which', async () => {
        const [part, what] = dialect === 'mysql' ? ['data_free', 'catalogue of tables'] : ['n_mod_since_analyze', 'pg_stat_all_tables']; // prettier-ignore
        const code = dialect === 'mysql' ? 'ER_CRASHED_ON_USAGE' : 'XX001';
        const { findings, notes } = await advise(refusing(owner, part as string, code));
        expect(findings.map(({ id }) => id)).toContain('table_without_primary_key:keyless');
        expect(notes).toContainEqual(expect.stringMatching(`${what} could not be read \\(${code}\\)`));
        await expect(advise(refusing(owner, part as string, 'ECONNRESET'))).rejects.toMatchObject({
          code: 'ECONNRESET',
        });
      });
    });

it('advice on a file of SQLite is of it alone, whatever is wrong with one that is attached', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-damaged-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const fill =
    'create table t (id integer primary key, a int); create index t_a on t (a); create index t_again on t (a)';
  const file = join(directory, 'torn.db');
  const torn = new Sqlite(file);
  torn.exec(fill);
  const insert = torn.prepare('insert into t values (?, ?)');
  torn.transaction(() => {
    for (let id = 1; id <= 1_000; id++) insert.run(id, id);
  })();
  torn.close();
  // All but the page with the schema.
  await writeFile(file, (await readFile(file)).fill(0xff, 4_096));
  const database = databaseFromUrl(`sqlite:${join(directory, 'main.db')}`);
  onTestFinished(() => database.close());
  for (const text of [...fill.split(';'), `attach '${file}' as torn`]) await sql.raw(text).execute(database.kysely);
  const { findings } = await advise(database);
  expect(findings.map(({ kind }) => kind)).toEqual(['duplicate_index']);
});
