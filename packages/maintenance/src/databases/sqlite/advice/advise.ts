import { sql, type Kysely } from 'kysely';
import type { Advice, AdviceRequest } from '../../advice.js';
import { judgeIndexes } from '../../index-rules.js';
import { adviseFile, adviseIntegrity, adviseStatistics, damaged } from './file.js';
import { indexFacts } from './indexes.js';
import { adviseForeignKeys } from './keys.js';

/** The tables of those names, or all of the main file. */
export async function tableNames(db: Kysely<unknown>, named: readonly string[] | null): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name`.execute(
    db,
  );
  return rows.map(({ name }) => name).filter((name) => named === null || named.includes(name));
}

/** All that is advised on. */
export async function advise(db: Kysely<unknown>, request: AdviceRequest): Promise<Advice> {
  try {
    const damage = request.checkIntegrity ? await adviseIntegrity(db) : [];
    return damage.length > 0 ? { findings: damage, notes: [] } : await adviseSound(db, request);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (code !== 'SQLITE_CORRUPT' && code !== 'SQLITE_NOTADB') throw error;
    return { findings: [damaged([String(message)])], notes: [] };
  }
}

async function adviseSound(db: Kysely<unknown>, { tables, asOf, limits }: AdviceRequest): Promise<Advice> {
  const names = await tableNames(db, tables);
  const indexes = await indexFacts(db, names);
  const indexed = names.filter((name) => indexes.some(({ table }) => table === name));
  const doubt = 'SQLite does not count their use';
  return {
    findings: [
      ...judgeIndexes(indexes, { since: null, doubt }, asOf),
      ...(await adviseStatistics(db, indexed)),
      ...(await adviseForeignKeys(db, names)),
      ...(await adviseFile(db, limits)),
    ],
    notes: [`Unused indexes are not judged: ${doubt}.`],
  };
}
