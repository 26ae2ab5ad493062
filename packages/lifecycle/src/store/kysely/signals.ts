import { executorFor, insertedCount, onConflictDoNothing, type Database } from '@dotmac/core/kysely';
import type { SignalStore } from '../store.js';
import { signalOf } from './service-tables.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_step_signals';

/** What was said to steps, in the database. */
export function kyselySignals(database: Database, tenantId: string): SignalStore {
  return {
    async add({ runId, stepKey, by, kind, comment, output, at }, trx) {
      const row = {
        tenant_id: tenantId,
        run_id: runId,
        step_key: stepKey,
        said_by: by,
        kind,
        comment,
        output: JSON.stringify(output ?? null),
        at,
      };
      const insert = executorFor<LifecycleTables>(database, trx).insertInto(table).values(row);
      return insertedCount(await onConflictDoNothing(database, insert).execute()) === 1;
    },
    // Index: the primary key.
    async list(runId, stepKey, trx) {
      const rows = await executorFor<LifecycleTables>(database, trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('run_id', '=', runId)
        .where('step_key', '=', stepKey)
        // In the snapshot of a host's own transaction, only a locking read sees what was said since.
        .$if(database.traits.skipLocked && trx !== undefined, (query) => query.forUpdate())
        .execute();
      return rows.map(signalOf).sort((a, b) => a.at - b.at);
    },
    // Index: the primary key.
    async forget(runId, stepKey, trx) {
      await executorFor<LifecycleTables>(database, trx)
        .deleteFrom(table)
        .where('tenant_id', '=', tenantId)
        .where('run_id', '=', runId)
        .where('step_key', '=', stepKey)
        .execute();
    },
  };
}
