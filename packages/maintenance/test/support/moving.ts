import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import { stepping } from './archiving.js';
import { clean, planned, tinyPace } from './clean.js';

const asOf = Date.UTC(2026, 5, 1);
const old = asOf - 60 * 86_400_000;

/** Six rows that are due, in two batches, and two that are not. */
const due = [1, 2, 3, 4, 5, 6];
const young = [7, 8];

export async function fillMoving({ kysely }: Database): Promise<void> {
  for (const table of ['moving', 'moved']) {
    await sql`create table if not exists ${sql.id(table)} (id bigint primary key, at bigint, note varchar(40))`.execute(
      kysely,
    );
    await sql`delete from ${sql.id(table)}`.execute(kysely);
  }
  const row = (id: number) => sql`(${sql.lit(id)}, ${sql.lit(due.includes(id) ? old + id : asOf)}, ${`note ${id}`})`;
  await sql`insert into moving values ${sql.join([...due, ...young].map(row))}`.execute(kysely);
}

/** The rows of both tables at one instant, each as it is. */
export async function whereRowsAre({ kysely }: Database): Promise<{ standing: string[]; archived: string[] }> {
  const { rows } = await sql<{ place: 'standing' | 'archived'; id: number; at: number; note: string }>`
    select 'standing' as place, id, at, note from moving
    union all select 'archived', id, at, note from moved order by 2`.execute(kysely);
  const of = (wanted: string) =>
    rows.filter(({ place }) => place === wanted).map(({ id, at, note }) => `${id} ${at} ${note}`);
  return { standing: of('standing'), archived: of('archived') };
}

const rowOf = (id: number): string => `${id} ${due.includes(id) ? old + id : asOf} note ${id}`;
/** When all is done: each row is in one place, once. */
export const allMoved = { standing: young.map(rowOf), archived: due.map(rowOf) };

/** Moves what is due into the other table, as a run does. Calls `step` before each statement and commit, and after each commit. */
export async function moveRows(database: Database, step: () => void = () => {}): Promise<void> {
  const policy = {
    ...{ table: 'moving', timeColumn: 'at', retentionDays: 30, maxShare: 1, allowFullScan: true },
    archive: { table: 'moved' },
  };
  const { prepared, plan } = await planned(database, policy, asOf);
  const counted: Database = {
    ...database,
    kysely: database.kysely.withPlugin({
      transformQuery: ({ node }) => (step(), node),
      transformResult: ({ result }) => Promise.resolve(result),
    }),
  };
  const dialect = stepping(step)(prepared.dialect);
  const options = { archive: prepared.archive, pace: tinyPace(4) };
  await clean(counted, { prepared: { ...prepared, dialect }, plan }, options);
}
