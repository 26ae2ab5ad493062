import type { Clock } from '@dotmac/core';
import { parseConnectionUrl, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { removeLeftFiles, withPrivateFiles } from '../private-files.js';
import { BackupError, feedProgram, findProgram, programOutput } from '../program.js';
import { UnfitTarget, type BackupSource, type Content, type SourceContext, type TableCount } from '../source.js';
import { eventsMark, untilEvents, withoutSandboxLine, withSingleEnds } from './mysql-dump-text.js';
import {
  canDump,
  certificatesFor,
  clientOptions,
  dumpOptions,
  makerOf,
  ownFirst,
  type Maker,
} from './mysql-programs.js';
import { rowCounter } from './row-counter.js';
import { ownerOf, scratchNames, tlsOf, urlOf, withDatabase, type ServerSettings } from './server.js';

/** Settings and password are in an option file that only this user can read; of others none is read. */
async function withOptionFile<Result>(
  maker: Maker,
  url: string,
  { ca }: Pick<ServerSettings, 'ca'>,
  owner: string,
  work: (argument: string, database: string) => Promise<Result>,
): Promise<Result> {
  const parts = parseConnectionUrl(url, ['mysql', 'mariadb'], 3306);
  const tls = tlsOf(parts, ca);
  const certificates = certificatesFor(maker, tls, ca);
  return withPrivateFiles(owner, async (files) => {
    const caFile = certificates === undefined ? undefined : await files.write('ca.pem', certificates);
    const file = await files.write('client.cnf', clientOptions(maker, parts, { tls, caFile }));
    return work(`--defaults-file=${file}`, parts.database);
  });
}

/** Whose server it is, and whether a table of the database has columns that are computed. */
async function lookAt(db: Database['kysely']): Promise<{ server: Maker; computes: boolean }> {
  const { rows } = await sql<{ version: string; computed: number }>`
    select version() as version, (select count(*) from information_schema.columns
      where table_schema = database() and generation_expression <> '') as computed`.execute(db);
  return { server: makerOf(String(rows[0]?.version)), computes: Number(rows[0]?.computed) > 0 };
}

async function countTables(db: Database['kysely'], countRows: boolean): Promise<TableCount[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')`.execute(db);
  const tables: TableCount[] = [];
  for (const { name } of rows) {
    const asked = countRows
      ? await sql<{ n: number }>`select count(*) as n from ${sql.id(name)}`.execute(db)
      : undefined;
    tables.push({ name, rows: asked ? Number(asked.rows[0]?.n) : null });
  }
  return tables.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const withoutEvents = ['--routines', '--triggers'];
const eventsAlone = ['--no-create-info', '--no-data', '--skip-triggers', '--events'];

/** MariaDB or MySQL, by the programs of its maker, or by the other's where these can do it and are alone there. */
export function mysqlSource(settings: ServerSettings): BackupSource {
  const { url, scratchUrl, countRows, dumpPrograms, restorePrograms } = settings;
  const owner = ownerOf(settings);
  const scratch = scratchNames(owner);

  const load = async (into: string, context: SourceContext, content: Content): Promise<void> => {
    const { server } = await withDatabase(into, settings, context.clock, ({ kysely }) => lookAt(kysely));
    const { program, version } = await findProgram(ownFirst(restorePrograms, server), context);
    const maker = makerOf(version);
    const readable = maker === 'mysql' ? withoutSandboxLine(content) : content;
    await withOptionFile(maker, into, settings, owner, (option, database) =>
      feedProgram({ program, args: [option, '--', database], ...context }, readable),
    );
  };
  const dropOwn = (clock: Clock, also: (name: string) => boolean): Promise<number> =>
    withDatabase(scratchUrl, settings, clock, async ({ kysely }) => {
      const { rows } = await sql<{ name: string }>`
        select schema_name as name from information_schema.schemata`.execute(kysely);
      const own = rows.filter(({ name }) => scratch.own(name) && also(name));
      for (const { name } of own) await sql`drop database if exists ${sql.id(name)}`.execute(kysely);
      return own.length;
    });

  return {
    kind: 'mysql',
    extension: 'sql',
    estimate: ({ clock }) =>
      withDatabase(url, settings, clock, async ({ kysely }) => {
        const asked = sql<{ bytes: number | null }>`
          select sum(data_length) as bytes from information_schema.tables where table_schema = database()`;
        return Number((await asked.execute(kysely)).rows[0]?.bytes ?? 0);
      }),
    async dump(context, write) {
      const found = await withDatabase(url, settings, context.clock, ({ kysely }) => lookAt(kysely));
      const { program, version } = await findProgram(ownFirst(dumpPrograms, found.server), context);
      const maker = makerOf(version);
      if (!canDump(maker, found)) throw new BackupError('foreign_program');
      const count = rowCounter();
      await withOptionFile(maker, url, settings, owner, (option, database) => {
        const part = (options: string[]): Content =>
          programOutput({ program, args: [option, ...dumpOptions(maker), ...options, '--', database], ...context });
        async function* both(): Content {
          yield* part(withoutEvents);
          yield eventsMark;
          yield* part(eventsAlone);
        }
        return write(count.through(found.server === 'mysql' ? withSingleEnds(both()) : both()));
      });
      const tables = count.tables();
      return { tables: countRows ? tables : tables.map(({ name }) => ({ name, rows: null })), tool: version };
    },
    async rehearse(context, content) {
      const name = scratch.fresh();
      const like = await withDatabase(url, settings, context.clock, async ({ kysely }) => {
        const asked = sql<{ charset: string; collation: string }>`
          select default_character_set_name as charset, default_collation_name as collation
          from information_schema.schemata where schema_name = database()`;
        return (await asked.execute(kysely)).rows[0];
      });
      if (!like) throw new BackupError('no_such_database');
      try {
        await withDatabase(scratchUrl, settings, context.clock, async ({ kysely }) => {
          await sql`create database ${sql.id(name)} character set ${sql.id(like.charset)}
            collate ${sql.id(like.collation)}`.execute(kysely);
        });
        const into = urlOf(scratchUrl, name);
        await load(into, context, untilEvents(content));
        return await withDatabase(into, settings, context.clock, ({ kysely }) => countTables(kysely, countRows));
      } finally {
        await dropOwn(context.clock, (it) => it === name);
      }
    },
    async restore(context, content, into) {
      const tables = await withDatabase(into, settings, context.clock, ({ kysely }) => countTables(kysely, false));
      if (tables.length > 0) throw new UnfitTarget('the database has tables already');
      await load(into, context, content);
    },
    async sweep({ clock }) {
      return (await removeLeftFiles(owner)) + (await dropOwn(clock, () => true));
    },
  };
}
