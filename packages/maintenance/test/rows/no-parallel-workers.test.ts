import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { available, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';
import { postgresRows } from '../../src/databases/postgres/rows.js';

describe.skipIf(!available.postgres)('what is read of a table (needs PostgreSQL: npm run services)', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeAll(async () => {
    fresh = await freshPostgres();
    database = databaseFromUrl(fresh.url, { poolSize: 1 });
    await sql`create table large as select i, repeat('x', 100) as filling from generate_series(1, 200000) i`.execute(
      database.kysely,
    );
    // What a server with cores to spare would take for a parallel scan.
    for (const setting of ['parallel_setup_cost', 'parallel_tuple_cost', 'min_parallel_table_scan_size'])
      await sql`select set_config(${setting}, '0', false)`.execute(database.kysely);
    await sql`analyze large`.execute(database.kysely);
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });
  const planOf = async (db: Kysely<unknown>) =>
    (await postgresRows.explain(db, sql`select count(*) from large`)).join('\n');

  it('takes one process of the server, and none of the workers that the application may want', async () => {
    expect(await planOf(database.kysely)).toContain('Workers Planned');
    const limits = { statementTimeoutMs: 5_000, lockTimeoutMs: 1_000 };
    expect(await postgresRows.read(database.kysely, limits, planOf)).not.toContain('Workers Planned');
    expect(await planOf(database.kysely)).toContain('Workers Planned');
  });
});
