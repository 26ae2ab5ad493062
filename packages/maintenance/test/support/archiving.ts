import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { RowDialect } from '../../src/databases/rows/dialect.js';
import { finishArchives, withArchive } from '../../src/databases/rows/with-archive.js';
import { openRoot } from '../../src/files/root.js';
import type { FileSystem } from '../../src/files/system.js';
import { clean, planned, tinyPace } from './clean.js';

const asOf = Date.UTC(2026, 5, 1);
const old = asOf - 60 * 86_400_000;

/** Ten rows that are due, in three batches, and two that are not. */
const due = Array.from({ length: 10 }, (_, i) => i + 1);
const young = [11, 12];

export async function fillEvents({ kysely }: Database): Promise<void> {
  await sql`drop table if exists events`.execute(kysely);
  await sql`create table events (id bigint primary key, at bigint, note varchar(40))`.execute(kysely);
  await sql`create index events_at on events (at)`.execute(kysely);
  const row = (id: number) => sql`(${sql.lit(id)}, ${sql.lit(due.includes(id) ? old + id : asOf)}, ${`note ${id}`})`;
  await sql`insert into events values ${sql.join([...due, ...young].map(row))}`.execute(kysely);
}

/** What stands in the table, and what is in finished archives. */
export async function stateOf({ kysely }: Database, directory: string) {
  const { rows } = await sql<{ id: number }>`select id from events order by id`.execute(kysely);
  const names = await readdir(directory);
  const archived: number[] = [];
  const wrongSums: string[] = [];
  for (const name of names.filter((it) => it.endsWith('.gz'))) {
    const bytes = await readFile(join(directory, name));
    const lines = gunzipSync(bytes).toString().trimEnd().split('\n');
    archived.push(...lines.map((line) => Number((JSON.parse(line) as { id: number }).id)));
    const sum = await readFile(join(directory, `${name}.sha256`), 'utf8').catch(() => '');
    if (sum !== `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`) wrongSums.push(name);
  }
  const others = names.filter((it) => !/\.gz(\.sha256)?$/.test(it));
  return { standing: rows.map(({ id }) => Number(id)), archived: archived.sort((a, b) => a - b), wrongSums, others };
}

/** When all is done: each row is in one place, once. */
export const whole = { standing: young, archived: due, wrongSums: [], others: [] };

/** Archives what is due of the table, as a run does. */
export async function archiveEvents(
  database: Database,
  directory: string,
  { id, system, dialect }: { id: string; system?: FileSystem; dialect?: (real: RowDialect) => RowDialect },
): Promise<void> {
  const policy = { table: 'events', timeColumn: 'at', retentionDays: 30, maxShare: 1, archive: { directory } };
  const found = await planned(database, policy, asOf);
  const prepared = { ...found.prepared, ...(dialect && { dialect: dialect(found.prepared.dialect) }) };
  const root = await openRoot(directory, { ...(system && { system }) });
  if (!root) throw new Error('no directory');
  try {
    await finishArchives(root, prepared, () => undefined);
    const options = { id, isLost: () => false };
    await withArchive(root, prepared, options, (archive) =>
      clean(database, { ...found, prepared }, { archive, pace: tinyPace(4) }),
    );
  } finally {
    await root.close();
  }
}

/** Calls `step` around all that is asked of the database, and before each commit. */
export const stepping =
  (step: () => void) =>
  (real: RowDialect): RowDialect => {
    const around = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      step();
      const result = await work();
      step();
      return result;
    };
    return {
      ...real,
      read: (db, limits, work) => around(() => real.read(db, limits, work)),
      transaction: (db, limits, work) =>
        around(() =>
          real.transaction(db, limits, async (trx) => {
            const result = await work(trx);
            step();
            return result;
          }),
        ),
    };
  };
