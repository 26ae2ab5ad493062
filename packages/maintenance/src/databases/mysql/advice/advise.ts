import { sql, type Kysely } from 'kysely';
import type { Advice, AdviceRequest } from '../../advice.js';
import { asFarAsAllowed } from '../../as-far-as-allowed.js';
import type { Finding } from '../../finding.js';
import { judgeIndexes } from '../../index-rules.js';
import { withFreshStatistics } from '../fresh-statistics.js';
import { indexFacts, useCounted } from './indexes.js';
import { adviseHistory, adviseTransactions } from './sessions.js';
import { advisePrimaryKeys, adviseStatistics, adviseTables } from './tables.js';

/** The InnoDB tables of those names in the connection's own database, or all of them. */
export async function tableNames(db: Kysely<unknown>, named: readonly string[] | null): Promise<string[]> {
  if (named?.length === 0) return [];
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = database() and table_type = 'BASE TABLE' and engine = 'InnoDB'
      ${named === null ? sql`` : sql`and binary table_name in (${sql.join([...named])})`} order by 1`.execute(db);
  return rows.map(({ name }) => name);
}

/** All that is advised on. What this user may not see is noted, and does not keep the rest back. */
export async function advise(db: Kysely<unknown>, { tables, asOf, limits }: AdviceRequest): Promise<Advice> {
  const names = await tableNames(db, tables);
  const counted = await useCounted(db, asOf);
  const notes = counted.doubt === null ? [] : [`Unused indexes are not judged: ${counted.doubt}.`];
  const look = asFarAsAllowed(notes);
  const fresh = (work: (on: Kysely<unknown>) => Promise<Finding[]>) => withFreshStatistics(db, work);
  return {
    findings: [
      ...(await look('The catalogue of indexes', async () => judgeIndexes(await indexFacts(db, names), counted, asOf))),
      ...(await look('The catalogue of tables', () => fresh((it) => adviseTables(it, names, limits)))),
      ...(await look('mysql.innodb_table_stats', () => fresh((it) => adviseStatistics(it, names, asOf)))),
      ...(await look('The catalogue of keys', () => advisePrimaryKeys(db, names))),
      ...(await look('innodb_trx', () => adviseTransactions(db, limits))),
      ...(await look('innodb_metrics', () => adviseHistory(db, limits))),
    ],
    notes,
  };
}
