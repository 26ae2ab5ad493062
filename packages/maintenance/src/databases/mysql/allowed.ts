import { sql, type Kysely } from 'kysely';
import type { Sql } from '../rows/selection.js';

/**
 * Rejects, with what the server answers, when the user may not do that statement. It is prepared, which tells that, waits for
 * nobody who has locked the table, and does nothing. The statement has no parameters.
 */
export function mayDo(db: Kysely<unknown>, statement: Sql): Promise<void> {
  return db.connection().execute(async (connection) => {
    await sql`set @dm_allowed = ${statement.compile(connection).sql}`.execute(connection);
    await sql`prepare dm_allowed from @dm_allowed`.execute(connection);
    await sql`deallocate prepare dm_allowed`.execute(connection);
  });
}
