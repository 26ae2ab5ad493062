import type { Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import type { TableFacts, TableSize, Upkeep } from '../database.js';
import { failureNote } from '../failures.js';

/** VACUUM writes the whole file anew while everybody waits: at 0.4 GB/s this is well under a second. */
const wholeVacuumBytes = 64 * 1_048_576;
/** Pages given back in one step of an incremental vacuum, a few milliseconds each. */
const incrementalPages = 2_000;

async function pragma(database: Database, name: 'page_count' | 'page_size' | 'freelist_count' | 'auto_vacuum'): Promise<number> {
  const { rows } = await sql<Record<string, number>>`pragma ${sql.raw(name)}`.execute(database.kysely);
  return Number(Object.values(rows[0] ?? {})[0] ?? 0);
}

/** The size of the database file: SQLite has one for all tables. */
export async function size(database: Database): Promise<TableSize> {
  const pageSize = await pragma(database, 'page_size');
  return {
    bytes: (await pragma(database, 'page_count')) * pageSize,
    reusableBytes: (await pragma(database, 'freelist_count')) * pageSize,
  };
}

/**
 * Gives free pages back: step by step where `auto_vacuum` is incremental, with one VACUUM where the file is small or
 * `rebuild` asks for it. Otherwise the pages stay in the file, for new rows.
 */
export async function vacuum(database: Database, facts: TableFacts, { rebuild }: { rebuild: boolean }): Promise<Upkeep> {
  const done = await updateStatistics(database, facts);
  const { bytes, reusableBytes } = await size(database);
  try {
    if (reusableBytes === 0) return done;
    if ((await pragma(database, 'auto_vacuum')) === 2) {
      done.statements.push('PRAGMA incremental_vacuum');
      for (let free = await pragma(database, 'freelist_count'), before = Infinity; free > 0 && free < before;) {
        before = free;
        await sql`pragma incremental_vacuum(${sql.raw(String(incrementalPages))})`.execute(database.kysely);
        free = await pragma(database, 'freelist_count');
        await database.clock.sleep(1);
      }
    } else if (rebuild || bytes <= wholeVacuumBytes) {
      done.statements.push('VACUUM');
      await sql`vacuum`.execute(database.kysely);
    } else {
      done.notes.push('The file is too large to be rewritten beside its users: freed pages are kept for new rows');
    }
    // VACUUM writes through the log; the file shrinks at the checkpoint.
    await sql`pragma wal_checkpoint(truncate)`.execute(database.kysely);
  } catch (error) {
    done.notes.push(failureNote('VACUUM', error));
  }
  return done;
}

/** ANALYZE of one table, with SQLite's own advice on how much to read. */
export async function updateStatistics(database: Database, { table }: TableFacts): Promise<Upkeep> {
  try {
    await sql`pragma analysis_limit = 1000`.execute(database.kysely);
    await sql`analyze ${sql.id(table)}`.execute(database.kysely);
    await sql`pragma optimize`.execute(database.kysely);
    return { statements: [`ANALYZE "${table}"`, 'PRAGMA optimize'], notes: [] };
  } catch (error) {
    return { statements: [], notes: [failureNote('ANALYZE', error)] };
  }
}
