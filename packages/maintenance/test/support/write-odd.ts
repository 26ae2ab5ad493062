import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';

/** Writes also what MySQL takes no more by default, and has where it was written before, or under other settings. */
export const write = ({ dialect, kysely }: Database, statement: string): Promise<void> =>
  kysely.connection().execute(async (on) => {
    if (dialect === 'mysql') await sql`set @mode = @@sql_mode, sql_mode = ''`.execute(on);
    await sql.raw(statement).execute(on);
    if (dialect === 'mysql') await sql`set sql_mode = @mode`.execute(on);
  });
