import type { Clock } from '@dotmac/core';
import { parseConnectionUrl, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import { removeLeftFiles, withPrivateFiles } from '../private-files.js';
import { BackupError, feedProgram, findProgram, programOutput } from '../program.js';
import { UnfitTarget, type BackupSource, type Content, type SourceContext, type TableCount } from '../source.js';
import { rowCounter } from './row-counter.js';
import { ownerOf, scratchNames, tlsOf, urlOf, withDatabase, type ServerSettings } from './server.js';

/** An option's value: quoted, so that nothing in it ends it or begins a comment. */
const quoted = (value: string): string => `"${value.replace(/[\\"]/g, (it) => `\\${it}`)}"`;

/** Settings and password are in an option file that only this user can read; of others none is read. */
async function withOptionFile<Result>(
  url: string,
  { ca }: Pick<ServerSettings, 'ca'>,
  owner: string,
  work: (argument: string, database: string) => Promise<Result>,
): Promise<Result> {
  const parts = parseConnectionUrl(url, ['mysql', 'mariadb'], 3306);
  const { host, port, user, password = '', database } = parts;
  const tls = tlsOf(parts, ca);
  return withPrivateFiles(owner, async (files) => {
    const options = [
      '[client]',
      'protocol=tcp',
      `host=${quoted(host)}`,
      `port=${port}`,
      `user=${quoted(user)}`,
      `password=${quoted(password)}`,
      'default-character-set=utf8mb4',
      ...(tls === 'off' ? [] : ['ssl']),
      ...(tls === 'verified' ? ['ssl-verify-server-cert'] : []),
      ...(ca !== undefined ? [`ssl-ca=${quoted(await files.write('ca.pem', ca))}`] : []),
    ];
    return work(`--defaults-file=${await files.write('client.cnf', `${options.join('\n')}\n`)}`, database);
  });
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

const dumpOptions = [
  '--single-transaction',
  '--quick',
  '--skip-lock-tables',
  '--hex-blob',
  '--no-tablespaces',
  '--skip-dump-date',
];
const withoutEvents = ['--routines', '--triggers'];
const eventsAlone = ['--no-create-info', '--no-data', '--skip-triggers', '--events'];
/** What runs by itself comes after this line: a rehearsal reads no further, or it would set events going twice. */
const eventsMark = Buffer.from('\n-- dotmac: events from here on\n');

async function* untilMark(content: Content): Content {
  let kept = Buffer.alloc(0);
  for await (const chunk of content) {
    const joined = Buffer.concat([kept, chunk]);
    const at = joined.indexOf(eventsMark);
    if (at >= 0) return yield joined.subarray(0, at);
    const safe = Math.max(0, joined.length - eventsMark.length);
    yield joined.subarray(0, safe);
    kept = joined.subarray(safe);
  }
  yield kept;
}

/** MariaDB or MySQL, by mariadb-dump or mysqldump: InnoDB's tables as of one instant, without locking them. */
export function mysqlSource(settings: ServerSettings): BackupSource {
  const { url, scratchUrl, countRows, dumpPrograms, restorePrograms } = settings;
  const owner = ownerOf(settings);
  const scratch = scratchNames(owner);

  const load = async (into: string, context: SourceContext, content: Content): Promise<void> => {
    const { program } = await findProgram(restorePrograms, context);
    await withOptionFile(into, settings, owner, (option, database) =>
      feedProgram({ program, args: [option, '--', database], ...context }, content),
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
      const { program, version } = await findProgram(dumpPrograms, context);
      const count = rowCounter();
      await withOptionFile(url, settings, owner, (option, database) => {
        const part = (options: string[]): Content =>
          programOutput({ program, args: [option, ...dumpOptions, ...options, '--', database], ...context });
        async function* both(): Content {
          yield* part(withoutEvents);
          yield eventsMark;
          yield* part(eventsAlone);
        }
        return write(count.through(both()));
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
        await load(into, context, untilMark(content));
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
