import type { Clock } from '@dotmac/core';
import { parseConnectionUrl, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { removeLeftFiles, withPrivateFiles } from '../private-files.js';
import { BackupError, feedProgram, findProgram, programOutput } from '../program.js';
import { UnfitTarget, type BackupSource, type Content, type SourceContext, type TableCount } from '../source.js';
import { ownerOf, scratchNames, tlsOf, urlOf, withDatabase, type ServerSettings } from './server.js';

const sslModes = { off: 'disable', unverified: 'require', verified: 'verify-full' };

/** A password is in a file that only this user can read, never among the arguments. */
async function withConnection<Result>(
  url: string,
  { ca }: Pick<ServerSettings, 'ca'>,
  owner: string,
  work: (env: Record<string, string>) => Promise<Result>,
): Promise<Result> {
  const parts = parseConnectionUrl(url, ['postgres', 'postgresql'], 5432);
  const { host, port, user, password, database } = parts;
  return withPrivateFiles(owner, async (files) => {
    const escaped = (password ?? '').replace(/[\\:]/g, (it) => `\\${it}`);
    return work({
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGDATABASE: database,
      PGPASSFILE: await files.write('pgpass', `*:*:*:*:${escaped}\n`),
      PGSSLMODE: sslModes[tlsOf(parts, ca)],
      PGCONNECT_TIMEOUT: '10',
      PGAPPNAME: 'dotmac backup',
      ...(ca !== undefined && { PGSSLROOTCERT: await files.write('ca.pem', ca) }),
    });
  });
}

/** Tables of the database's own: what belongs to an extension is made by it, and not dumped. */
async function countTables(db: Database['kysely'], countRows: boolean): Promise<TableCount[]> {
  const { rows } = await sql<{ schema: string; name: string }>`
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema')
      and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%'
      and not exists (select 1 from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by 1, 2`.execute(db);
  const tables: TableCount[] = [];
  for (const { schema, name } of rows) {
    const counted = countRows
      ? await sql<{ n: number }>`select count(*) as n from only ${sql.id(schema, name)}`.execute(db)
      : undefined;
    tables.push({ name: `${schema}.${name}`, rows: counted ? Number(counted.rows[0]?.n) : null });
  }
  return tables;
}

/** `dbname` is read as a whole connection string when it looks like one: so it is one. */
const dbname = (database: string): string => `--dbname=dbname='${database.replace(/[\\']/g, (it) => `\\${it}`)}'`;

/** PostgreSQL, by pg_dump in its custom format, from the very snapshot that the rows were counted in. */
export function postgresSource(settings: ServerSettings): BackupSource {
  const { url, scratchUrl, countRows, dumpPrograms, restorePrograms } = settings;
  const owner = ownerOf(settings);
  const scratch = scratchNames(owner);

  const dumpFrom = async (snapshot: string, context: SourceContext, write: (content: Content) => Promise<void>) => {
    const { program, version } = await findProgram(dumpPrograms, context);
    const args = [...dumpOptions, `--snapshot=${snapshot}`];
    await withConnection(url, settings, owner, (env) => write(programOutput({ program, args, env, ...context })));
    return version;
  };
  const load = async (into: string, extra: readonly string[], context: SourceContext, content: Content) => {
    const { program } = await findProgram(restorePrograms, context);
    await withConnection(into, settings, owner, (env) => {
      const args = ['--exit-on-error', '--no-password', dbname(env['PGDATABASE'] as string), ...extra];
      return feedProgram({ program, args, env, ...context }, content);
    });
  };
  const dropOwn = (clock: Clock, also: (name: string) => boolean): Promise<number> =>
    withDatabase(scratchUrl, settings, clock, async ({ kysely }) => {
      const { rows } = await sql<{ name: string }>`select datname as name from pg_catalog.pg_database`.execute(kysely);
      const own = rows.filter(({ name }) => scratch.own(name) && also(name));
      for (const { name } of own) await sql`drop database if exists ${sql.id(name)} with (force)`.execute(kysely);
      return own.length;
    });

  return {
    kind: 'postgres',
    extension: 'pgdump',
    estimate: ({ clock }) =>
      withDatabase(url, settings, clock, async ({ kysely }) => {
        const asked = sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`;
        return Number((await asked.execute(kysely)).rows[0]?.bytes ?? 0);
      }),
    dump: (context, write) =>
      withDatabase(url, settings, context.clock, ({ kysely }) =>
        kysely
          .transaction()
          .setIsolationLevel('repeatable read')
          .setAccessMode('read only')
          .execute(async (trx) => {
            // Rows that this user may not see would be left out of the counts, silently.
            await sql`set local row_security = off`.execute(trx);
            const exported = await sql<{ id: string }>`select pg_export_snapshot() as id`.execute(trx);
            const tables = await countTables(trx, countRows);
            const tool = await dumpFrom(exported.rows[0]?.id ?? '', context, write);
            return { tables, tool };
          }),
      ),
    async rehearse(context, content) {
      const name = scratch.fresh();
      // Like the source's, or texts may not fit and unique keys may not hold.
      const like = await withDatabase(url, settings, context.clock, async ({ kysely }) => {
        const asked = sql<{ encoding: string; collate: string; ctype: string }>`
          select pg_encoding_to_char(encoding) as encoding, datcollate as collate, datctype as ctype
          from pg_catalog.pg_database where datname = current_database()`;
        return (await asked.execute(kysely)).rows[0];
      });
      if (!like) throw new BackupError('no_such_database');
      try {
        await withDatabase(scratchUrl, settings, context.clock, async ({ kysely }) => {
          await sql`create database ${sql.id(name)} template template0 encoding ${sql.lit(like.encoding)}
            lc_collate ${sql.lit(like.collate)} lc_ctype ${sql.lit(like.ctype)}`.execute(kysely);
        });
        const into = urlOf(scratchUrl, name);
        await load(into, rehearsalOptions, context, content);
        return await withDatabase(into, settings, context.clock, ({ kysely }) => countTables(kysely, countRows));
      } finally {
        await dropOwn(context.clock, (it) => it === name);
      }
    },
    async restore(context, content, into) {
      const tables = await withDatabase(into, settings, context.clock, ({ kysely }) => countTables(kysely, false));
      if (tables.length > 0) throw new UnfitTarget('the database has tables already');
      await load(into, ['--single-transaction'], context, content);
    },
    async sweep({ clock }) {
      return (await removeLeftFiles(owner)) + (await dropOwn(clock, () => true));
    },
  };
}

const dumpOptions = ['--format=custom', '--compress=0', '--no-password', '--lock-wait-timeout=60s'];
/** Whose things are, and what follows from them elsewhere, is not tried. */
const rehearsalOptions = [
  '--no-owner',
  '--no-privileges',
  '--no-comments',
  '--no-publications',
  '--no-subscriptions',
  '--no-security-labels',
  '--no-tablespaces',
];
