import { sql, type Kysely } from 'kysely';
import type { Pauses } from '../rows/dialect.js';
import type { TableName } from '../rows/selection.js';
import { pragma } from './upkeep.js';

const incremental = 2;
/** Pages between two pauses: a step blocks every writer, and this process. */
const pagesAStep = 200;
const pauseMs = 2;

/**
 * Gives free pages of the table's file back in small steps where that was made with `auto_vacuum = incremental`, moves what is in the
 * write-ahead log into the file as far as readers let it, and has SQLite look after its statistics. Never VACUUM: it
 * blocks every writer and needs the file's size twice.
 */
export async function giveBack(
  db: Kysely<unknown>,
  { schema = 'main' }: Pick<TableName, 'schema'>,
  { clock, signal, relief }: Pauses,
): Promise<void> {
  const file = sql.id(schema);
  if ((await pragma(db, 'auto_vacuum', schema)) === incremental) {
    let free = await pragma(db, 'freelist_count', schema);
    for (let before = Infinity; free > 0 && free < before;) {
      // The driver steps a statement without result columns once, and one step frees one page, whatever is asked for.
      for (let page = 0; page < Math.min(pagesAStep, free); page++)
        await sql`pragma ${file}.incremental_vacuum(1)`.execute(db);
      await clock.sleep(pauseMs, signal);
      await relief?.();
      [before, free] = [free, await pragma(db, 'freelist_count', schema)];
    }
  }
  await sql`pragma ${file}.wal_checkpoint(passive)`.execute(db);
  await sql`pragma ${file}.optimize`.execute(db);
}
