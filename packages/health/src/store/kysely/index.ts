import type { StoreTransaction } from '@dotmac/core';
import { coreMigrations, inTransaction, kyselyOutbox, migrate, type Database } from '@dotmac/core/kysely';
import { healthEvents } from '../../events.js';
import { outboxEntries } from '../outbox-entries.js';
import type { HealthStore } from '../store.js';
import { addBuckets, kyselyBuckets, pruneBuckets } from './buckets.js';
import { everyEndpoint, kyselyEndpoints } from './endpoints.js';
import { healthMigrations } from './migrations.js';
import { kyselyResults, saveResults } from './results.js';
import { saveStates } from './states.js';
import type { HealthTables } from './tables.js';

/** A store in the host's database: SQLite, PostgreSQL, MySQL or MariaDB. */
export function kyselyHealthStore(database: Database): HealthStore {
  const outbox = kyselyOutbox(database, { queue: 'health' });
  return {
    outbox,
    async migrate() {
      await migrate(database, coreMigrations);
      await migrate(database, healthMigrations);
    },
    transaction: <Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction) =>
      inTransaction<HealthTables, Result>(database, join, work),
    everyEndpoint: (ask) => everyEndpoint(database, ask),
    saveResults: (results, states) =>
      inTransaction<HealthTables, void>(database, undefined, async (trx) => {
        await saveResults(database, trx, results);
        await saveStates(database, trx, states);
      }),
    saveChanges: (changes) =>
      inTransaction<HealthTables, void>(database, undefined, async (trx) => {
        // The last state of each: one statement must not touch a row twice.
        await saveStates(database, trx, [...new Map(changes.map(({ kept }) => [kept.endpoint.id, kept])).values()]);
        await outbox.append(outboxEntries(changes.map(({ event }) => healthEvents.encode(event))), trx);
      }),
    addBuckets: (deltas) =>
      inTransaction<HealthTables, void>(database, undefined, (trx) => addBuckets(database, trx, deltas)),
    pruneBuckets: (resolution, before, limit) => pruneBuckets(database, resolution, before, limit),
    tenant: (tenantId) => ({
      ...kyselyEndpoints(database, tenantId),
      ...kyselyResults(database, tenantId),
      ...kyselyBuckets(database, tenantId),
    }),
  };
}
