import type { Database } from '@dotmac/core/kysely';
import { rowDialect } from './row-dialects.js';
import { tableLabel } from './rows/due.js';
import type { TableName } from './rows/selection.js';

/** What every task holds while it is at a table, and calls it in plans, progress and logs: `table:main.sessions`. */
export function tableResource(database: string, table: TableName): string {
  return `table:${database}.${tableLabel(table)}`;
}

/** The one name of a table: without its schema where the connection finds it without, however it was registered. */
export async function ownName(on: Database, { schema, table }: TableName): Promise<TableName> {
  if (schema === undefined || (await rowDialect(on).isOwn(on.kysely, { schema, table }))) return { table };
  return { schema, table };
}
