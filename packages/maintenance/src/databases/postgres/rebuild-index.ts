import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { KnownIndex, Rebuilt, RebuildLimits } from '../advice.js';
import { tableOid } from './catalogue.js';
import { unhurried } from './unhurried.js';

interface Index extends KnownIndex {
  oid: string;
  bytes: string;
}

/** What is built beside the index while it lasts, with room to spare. */
const neededShare = 1.5;
const [dropAttempts, dropRestMs] = [5, 500];
/** Of a run that is to end: what is left then is dropped by the one that resumes it. */
const lastAttempts = 2;

/**
 * Without those of exclusion constraints, which cannot be built beside themselves, and without those of partitioned tables: to
 * build such a one anew is to do it with those of all partitions, one after the other, and each has its own size.
 */
export async function indexesOf(db: Kysely<unknown>, table: string): Promise<Index[]> {
  const { rows } = await sql<Index>`
    select c.oid::text as oid, c.relname as name, c.oid || ':' || c.relname as id, pg_catalog.pg_relation_size(c.oid) as bytes, i.indisvalid as "isValid"
    from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    where i.indrelid = ${tableOid(table)}::oid and not i.indisexclusion and c.relkind = 'i'
    order by 2`.execute(db);
  return rows;
}

/**
 * REINDEX CONCURRENTLY on a connection of its own, in no transaction. It has no time limit: one that is cut off leaves
 * a second index that every write keeps up. The signal cancels it on the server. What that, or a failure, leaves is
 * dropped; what was there before, or belongs to another index, is not ours to drop.
 */
export async function rebuildIndex(
  db: Kysely<unknown>,
  table: string,
  index: string,
  limits: RebuildLimits,
): Promise<Rebuilt> {
  const it = (await indexesOf(db, table)).find(({ name, isValid }) => name === index && isValid);
  if (!it)
    return {
      index,
      outcome: 'refused',
      reason: 'it is not there, does not work, or stands for an exclusion constraint',
      bytes: 0,
    };
  const reason = refusal(Number(it.bytes), limits);
  if (reason !== null) return { index, outcome: 'refused', reason, bytes: 0 };
  try {
    await dropLeftovers(db, table, index, limits);
    await unhurried(db, limits, async (connection) => {
      await sql`reindex index concurrently ${await nameOf(connection, it.oid)}`.execute(connection);
    });
    const now = (await indexesOf(db, table)).find(({ name }) => name === index);
    const bytes = Math.max(0, Number(it.bytes) - Number(now?.bytes ?? it.bytes));
    return { index, outcome: 'rebuilt', reason: null, bytes };
  } catch (error) {
    const cleaned = await dropLeftovers(db, table, index, limits);
    const left = cleaned ? '' : '; what it left could not be dropped, and is an invalid index now';
    if (limits.signal.aborted) return { index, outcome: 'stopped', reason: `it was to end${left}`, bytes: 0 };
    const why = isLockTimeout(error) ? 'a lock was not to be had in time' : 'the database ended it';
    return { index, outcome: 'failed', reason: why + left, bytes: 0 };
  }
}

const isLockTimeout = (error: unknown): boolean => (error as { code?: unknown }).code === '55P03';

/** Of an index, as a statement can have it: quoted, with its schema where the search path needs that. */
async function nameOf(db: Kysely<unknown>, oid: string): Promise<RawBuilder<unknown>> {
  const { rows } = await sql<{ name: string }>`select ${oid}::regclass::text as name`.execute(db);
  return sql.raw(rows[0]?.name ?? '');
}

function refusal(bytes: number, { freeBytes, unmeasuredBytes }: RebuildLimits): string | null {
  if (freeBytes === null)
    return bytes > unmeasuredBytes ? 'nobody knows how much room is free on the disk of the database' : null;
  return bytes * neededShare > freeBytes ? 'there is not enough room for a second one on the disk' : null;
}

/** Bytes of a name; PostgreSQL cuts off what is beyond. */
const longestName = 63;

/**
 * `name_ccnew`, `name_ccnew1`, ...: of a name that leaves no room for that, PostgreSQL cuts the end off before it appends,
 * and no more of it than it has to. Near the end the old index becomes `name_ccold`, and is one that nobody knew by that name.
 */
function isOurs({ name, isValid }: Index, index: string): boolean {
  const [, kept, appended] = /^(.*)(_cc(?:new|old)\d*)$/s.exec(name) ?? [];
  if (isValid || kept === undefined || appended === undefined || !index.startsWith(kept)) return false;
  const [cutOff] = index.slice(kept.length);
  return cutOff === undefined || Buffer.byteLength(kept + cutOff + appended) > longestName;
}

/** On a connection of its own: that of the building may be what failed. False when something is left after all. */
async function dropLeftovers(
  db: Kysely<unknown>,
  table: string,
  index: string,
  limits: RebuildLimits,
): Promise<boolean> {
  // The dropping itself is not to be cancelled.
  const unstoppable = { ...limits, signal: new AbortController().signal };
  for (let attempt = 1; ; attempt++) {
    try {
      const isLeft = (it: Index): boolean => !limits.known.includes(it.id) && isOurs(it, index);
      const leftovers = (await indexesOf(db, table)).filter(isLeft);
      for (const { oid } of leftovers)
        await unhurried(db, unstoppable, async (connection) => {
          await sql`drop index concurrently ${await nameOf(connection, oid)}`.execute(connection);
        });
      return true;
    } catch {
      // Whoever held the lock that ended the building may hold it still.
      if (attempt >= (limits.signal.aborted ? lastAttempts : dropAttempts)) return false;
      await limits.clock.sleep(dropRestMs * attempt);
    }
  }
}
