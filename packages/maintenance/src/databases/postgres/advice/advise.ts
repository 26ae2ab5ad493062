import type { Kysely } from 'kysely';
import type { Advice, AdviceRequest } from '../../advice.js';
import { asFarAsAllowed } from '../../as-far-as-allowed.js';
import { judgeIndexes } from '../../index-rules.js';
import { adviseAge } from './age.js';
import { adviseBloat } from './bloat.js';
import { indexFacts, useCounted } from './indexes.js';
import { adviseForeignKeys, advisePrimaryKeys } from './keys.js';
import { tableOids } from './scope.js';
import { adviseSequences } from './sequences.js';
import { adviseSessions } from './sessions.js';
import { adviseStatistics } from './statistics.js';
import { unseen } from './unseen.js';

/** All that is advised on, one look after the other: an adviser shall not be what slows the database down. */
export async function advise(db: Kysely<unknown>, { tables, asOf, limits }: AdviceRequest): Promise<Advice> {
  const oids = (await tableOids(db, tables)).map(({ oid }) => oid);
  const counted = await useCounted(db);
  const notes = counted.doubt === null ? [] : [`Unused indexes are not judged: ${counted.doubt}.`];
  notes.push(...(await unseen(db, oids)));
  const look = asFarAsAllowed(notes);
  return {
    findings: [
      ...(await look('The catalogue of indexes', async () => judgeIndexes(await indexFacts(db, oids), counted, asOf))),
      ...(await look('pg_stat_all_tables', () => adviseStatistics(db, oids, limits))),
      ...(await look('pg_stats', () => adviseBloat(db, oids, limits))),
      ...(await look('The catalogue of foreign keys', () => adviseForeignKeys(db, oids))),
      ...(await look('The catalogue of primary keys', () => advisePrimaryKeys(db, oids))),
      ...(await look('pg_sequences', () => adviseSequences(db, oids, limits))),
      ...(await look('The age of transactions', () => adviseAge(db, limits))),
      ...(await look('The list of sessions', () => adviseSessions(db, limits))),
    ],
    notes,
  };
}
