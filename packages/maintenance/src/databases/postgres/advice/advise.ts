import type { Kysely } from 'kysely';
import type { Advice, AdviceRequest } from '../../advice.js';
import { judgeIndexes } from '../../index-rules.js';
import { adviseAge } from './age.js';
import { adviseBloat } from './bloat.js';
import { indexFacts, useCounted } from './indexes.js';
import { adviseForeignKeys, advisePrimaryKeys } from './keys.js';
import { tableOids } from './scope.js';
import { adviseSequences } from './sequences.js';
import { adviseSessions } from './sessions.js';
import { adviseStatistics } from './statistics.js';

/** All that is advised on, one look after the other: an adviser shall not be what slows the database down. */
export async function advise(db: Kysely<unknown>, { tables, asOf, limits }: AdviceRequest): Promise<Advice> {
  const oids = (await tableOids(db, tables)).map(({ oid }) => oid);
  const counted = await useCounted(db);
  return {
    findings: [
      ...judgeIndexes(await indexFacts(db, oids), counted, asOf),
      ...(await adviseStatistics(db, oids, limits)),
      ...(await adviseBloat(db, oids, limits)),
      ...(await adviseForeignKeys(db, oids)),
      ...(await advisePrimaryKeys(db, oids)),
      ...(await adviseSequences(db, oids, limits)),
      ...(await adviseAge(db, limits)),
      ...(await adviseSessions(db, limits)),
    ],
    notes: counted.doubt === null ? [] : [`Unused indexes are not judged: ${counted.doubt}.`],
  };
}
